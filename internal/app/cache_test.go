package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
)

const podText = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: x, image: 'a:1', securityContext: {privileged: true}}]\n"

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// ask assesses with and without the cache, which must say the same.
func ask(t *testing.T, req cli.Request) string {
	t.Helper()
	if req.Settings.FailOn == "" {
		req.Settings = config.Default()
	}
	var texts [2]string
	for i, noCache := range []bool{false, true} {
		req.NoCache = noCache
		out, err := backend{}.Assess(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(out.Report)
		if err := errors.Join(err, out.Close()); err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Errorf("the cache is wrong:\n%.2000s\n%.2000s", texts[0], texts[1])
	}
	return texts[1]
}

func TestCacheIsNeverWrong(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"web.yaml": podText, "other.yaml": podText, ".gitignore": "ignored\n", "k/kustomization.yaml": "resources: [ignored/pod.yaml]\n",
		"k/ignored/pod.yaml": podText, "l/kustomization.yaml": "resources: [pod.yaml]\n", "l/one.txt": podText, "l/two.txt": "",
	})
	if err := os.Symlink("one.txt", filepath.Join(dir, "l/pod.yaml")); err != nil {
		t.Fatal(err)
	}
	req := cli.Request{Path: dir}
	first := ask(t, req)
	for name, text := range map[string]string{"web.yaml": "# x\n" + podText, "other.yaml": "", ".gitignore": "ignored\nother.yaml\n", "new.yaml": podText, ".aeo/exceptions.yaml": "inline: forbidden\n"} {
		put(t, dir, map[string]string{name: text})
		if ask(t, req) == first {
			t.Errorf("a change of %s is not seen", name)
		}
	}
	// What is ignored or behind a link can be part of a rendering all the same.
	put(t, dir, map[string]string{"k/ignored/pod.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"})
	ask(t, req)
	if err := errors.Join(os.Remove(filepath.Join(dir, "l/pod.yaml")), os.Symlink("two.txt", filepath.Join(dir, "l/pod.yaml"))); err != nil {
		t.Fatal(err)
	}
	ask(t, req)
	s := config.Default()
	s.Skip = []string{"k8s-privileged-container"}
	ask(t, cli.Request{Path: dir, Settings: s})
	ask(t, cli.Request{Path: dir, KeepPassed: true})
}

func TestCacheAnswersAndSurvivesDamage(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	first := ask(t, cli.Request{Path: dir})
	entries, err := filepath.Glob(filepath.Join(cache, "aeo", "assess", "*"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v %v", entries, err)
	}
	if err := os.WriteFile(entries[0], []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ask(t, cli.Request{Path: dir}) != first {
		t.Error("damage changes the answer")
	}
	if text, err := os.ReadFile(entries[0]); err != nil || string(text) == "damage" {
		t.Error("a damaged entry is not written again")
	}
}

func TestChangedSinceOfTwinFolders(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	put(t, dir, map[string]string{"a/web.yaml": podText, "b/x.txt": ""})
	for _, args := range [][]string{{"init", "-q", "."}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	put(t, dir, map[string]string{"b/web.yaml": podText, "a/x.txt": ""})
	known := ask(t, cli.Request{Path: filepath.Join(dir, "a"), ChangedSince: "HEAD"})
	fresh := ask(t, cli.Request{Path: filepath.Join(dir, "b"), ChangedSince: "HEAD"})
	if len(fresh) <= len(known) {
		t.Error("what is new in one folder is hidden by the other's answer")
	}
}
