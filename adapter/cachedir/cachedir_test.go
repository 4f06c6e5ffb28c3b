package cachedir_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/fault"
)

func key(s string) cachedir.Key { return sha256.Sum256([]byte(s)) }

// opened returns an empty cache and its folder.
func opened(t *testing.T) (*cachedir.Dir, string) {
	t.Helper()
	base := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", base)
	d, err := cachedir.Open("x")
	if err != nil {
		t.Fatal(err)
	}
	return d, filepath.Join(base, "aeo", "x")
}

func put(t *testing.T, d *cachedir.Dir, name string, value []byte) {
	t.Helper()
	if err := d.Put(key(name), value); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	d, path := opened(t)
	if _, err := os.Stat(path); err == nil {
		t.Error("opening makes a folder")
	}
	if _, ok := d.Get(key("a")); ok {
		t.Error("an empty cache has an entry")
	}
	for _, v := range [][]byte{{}, []byte("value"), bytes.Repeat([]byte{0}, 1<<20), bytes.Repeat([]byte("x"), 1<<18-1), bytes.Repeat([]byte("x"), 1<<18), bytes.Repeat([]byte("xyz"), 1<<18)} {
		put(t, d, "a", v)
		if got, ok := d.Get(key("a")); !ok || !bytes.Equal(got, v) {
			t.Errorf("%d bytes, %v, want %d", len(got), ok, len(v))
		}
	}
	if _, ok := d.Get(key("b")); ok {
		t.Error("another key has the entry")
	}
	list, _ := os.ReadDir(path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 || len(list) != 1 {
		t.Errorf("%v %v %v", info.Mode(), list, err)
	}
}

func TestDamageIsAbsence(t *testing.T) {
	d, path := opened(t)
	put(t, d, "a", []byte("the value"))
	put(t, d, "b", []byte("the other"))
	a := filepath.Join(path, fmt.Sprintf("%x", key("a")))
	intact, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"empty": {}, "grown": append(bytes.Clone(intact), 'x')}
	for i := range intact {
		damaged[fmt.Sprintf("cut at %d", i)] = intact[:i]
		flipped := bytes.Clone(intact)
		flipped[i] ^= 1
		damaged[fmt.Sprintf("bit at %d", i)] = flipped
	}
	if damaged["another entry"], err = os.ReadFile(filepath.Join(path, fmt.Sprintf("%x", key("b")))); err != nil {
		t.Fatal(err)
	}
	for name, text := range damaged {
		if err := os.WriteFile(a, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Get(key("a")); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
	put(t, d, "a", []byte("again"))
	if got, ok := d.Get(key("a")); !ok || string(got) != "again" {
		t.Errorf("it cannot be written again: %q %v", got, ok)
	}
}

func TestFindCopies(t *testing.T) {
	d, path := opened(t)
	for _, v := range []string{"", "head\n", "head\nvalue", "head\n" + strings.Repeat("0123456789", 100_000), "no line"} {
		put(t, d, "a", []byte(v))
		e, ok := d.Find(key("a"))
		if !ok {
			t.Fatalf("%d bytes are not found", len(v))
		}
		head, body, cut := strings.Cut(v, "\n")
		line, found := e.Line()
		if found != cut || cut && string(line) != head {
			t.Errorf("%d bytes: %q, %v", len(v), line, found)
		}
		if !cut {
			body = v
		}
		// Into memory, and from file to file, also when the name has gone.
		if err := os.Remove(filepath.Join(path, fmt.Sprintf("%x", key("a")))); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if n, err := e.WriteTo(&b); err != nil || n != int64(len(body)) || b.String() != body {
			t.Errorf("%d of %d bytes, %v", n, len(body), err)
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.WriteTo(out)
		if err := errors.Join(err, out.Close(), e.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(out.Name()); err != nil || string(got) != body {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(body))
		}
		if _, err := e.WriteTo(&b); err == nil {
			t.Error("what is closed can be copied")
		}
		if _, ok := d.Find(key("a")); ok {
			t.Error("what was removed is found")
		}
	}
}

func TestAFileCutWhileItIsCopiedIsAnError(t *testing.T) {
	d, path := opened(t)
	put(t, d, "a", []byte(strings.Repeat("x", 1000)))
	e, ok := d.Find(key("a"))
	if !ok {
		t.Fatal("it is not found")
	}
	defer e.Close()
	if err := os.Truncate(filepath.Join(path, fmt.Sprintf("%x", key("a"))), 500); err != nil {
		t.Fatal(err)
	}
	if n, err := e.WriteTo(io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestDamageOfALargeEntry damages an entry of several pieces.
func TestDamageOfALargeEntry(t *testing.T) {
	d, path := opened(t)
	value := make([]byte, 1_100_000)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	put(t, d, "a", value)
	a := filepath.Join(path, fmt.Sprintf("%x", key("a")))
	intact, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	piece := 256 << 10
	swapped := bytes.Clone(intact)
	copy(swapped[32:], intact[32+piece:32+2*piece])
	copy(swapped[32+piece:], intact[32:32+piece])
	damaged := map[string][]byte{"pieces swapped": swapped, "cut": intact[:len(intact)-1], "cut at a piece": intact[:32+piece], "grown": append(bytes.Clone(intact), 'x')}
	for i := 0; i < len(intact); i += 9973 {
		flipped := bytes.Clone(intact)
		flipped[i] ^= 0x80
		damaged[fmt.Sprintf("bit at %d", i)] = flipped
	}
	for name, text := range damaged {
		if err := os.WriteFile(a, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Get(key("a")); ok {
			t.Errorf("%s: it is believed", name)
		}
		if _, ok := d.Find(key("a")); ok {
			t.Errorf("%s: it is found", name)
		}
	}
	if err := os.Truncate(a, 1<<50); err == nil {
		if _, ok := d.Get(key("a")); ok {
			t.Error("a file of a pebibyte is believed")
		}
	}
}

func TestAnEntryThatIsTooLargeIsNotKept(t *testing.T) {
	d, path := opened(t)
	w, err := d.Create(key("a"))
	if err != nil {
		t.Fatal(err)
	}
	for part := make([]byte, 32<<20); err == nil; {
		_, err = w.Write(part)
	}
	if err := w.Commit(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	if list, _ := os.ReadDir(path); len(list) != 0 {
		t.Errorf("%v are left", list)
	}
}

func TestPruningKeepsTheNewest(t *testing.T) {
	d, path := opened(t)
	start := time.Now().Add(-time.Hour)
	for i := range cachedir.Keep + 10 {
		name := fmt.Sprint(i)
		put(t, d, name, []byte(name))
		at := start.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(filepath.Join(path, fmt.Sprintf("%x", key(name))), at, at); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(path)
	if err != nil || len(list) != cachedir.Keep {
		t.Fatalf("%d entries are kept, want %d (%v)", len(list), cachedir.Keep, err)
	}
	for i := range cachedir.Keep + 10 {
		if _, ok := d.Get(key(fmt.Sprint(i))); ok != (i >= 10) {
			t.Errorf("entry %d is kept: %v", i, ok)
		}
	}
}

func TestPruningKeepsTheSizeInBounds(t *testing.T) {
	d, path := opened(t)
	start := time.Now().Add(-time.Hour)
	for i := range 4 {
		name := fmt.Sprint(i)
		put(t, d, name, []byte(name))
		file := filepath.Join(path, fmt.Sprintf("%x", key(name)))
		at := start.Add(time.Duration(i) * time.Second)
		if err := errors.Join(os.Truncate(file, cachedir.MaxBytes/2), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, d, "new", []byte("new"))
	if list, err := os.ReadDir(path); err != nil || len(list) != 2 {
		t.Errorf("%d entries are kept, want the new one and one of half the size (%v)", len(list), err)
	}
	if _, ok := d.Get(key("new")); !ok {
		t.Error("the new one is gone")
	}
}

func TestDrafts(t *testing.T) {
	d, path := opened(t)
	begin := func(name string) *cachedir.Draft {
		w, err := d.Create(key(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"one,", "", "two"} {
			if _, err := io.WriteString(w, part); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	kept, left := begin("kept"), begin("left")
	if _, ok := d.Get(key("kept")); ok {
		t.Error("a draft is an entry")
	}
	if err := kept.Commit(); err != nil {
		t.Fatal(err)
	}
	left.Discard()
	left.Discard()
	if _, err := left.Write([]byte("x")); err == nil {
		t.Error("what was discarded is written")
	}
	if err := left.Commit(); err == nil {
		t.Error("what was discarded becomes an entry")
	}
	kept.Discard()
	if got, ok := d.Get(key("kept")); !ok || string(got) != "one,two" {
		t.Errorf("%q %v", got, ok)
	}
	// The folder goes away below a draft.
	lost := begin("lost")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := lost.Commit(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	d, path := opened(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				name := fmt.Sprint(i % 5)
				want := bytes.Repeat([]byte(name), 1000)
				if err := d.Put(key(name), want); err != nil {
					t.Errorf("%d: %v", g, err)
				}
				if got, ok := d.Get(key(name)); !ok || !bytes.Equal(got, want) {
					t.Errorf("%d: half an entry: %d bytes, %v", g, len(got), ok)
				}
			}
		})
	}
	wg.Wait()
	if list, _ := os.ReadDir(path); len(list) != 5 {
		t.Errorf("%d files are left, want 5", len(list))
	}
}

func TestFailures(t *testing.T) {
	base := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", base)
	if err := os.WriteFile(filepath.Join(base, "aeo"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := cachedir.Open("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put(key("a"), nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a folder that cannot be made: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := cachedir.Open("x"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no cache folder: %v", err)
	}
}
