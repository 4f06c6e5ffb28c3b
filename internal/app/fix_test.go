package app

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// TestFixShop mends a copy of the example: base, overlays and chart. What it
// wrote is assessed again, and a second run has nothing to do.
func TestFixShop(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/shop")); err != nil {
		t.Fatal(err)
	}
	before := failed(t, dir)
	b := backend{}
	st, err := b.Settings(dir)
	if err != nil {
		t.Fatal(err)
	}
	req := cli.FixRequest{Path: dir, Settings: st, Write: true}
	out, err := b.Fix(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	after := failed(t, dir)
	t.Logf("%d findings: %d fixed, %d dropped, %d asked, in %d files; %d are left", before, out.Fixed, out.Dropped, out.Asked, len(out.Files), after)
	for _, n := range out.Notes {
		t.Log(n)
	}
	if out.Fixed < 25 || out.Dropped > 6 || out.Asked == 0 {
		t.Errorf("%d fixed, %d dropped, %d asked", out.Fixed, out.Dropped, out.Asked)
	}
	if after > before-out.Fixed {
		t.Errorf("%d findings were mended, but of %d there are %d left", out.Fixed, before, after)
	}
	for _, part := range []string{"base/", "overlays/", "charts/", "platform/"} {
		if !strings.Contains(out.Diff, "\n+++ b/"+part) {
			t.Errorf("nothing in %s was mended", part)
		}
	}
	applies(t, out.Diff)
	again, err := b.Fix(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if again.Fixed != 0 || again.Diff != "" || again.Asked != out.Asked {
		t.Errorf("a second run: %d fixed, %d asked\n%s", again.Fixed, again.Asked, again.Diff)
	}
}

// failed assesses a folder.
func failed(t *testing.T, dir string) int {
	t.Helper()
	b := backend{}
	st, err := b.Settings(dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.Assess(t.Context(), cli.Request{Path: dir, Settings: st, NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	rep, err := out.Judge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rep.Summary.Findings.Failed()
}

// applies holds the diff to what Git makes of it.
func applies(t *testing.T, diff string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		return
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/shop")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), git, "apply", "--check", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git apply: %v\n%s", err, out)
	}
}

// TestFixParts mends parts of the example and leaves the rest alone.
func TestFixParts(t *testing.T) {
	for _, part := range []string{"charts/notifications", "overlays/staging", "legacy/admin.yaml"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("../../examples/shop")); err != nil {
			t.Fatal(err)
		}
		b := backend{}
		st, err := b.Settings(dir)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Fix(t.Context(), cli.FixRequest{Path: filepath.Join(dir, part), Settings: st, Write: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d fixed, %d dropped, %d asked", part, out.Fixed, out.Dropped, out.Asked)
		unchanged(t, dir, part)
	}
}

// unchanged compares what lies outside of the part with the example.
func unchanged(t *testing.T, dir, part string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || p == part || strings.HasPrefix(p, part+"/") {
			return err
		}
		a, err := os.ReadFile(filepath.Join(dir, p))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join("../../examples/shop", p))
		if string(a) != string(b) {
			t.Errorf("%s was changed, which lies outside of %s", p, part)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
