package scorecard_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/graph"
)

// TestShop looks at the sample repository, with its manifests as written.
func TestShop(t *testing.T) {
	root := "../../examples/shop"
	scan := scorecard.NewScan()
	var files []check.SampleFile
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		scan.Look(filepath.ToSlash(rel), text)
		body := string(text)
		if strings.HasSuffix(p, ".yaml") && strings.Contains(body, "apiVersion: ") && !strings.Contains(body, "{{") && !strings.Contains(body, "kind: Kustomization") && !strings.Contains(body, "kind: Component") && !strings.Contains(p, "/patches/") {
			files = append(files, check.SampleFile{Name: filepath.ToSlash(rel), Text: text})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := checktest.Graph(files)
	if err != nil {
		t.Fatal(err)
	}
	judged := scorecard.Judge(scorecard.Facts{Graphs: []*graph.Graph{g}, Scan: scan, Kustomizations: 2, Charts: 1})
	got := map[string]scorecard.Judged{}
	for _, j := range judged {
		got[j.ID] = j
		if testing.Verbose() {
			fmt.Printf("%-28s %-14s %d/%d %s\n", j.ID, j.Status, j.Good, j.Bad, j.Reason)
			for _, e := range j.Evidence {
				fmt.Printf("      %s %s:%d %s %s\n", e.Status, e.File, e.Line, e.Object, e.Note)
			}
		}
	}
	for id, want := range map[string]scorecard.Status{
		"container-scanning": scorecard.Partly, "sast": scorecard.Implemented, "sbom": scorecard.Implemented, "signing-and-provenance": scorecard.Implemented,
		"secret-detection": scorecard.Partly, "coverage-threshold": scorecard.Implemented, "parallel-tests": scorecard.Implemented, "iac-scanning": scorecard.Missing,
		"policy-at-admission": scorecard.Partly, "image-signatures": scorecard.Implemented, "environments-separated": scorecard.Partly, "immutable-references": scorecard.Partly,
		"remote-state": scorecard.NotApplicable, "protected-repository": scorecard.Unknown, "hardened-workflows": scorecard.NotEvaluated, "alerting": scorecard.Partly,
		"dashboards": scorecard.Implemented, "canary": scorecard.Missing, "dast": scorecard.Missing,
	} {
		if got[id].Status != want {
			t.Errorf("%s is %s (%s), want %s", id, got[id].Status, got[id].Reason, want)
		}
	}
}
