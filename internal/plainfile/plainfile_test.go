package plainfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRead takes regular files and what is open already, and no pipe, which it would wait for.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("said"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{file: "text", fmt.Sprintf("/dev/fd/%d", r.Fd()): "said"} {
		if text, err := Read(name); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for name, want := range map[string]error{pipe: ErrNotPlain, dir: ErrNotPlain, "/dev/null": ErrNotPlain, filepath.Join(dir, "none"): fs.ErrNotExist} {
		if _, err := Read(name); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
