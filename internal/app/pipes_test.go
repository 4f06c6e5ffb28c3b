package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// TestPipesAreRefused has a command say that a pipe is no file, and not wait for somebody to
// write to it.
func TestPipesAreRefused(t *testing.T) {
	dir := t.TempDir()
	pipe, pod, ledger := filepath.Join(dir, "pipe"), filepath.Join(dir, "pod.yaml"), filepath.Join(dir, "ledger.db")
	err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(pod, []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: x}]}\n"), 0o600), os.WriteFile(ledger, nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"assess " + pod + " --exceptions " + pipe, "assess " + pod + " --baseline " + pipe,
		"audit verify " + pipe, "audit verify " + ledger + " --key " + pipe, "audit verify " + ledger + " --checkpoint " + pipe, "audit verify " + ledger + " --witness " + pipe,
	} {
		var out, errs bytes.Buffer
		done := make(chan int, 1)
		go func() {
			done <- cli.Main(t.Context(), backend{}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{}, strings.Fields(args))
		}()
		select {
		case code := <-done:
			if code == 0 || !strings.Contains(errs.String(), "it is no regular file") || !strings.Contains(errs.String(), "fix: ") {
				t.Errorf("%s: exit code %d\n%s%s", args, code, out.String(), errs.String())
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s waits for ever", args)
		}
	}
}
