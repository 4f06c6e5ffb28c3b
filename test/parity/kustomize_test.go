package parity

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/kustomize"
)

// kustomizations is where the kustomize adapter keeps its samples.
const kustomizations = "../../adapter/kustomize/testdata"

// tool builds one of the real command lines from this module; the test is
// skipped where that is not possible.
func tool(t *testing.T, pkg string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(filepath.Dir(pkg)))
	if out, err := exec.Command("go", "build", "-o", bin, pkg).CombinedOutput(); err != nil {
		t.Skipf("cannot build %s: %v\n%s", pkg, err, out)
	}
	return bin
}

// TestKustomize compares the bytes of the adapter with those of `kustomize
// build`, for every sample that needs no chart. The samples run in one
// process twice, so that one build's leavings would show in another.
func TestKustomize(t *testing.T) {
	bin := tool(t, "sigs.k8s.io/kustomize/kustomize/v5")
	renderer := kustomize.New(kustomize.Options{})
	for range 2 {
		rendered := 0
		for _, root := range kustomizationRoots(t) {
			want, err := exec.Command(bin, "build", filepath.Join(kustomizations, root)).Output()
			if err == nil {
				rendered++
			}
			got := renderer.Render(context.Background(), os.DirFS(kustomizations), root)[0]
			compare(t, root, want, err, joined(got.Chunks), len(got.Problems) == 0, got.Problems)
		}
		if rendered < 9 {
			t.Errorf("the tool renders %d samples only", rendered)
		}
	}
}
