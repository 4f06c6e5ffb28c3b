package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
)

const chart = "../../charts/autoecoops"

// TestInstallIsWhatTheChartRenders holds the Kustomize base to the chart.
func TestInstallIsWhatTheChartRenders(t *testing.T) {
	var out bytes.Buffer
	if err := (backend{}).Render(context.Background(), chart, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../deploy/operator/install.yaml")
	if err != nil || !bytes.Equal(got, out.Bytes()) {
		t.Errorf("deploy/operator/install.yaml is not what the chart renders: run make generate (%v)", err)
	}
}

// TestObservingAcrossNamespaces gives the operator the flag and the rights for it
// together, and neither where nobody asks.
func TestObservingAcrossNamespaces(t *testing.T) {
	render := func(values map[string]any) (text string, problems []assess.Problem) {
		o := helm.ChartOptions{ReleaseName: "aeo", Namespace: "autoecoops", Values: values}
		rd := helm.New(helm.Options{}).RenderRelease(t.Context(), os.DirFS(chart), ".", o)
		for _, c := range rd.Chunks {
			text += string(c.Text) + "\n"
		}
		return text, rd.Problems
	}
	// Nothing of other tools is watched, as where somebody has his own list.
	values := func(across any) map[string]any {
		return map[string]any{"watch": []any{map[string]any{"apiGroup": "apps", "resources": []any{"deployments"}}}, "observe": map[string]any{"acrossNamespaces": across}}
	}
	words := []string{"--observe-across-namespaces", "argoproj.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"}
	for across, want := range map[bool]int{false: 0, true: 1} {
		text, problems := render(values(across))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, w := range words {
			if n := strings.Count(text, w); n != want {
				t.Errorf("%v: %s stands there %d times", across, w, n)
			}
		}
	}
	if _, problems := render(values("yes")); len(problems) == 0 {
		t.Error("a word passes for a truth value")
	}
	if text, _ := render(nil); strings.Contains(text, words[0]) {
		t.Error("it is on though nobody asked for it")
	}
}

// TestChartShipsTheDefinitions holds the chart's definitions to those that are
// generated from the types.
func TestChartShipsTheDefinitions(t *testing.T) {
	files, err := filepath.Glob("../../deploy/crds/autoecoops.io_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(chart, "crds", filepath.Base(f)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date in the chart: run make generate (%v)", filepath.Base(f), err)
		}
	}
}

// TestOurOwnInstallationPasses holds what we ship to what we ask of others.
func TestOurOwnInstallationPasses(t *testing.T) {
	for _, path := range []string{"../../charts", "../../deploy"} {
		mustPass(t, path)
	}
}

// mustPass holds a folder to our own checks.
func mustPass(t *testing.T, dir string) {
	t.Helper()
	out, err := backend{}.Assess(t.Context(), cli.Request{Path: dir, Settings: config.Default(), NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}()
	rep, err := out.Judge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := rep.Summary.Findings.Failed(); n != 0 {
		t.Errorf("%s: %d findings", dir, n)
		for _, f := range rep.Findings {
			t.Logf("%s %s: %s (%s)", f.Status, f.Position, f.Message, f.Check)
		}
	}
	if len(rep.Notices) > 0 {
		t.Errorf("%s: %v", dir, rep.Notices)
	}
}
