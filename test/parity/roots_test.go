package parity

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
)

// kustomizationRoots lists every folder of the samples with a kustomization
// file, except those that are about charts.
func kustomizationRoots(t *testing.T) []string {
	t.Helper()
	var roots []string
	err := fs.WalkDir(os.DirFS(kustomizations), ".", func(p string, d fs.DirEntry, err error) error {
		switch path.Base(p) {
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			if dir := path.Dir(p); !d.IsDir() && !strings.HasPrefix(dir, "charts/") && !slices.Contains(roots, dir) {
				roots = append(roots, dir)
			}
		}
		return err
	})
	if err != nil || len(roots) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	return roots
}

func joined(chunks []assess.Chunk) []byte {
	var b []byte
	for _, c := range chunks {
		b = append(b, c.Text...)
	}
	return b
}

// compare demands the same bytes where the tool succeeds, and a problem where
// it fails.
func compare(t *testing.T, name string, want []byte, toolErr error, got []byte, ok bool, problems any) {
	t.Helper()
	switch {
	case toolErr != nil && ok:
		t.Errorf("%s: the tool refuses it (%v), the adapter has no problem", name, toolErr)
	case toolErr == nil && !ok:
		t.Errorf("%s: the tool renders it, the adapter says %v", name, problems)
	case toolErr == nil && !bytes.Equal(want, got):
		t.Errorf("%s: output differs\n--- tool\n%s\n--- adapter\n%s", name, want, got)
	}
}
