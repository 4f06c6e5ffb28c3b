package app

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/adapter/worktree"
)

// listingAt opens the contents of a folder at a time.
func listingAt(t *testing.T, dir string, now time.Time) *contents {
	t.Helper()
	tree, err := worktree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	cache, err := cachedir.Open("test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := openContents(t.Context(), tree, cache, dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestContentsAreRememberedByTheirStamps follows one tree from run to run.
func TestContentsAreRememberedByTheirStamps(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "abc", "d/b.yaml": "x", "ignored": "i", ".gitignore": "ignored\n"})
	later := time.Now().Add(time.Hour)
	names := []string{"a.yaml", "d/b.yaml", "ignored", "none"}
	// run reads everything and returns which names were known before.
	run := func(now time.Time) (known string) {
		c := listingAt(t, dir, now)
		for _, name := range names {
			if _, ok := c.known[name]; ok {
				known += name + " "
			}
			answer, _ := c.answer(name, nil)
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && answer != contentAnswer(text, nil) || err != nil && !strings.HasPrefix(answer, "error: ") {
				t.Errorf("%s holds %q, %v; the answer is another", name, text, err)
			}
		}
		c.save()
		return known
	}
	if got := run(later); got != "" {
		t.Errorf("known in the first run: %s", got)
	}
	switch got := run(later); got {
	case "a.yaml d/b.yaml ":
	case "":
		t.Skip("the file system of temporary files does not vouch for stamps")
	default:
		t.Errorf("known in the second run: %s", got)
	}
	tick(t, t.TempDir())
	put(t, dir, map[string]string{"a.yaml": "abd"})
	for _, step := range []struct {
		what, want string
		now        time.Time
	}{
		{"a file was edited", "d/b.yaml ", later.Add(1)},
		{"and is known", "a.yaml d/b.yaml ", later.Add(2)},
		{"the clock was set back to before that", "", later},
		{"by much", "", time.Now().Add(-time.Hour)},
		{"and forward", "a.yaml d/b.yaml ", later.Add(3)},
	} {
		if got := run(step.now); got != step.want {
			t.Errorf("%s: known are %q, want %q", step.what, got, step.want)
		}
	}
	// What has not settled is read each time.
	dir = t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "abc", "d/b.yaml": "x"})
	for range 3 {
		if got := run(time.Now()); got != "" {
			t.Errorf("known of what was written just now: %s", got)
		}
	}
}

// TestAWholeStampCounts remembers a file by a stamp that is wrong in one number.
func TestAWholeStampCounts(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "abc"})
	later := time.Now().Add(time.Hour)
	first := listingAt(t, dir, later)
	if _, _, err := first.read(nil, "a.yaml"); err != nil {
		t.Fatal(err)
	}
	row, ok := first.fresh["a.yaml"]
	if !ok {
		t.Skip("the file system of temporary files does not vouch for stamps")
	}
	for what, change := range map[string]func(s *worktree.Stamp){
		"": func(*worktree.Stamp) {}, "device": func(s *worktree.Stamp) { s.Device++ }, "inode": func(s *worktree.Stamp) { s.Inode++ },
		"size": func(s *worktree.Stamp) { s.Size++ }, "modified": func(s *worktree.Stamp) { s.Modified++ }, "changed": func(s *worktree.Stamp) { s.Changed++ },
	} {
		other := row
		change(&other.stamp)
		if err := first.dir.Put(first.key, formatStamps(map[string]fileDigest{"a.yaml": other}, later)); err != nil {
			t.Fatal(err)
		}
		if _, known := listingAt(t, dir, later).known["a.yaml"]; known != (what == "") {
			t.Errorf("with another %q it is known: %v", what, known)
		}
	}
}

func TestStampsAreReadAsWritten(t *testing.T) {
	now := time.Unix(1, 2)
	digest := sha256.Sum256([]byte("x"))
	files := map[string]fileDigest{
		"a":                        {worktree.Stamp{Device: 1, Inode: 2, Size: 3, Modified: -4, Changed: 5}, string(digest[:])},
		"with\x00\xff":             {worktree.Stamp{Device: 1 << 63}, strings.Repeat("\x00", sha256.Size)},
		strings.Repeat("long", 99): {digest: string(digest[:])},
	}
	text := formatStamps(files, now)
	rows, written := parseStamps(text)
	got := map[string]fileDigest{}
	for i, r := range rows {
		got[r.path] = r.fileDigest
		if i > 0 && rows[i-1].path >= r.path {
			t.Error("the rows are not in order")
		}
	}
	if written != now.UnixNano() || !maps.Equal(got, files) {
		t.Errorf("%d %v", written, got)
	}
	for cut := range text {
		if rows, _ := parseStamps(text[:cut]); len(rows) >= len(files) {
			t.Errorf("cut at %d: %d rows", cut, len(rows))
		}
	}
}

func FuzzStamps(f *testing.F) {
	f.Add(formatStamps(map[string]fileDigest{"a": {digest: strings.Repeat("d", sha256.Size)}}, time.Unix(1, 0)))
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, written := parseStamps(text)
		files := map[string]fileDigest{}
		for _, r := range rows {
			files[r.path] = r.fileDigest
		}
		if len(files) == 0 {
			return
		}
		again, at := parseStamps(formatStamps(files, time.Unix(0, written)))
		if len(again) != len(files) || at != written {
			t.Errorf("%d rows of %d, then %d of %d", len(files), written, len(again), at)
		}
	})
}

// TestTrapsOnceStampsHaveSettled makes the changes that fool caches that look
// at less than all of a stamp, with stamps that are believed.
func TestTrapsOnceStampsHaveSettled(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, dir, map[string]string{"web.yaml": podText, "other.yaml": podOther})
	b := backend{clock: func() time.Time { return time.Now().Add(time.Hour) }}
	past := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	set := func(names ...string) (err error) {
		for _, name := range names {
			err = errors.Join(err, os.Chtimes(at(name), past, past))
		}
		return err
	}
	if err := set("web.yaml", "other.yaml"); err != nil {
		t.Fatal(err)
	}
	args := []string{"assess", dir, "-o", "json"}
	last := same(t, b, args...).stdout
	for i, change := range []func() error{
		func() error {
			return errors.Join(os.WriteFile(at("web.yaml"), []byte(podOther), 0o644), set("web.yaml"))
		},
		func() error {
			return errors.Join(os.WriteFile(at("new"), []byte(podText), 0o644), os.Rename(at("new"), at("web.yaml")), set("web.yaml"))
		},
		func() error {
			return errors.Join(os.Rename(at("web.yaml"), at("x")), os.Rename(at("other.yaml"), at("web.yaml")), os.Rename(at("x"), at("other.yaml")))
		},
		func() error { return errors.Join(os.Remove(at("web.yaml")), os.Link(at("other.yaml"), at("web.yaml"))) },
		func() error {
			return errors.Join(os.WriteFile(at("other.yaml"), []byte(podOther), 0o644), set("other.yaml"))
		},
		func() error { return errors.Join(os.Truncate(at("web.yaml"), 10), set("web.yaml")) },
	} {
		known(t, b, args...)
		tick(t, t.TempDir())
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now := same(t, b, args...).stdout
		if now == last {
			t.Errorf("change %d makes no difference", i)
		}
		last = now
	}
	known(t, b, args...)
}
