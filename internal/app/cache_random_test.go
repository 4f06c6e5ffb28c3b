package app

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// edits makes random changes to a small tree of everything that aeo reads.
type edits struct {
	*rand.Rand
	dir string
}

// texts are what files hold; all that differ by one letter are of one size.
var texts = []string{
	podText, podOther, "", "# aeo:except k8s-privileged-container reason=\"x\" owner=me expires=2099-01-01\n" + podText, "a: [", "\xff\xfe\x00",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: x, image: 'a:1', env: [{name: P, valueFrom: {secretKeyRef: {name: s, key: a}}}]}]}\n",
	"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2hunter2}\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {b: hunter2hunter2}\n",
	"resources: [a.yaml]\n", "resources: [b.yaml, ../d]\n", "resources: [d, b]\nnamePrefix: x-\n", "configMapGenerator: [{name: c, files: [link]}]\n",
	"apiVersion: v2\nname: c\nversion: 1.0.0\n", "image: x\n", "image: y\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ .Values.image }}-{{ len (.Files.Glob \"*.txt\") }}'}\nspec: {containers: [{name: x, image: '{{ .Values.image }}'}]}\n",
	"*.txt\n", "a.yaml\n!b.yaml\n", "/d/\n", "link\n", "exceptions: [{check: k8s-privileged-container, reason: x, owner: me, expires: 2099-01-01}]\n",
}

// names are the files that there may be.
var names = []string{
	"a.yaml", "b.yaml", "link", "n.txt", "kustomization.yaml", "Chart.yaml", "values.yaml", "values-prod.yaml", "templates/a.yaml", ".gitignore", ".aeoignore",
	".helmignore", ".aeo/exceptions.yaml", "Dockerfile", ".github/workflows/ci.yaml", "x.tgz", "pic.png",
}

var folders = []string{".", "b", "d", "d/b", "chart", "chart/templates"}

// path returns a random path, mostly of a file that exists.
func (e edits) path() string {
	if e.IntN(3) > 0 {
		var all []string
		err := filepath.WalkDir(e.dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, p)
			}
			return nil
		})
		if err == nil && len(all) > 0 {
			return all[e.IntN(len(all))]
		}
	}
	return filepath.Join(e.dir, folders[e.IntN(len(folders))], names[e.IntN(len(names))])
}

// step makes one change and says which. Changes that cannot be made, as of a
// file that is a folder, are none.
func (e edits) step() string {
	p := e.path()
	rel, _ := filepath.Rel(e.dir, p)
	var what string
	var err error
	switch e.IntN(12) {
	case 0, 1, 2, 3, 4:
		i := e.IntN(len(texts))
		what = fmt.Sprintf("write %s: %.30q", rel, texts[i])
		err = errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(texts[i]), 0o644))
	case 5:
		what = "write with old times " + rel
		var info fs.FileInfo
		if info, err = os.Stat(p); err == nil && info.Mode().IsRegular() {
			err = errors.Join(os.WriteFile(p, []byte(texts[e.IntN(len(texts))]), 0o644), os.Chtimes(p, info.ModTime(), info.ModTime()))
		}
	case 6:
		to := e.path()
		what = "rename " + rel + " to " + to
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(p, to))
	case 7:
		what = "remove " + rel
		err = os.Remove(p)
	case 8:
		what = "remove all " + filepath.Dir(rel)
		if e.IntN(4) == 0 {
			err = os.RemoveAll(filepath.Join(e.dir, folders[1+e.IntN(len(folders)-1)]))
		}
	case 9:
		at := time.Unix(e.Int64N(2e9), e.Int64N(1e9))
		what = "touch " + rel
		err = os.Chtimes(p, at, at)
	case 10:
		what = "chmod " + rel
		err = os.Chmod(p, []fs.FileMode{0o644, 0o755, 0o600, 0}[e.IntN(4)])
	case 11:
		to := []string{"a.yaml", "b.yaml", "../a.yaml", "..", ".", "d", "/etc/hostname", "none", "link"}[e.IntN(9)]
		what = "link " + rel + " to " + to
		_ = os.Remove(p) // it need not exist
		err = errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.Symlink(to, p))
	}
	if err != nil {
		what += " (not done)"
	}
	return what
}

// TestTheCacheEqualsAColdRunAfterRandomEdits edits a tree at random and holds
// every answer, first, repeated and in another format, to that of a cold run:
// while contents have to be read, and once stamps have settled.
func TestTheCacheEqualsAColdRunAfterRandomEdits(t *testing.T) {
	steps := 300
	if testing.Short() {
		steps = 60
	}
	t.Run("read", func(t *testing.T) { randomEdits(t, backend{}, steps, func(string) {}) })
	t.Run("stamped", func(t *testing.T) {
		// An hour from now all that is written now has settled, provided that the
		// file system's clock ticks between two edits.
		later := backend{clock: func() time.Time { return time.Now().Add(time.Hour) }}
		randomEdits(t, later, steps, func(dir string) { tick(t, filepath.Dir(dir)) })
	})
}

// tick waits until files in dir are stamped with another time.
func tick(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "tick")
	var first time.Time
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			t.Fatal(err)
		case first.IsZero():
			first = info.ModTime()
		case !info.ModTime().Equal(first):
			return
		case time.Now().After(deadline):
			t.Fatal("the clock of the file system stands still")
		}
	}
}

func randomEdits(t *testing.T, b backend, steps int, between func(dir string)) {
	isolated(t)
	dir := filepath.Join(t.TempDir(), "tree")
	put(t, dir, map[string]string{
		"a.yaml": podText, "b.yaml": texts[6], "kustomization.yaml": "resources: [a.yaml]\n", "d/kustomization.yaml": "resources: [../b.yaml]\n",
		"chart/Chart.yaml": texts[13], "chart/values.yaml": "image: x\n", "chart/templates/a.yaml": texts[16], ".gitignore": "*.txt\n",
	})
	e := edits{rand.New(rand.NewPCG(1, 2)), dir}
	var log []string
	changed, answered := 0, 0
	last := ""
	for i := range steps {
		between(dir)
		log = append(log, e.step())
		format := allFormats[e.IntN(len(allFormats))]
		args := []string{"assess", dir, "-o", format}
		if e.IntN(5) == 0 {
			args = append(args, []string{"-v", "--show=passed", "--fail-on=low", "--fail-on-unknown"}[e.IntN(4)])
		}
		cold := aeo(b, append(slices.Clone(args), "--no-cache")...)
		for _, run := range []string{"first", "second"} {
			got := aeo(b, args...)
			if got.stdout != cold.stdout || got.stderr != cold.stderr || got.code != cold.code {
				t.Fatalf("step %d, %s run of %v: exit %d, want %d\n%s\n%s\n%s\nthe last steps: %q", i, run, args[2:], got.code, cold.code, firstDifference(got.stdout, cold.stdout), firstDifference(cold.stdout, got.stdout), got.stderr, log[max(0, len(log)-12):])
			}
			// Exceptions that cannot be read are an error, which is not remembered.
			if run == "second" && (got.judged == 0 || cold.code == 2) {
				answered++
			}
		}
		now := aeo(b, "assess", dir, "-o", "json").stdout
		if now != last {
			changed++
		}
		last = now
	}
	// The test is worth something only if edits matter and reruns are remembered.
	if changed < steps/4 || answered < steps {
		t.Errorf("of %d steps %d changed the answer, %d reruns were answered from the cache", steps, changed, answered)
	}
	t.Logf("%d steps, %d changed the answer, %d reruns answered from the cache", steps, changed, answered)
}
