package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
)

const shop = "../../examples/shop"

func TestRender(t *testing.T) {
	for _, c := range []struct {
		path, values, want string
		kind               fault.Kind
	}{
		{path: shop + "/overlays/production", want: "namespace: shop-production"},
		{path: shop + "/charts/notifications", want: "# Source: notifications/templates/deployment.yaml"},
		{path: shop + "/charts/notifications", values: "values-production.yaml", want: "kind: Deployment"},
		{path: shop + "/charts/notifications", values: "no-such-values.yaml", kind: fault.NotFound},
		{path: shop + "/services", kind: fault.Invalid},
		{path: shop + "/nowhere", kind: fault.Invalid},
	} {
		var out bytes.Buffer
		err := backend{}.Render(context.Background(), c.path, cli.RenderOptions{Values: c.values, KubeVersion: "v1.37"}, &out)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("render %s with %q succeeds", c.path, c.values)
		case c.want == "" && fault.KindOf(err) != c.kind:
			t.Errorf("render %s with %q: %v", c.path, c.values, err)
		case c.want != "" && (err != nil || !strings.Contains(out.String(), c.want)):
			t.Errorf("render %s with %q: %v, %d bytes without %q", c.path, c.values, err, out.Len(), c.want)
		}
	}
}

func TestAssessesStandardInput(t *testing.T) {
	b := backend{stdin: strings.NewReader("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, securityContext: {privileged: true}}]}\n")}
	out, err := b.Assess(context.Background(), cli.Request{Path: "-", Settings: config.Default(), NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	rep, err := out.Judge(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Summary.Findings.Critical != 1 {
		t.Errorf("findings %+v, want one that is critical", rep.Summary.Findings)
	}
}

func TestChoosesChecks(t *testing.T) {
	s := config.Default()
	s.Only, s.Skip = []string{"k8s-cpu-limit", "K01"}, []string{"k8s-privileged-container"}
	chosen, err := chooseChecks(s)
	if err != nil || len(chosen) != 1 || chosen[0].ID != "k8s-cpu-limit" {
		t.Errorf("chosen %v, %v", chosen, err)
	}
	for _, set := range []func(*config.Assess){
		func(s *config.Assess) { s.Only = []string{"k8s-nothing"} },
		func(s *config.Assess) { s.Skip = []string{"k8s-nothing"} },
		func(s *config.Assess) { s.Enable = []string{"k8s-nothing"} },
	} {
		s := config.Default()
		set(&s)
		if _, err := chooseChecks(s); fault.KindOf(err) != fault.NotFound {
			t.Errorf("an unknown check is accepted: %v", err)
		}
	}
}
