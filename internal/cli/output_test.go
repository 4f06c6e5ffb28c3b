package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

// TestWriteBeside makes no folder of a name that was mistyped.
func TestWriteBeside(t *testing.T) {
	dir := t.TempDir()
	text := func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }
	folder := filepath.Join(dir, "nodir")
	if err := writeBeside(filepath.Join(folder, "x.svg"), nil, text); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), folder) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("it made the folder")
	}
	if err := writeBeside(filepath.Join(dir, "x.svg"), nil, text); err != nil {
		t.Error(err)
	}
	var out strings.Builder
	if err := writeBeside("", &out, text); err != nil || out.String() != "x" {
		t.Errorf("%q %v", out.String(), err)
	}
}
