package helm

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"
)

// TestCorpus renders every chart under the folder that AEO_HELM_CORPUS names,
// and compares with Helm's engine wherever that one renders.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("AEO_HELM_CORPUS")
	if dir == "" {
		t.Skip("AEO_HELM_CORPUS names no folder of charts")
	}
	files := os.DirFS(dir)
	same, problems, helmFails := 0, 0, 0
	var took time.Duration
	for _, root := range chartsIn(t, files) {
		begin := time.Now()
		rs := render(files, root)
		took += time.Since(begin)
		sub, err := fs.Sub(files, root)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if len(r.Problems) > 0 {
				problems++
				t.Logf("%s %s: %s: %s (%s)", root, r.Variant, r.Problems[0].Position, r.Problems[0].Reason, r.Problems[0].Missing)
			}
			if r.Chunks == nil {
				continue
			}
			want, err := byHelm(t, sub, ".", strings.TrimPrefix(r.Variant, root+"/"), false)
			if err != nil {
				if helmFails++; len(r.Problems) == 0 {
					t.Errorf("%s %s: Helm fails and we do not: %v", root, r.Variant, err)
				}
				continue
			}
			if got := joined(r, false); got != want {
				t.Errorf("%s %s: differs at %s", root, r.Variant, firstDifference(got, want))
				continue
			}
			same++
		}
	}
	t.Logf("%d renderings equal to Helm's, %d with problems, Helm fails on %d; %s in all", same, problems, helmFails, took)
}

// chartsIn lists the chart folders that are not subcharts of another.
func chartsIn(t *testing.T, files fs.FS) []string {
	t.Helper()
	var roots []string
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != "Chart.yaml" {
			return err
		}
		root := path.Dir(name)
		for _, r := range roots {
			if strings.HasPrefix(root, r+"/charts/") {
				return nil
			}
		}
		roots = append(roots, root)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return roots
}
