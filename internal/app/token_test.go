package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

func TestReadToken(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for file, want := range map[string]string{"": "", write("good", " secret\n"): "secret"} {
		if got, err := ReadToken(file, "--token-file"); got != want || err != nil {
			t.Errorf("%q: %q, %v", file, got, err)
		}
	}
	for file, kind := range map[string]fault.Kind{write("empty", "\n"): fault.Invalid, filepath.Join(dir, "none"): fault.NotFound, "/dev/zero": fault.Invalid} {
		if _, err := ReadToken(file, "--token-file"); err == nil || fault.KindOf(err) != kind {
			t.Errorf("%q: %v", file, err)
		}
	}
}
