package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// TestFindings pins what verifying says, word by word, for one of each kind.
func TestFindings(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	v := newVictim(t, rng, 300)
	bundle := ledger.TilePath(tlog.Tile{H: 8, L: -1, N: 0, W: 256})
	last := ledger.TilePath(tlog.Tile{H: 8, L: -1, N: 1, W: 44})
	for name, c := range map[string]struct {
		change func(f files)
		want   []string
	}{
		"changed": {func(f files) { b := slices.Clone(v.bodies); b[7] = edited(t, rng, b[7]); f.bundles(b, 300) },
			[]string{"entry 7: changed: it is not what was recorded (tile/entries/000)"}},
		"moved": {func(f files) { b := slices.Clone(v.bodies); b[7], b[9] = b[9], b[7]; f.bundles(b, 300) },
			[]string{"entry 7: moved: entry 9 stands in its place (tile/entries/000)", "entry 9: moved: entry 7 stands in its place (tile/entries/000)"}},
		"missing": {func(f files) { f[bundle] = ledger.JoinBundle(remove(v.bodies[:256], 7)) },
			[]string{"entry 7: missing from the file (tile/entries/000)"}},
		"put in": {func(f files) {
			f[bundle] = ledger.JoinBundle(slices.Insert(slices.Clone(v.bodies[:256]), 7, v.bodies[260]))
		},
			[]string{"tile/entries/000: 1 entries that are not in the log were put in before entry 7"}},
		"replaced by fewer": {func(f files) { f[last] = ledger.JoinBundle([][]byte{v.bodies[0]}) },
			[]string{"entries 256 to 299: 44 entries belong here, and the file has 1 others in their place (tile/entries/001.p/44)"}},
		"behind": {func(f files) { f[last] = append(slices.Clone(f[last]), 0xff) },
			[]string{"tile/entries/001.p/44: there are 1 bytes behind the last entry"}},
		"no file": {func(f files) { delete(f, bundle) },
			[]string{"entries 0 to 255: it is missing (tile/entries/000)"}},
		"no tile": {func(f files) { delete(f, "tile/0/000") },
			[]string{"tile/0/000: it is missing"}},
		"another tile": {func(f files) { f["tile/0/000"] = make([]byte, 8192) },
			[]string{"tile/0/000: it is not the tile that was signed"}},
		"another edge": {func(f files) { f["tile/1/000.p/1"] = make([]byte, 32) },
			[]string{"tile/1/000.p/1: it is not the tile that was signed"}},
		"a short edge": {func(f files) { f["tile/1/000.p/1"] = make([]byte, 31) },
			[]string{"tile/1/000.p/1: it has 31 bytes and not 32"}},
		"tile and entries": {func(f files) {
			b := slices.Clone(v.bodies)
			b[7] = edited(t, rng, b[7])
			f.bundles(b, 300)
			f["tile/0/000"] = make([]byte, 8192)
		}, []string{"tile/0/000: it is not the tile that was signed", "entries 0 to 255: something among them was changed, and the tile that would tell what is damaged too (tile/entries/000)",
			"entries 0 to 7: something among them was changed, added, removed or moved: together they do not give the root of the checkpoint of 8 entries, signed at 2026-02-03T04:05:09Z (checkpoints/000)"}},
		"no key":        {func(f files) { delete(f, "log.vkey") }, []string{"log.vkey: it is missing, and no other key was given"}},
		"a bad key":     {func(f files) { f["log.vkey"] = []byte("x") }, []string{"log.vkey: it is no public key, and no other key was given"}},
		"no checkpoint": {func(f files) { delete(f, "checkpoint") }, []string{"checkpoint: it is missing"}},
		"a large one":   {func(f files) { f["checkpoint"] = make([]byte, 1<<20) }, []string{"checkpoint: not a file of an export: it has more than 65536 bytes"}},
		"no note":       {func(f files) { f["checkpoint"] = []byte("hello\n") }, []string{"checkpoint: it is no signed note"}},
		"a bad history": {func(f files) { f["checkpoints/000"] = []byte("x") }, []string{"checkpoints/000: the last checkpoint is cut short"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := maps.Clone(v.files)
			c.change(f)
			rep := verify(t, f, none())
			var got []string
			for _, x := range rep.Findings {
				got = append(got, x.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestHostile verifies what no log has made. It ends, with findings.
func TestHostile(t *testing.T) {
	key := ledgertest.Key(t, "example.com/hostile")
	v := newVictim(t, rand.New(rand.NewPCG(8, 8)), 300)
	for name, f := range map[string]files{
		"a size beyond all files": {"checkpoint": key.Sign(tlog.Tree{N: 1 << 60}, time.Now())},
		"the largest size":        {"checkpoint": key.Sign(tlog.Tree{N: 1<<63 - 1}, time.Now())},
		"nothing":                 {"checkpoint": key.Sign(tlog.Tree{}, time.Now())},
		"an empty bundle":         {"checkpoint": key.Sign(tlog.Tree{N: 1}, time.Now()), "tile/entries/000.p/1": nil, "tile/0/000.p/1": make([]byte, 32)},
		"no entries in it":        {"checkpoint": key.Sign(tlog.Tree{N: 2}, time.Now()), "tile/entries/000.p/2": make([]byte, 4), "tile/0/000.p/2": make([]byte, 64)},
	} {
		f["log.vkey"] = []byte(key.Public())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		rep, err := ledger.Verify(ctx, ledgertest.FilesOf(f), none())
		cancel()
		if err != nil || rep.OK() {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every entry is wrong: few findings are listed, all are counted.
	f := maps.Clone(v.files)
	bodies := slices.Clone(v.bodies)
	for i := range bodies {
		bodies[i] = []byte(fmt.Sprint(i))
	}
	f.bundles(bodies, 300)
	o := none()
	o.MaxFindings = 10
	if rep := verify(t, f, o); len(rep.Findings) != 10 || rep.Total != 300 || rep.Entries != 0 {
		t.Errorf("%d findings of %d, %d entries", len(rep.Findings), rep.Total, rep.Entries)
	}
	// The same, signed: they are what was signed, and no entries.
	replace(f, rewrite(t, bodies, v.key, v.marks))
	if rep := verify(t, f, o); rep.Total != 300 || !strings.Contains(rep.Findings[0].Problem, "it is no entry") {
		t.Errorf("%d findings: %v", rep.Total, rep.Findings)
	}
}

// failing is a source whose files cannot be read.
type failing struct {
	ledger.Source
	path string
	err  error
}

// Read implements ledger.Source.
func (f failing) Read(ctx context.Context, path string, max int64) ([]byte, error) {
	if path == f.path {
		return nil, f.err
	}
	return f.Source.Read(ctx, path, max)
}

// TestUnreadable tells what cannot be read from what is wrong.
func TestUnreadable(t *testing.T) {
	v := newVictim(t, rand.New(rand.NewPCG(9, 9)), 300)
	src := ledgertest.FilesOf(v.files)
	for path := range v.files {
		if path == "README.txt" {
			continue
		}
		if _, err := ledger.Verify(t.Context(), failing{src, path, errors.New("input/output error")}, none()); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := none()
	o.Progress = func(done, total int64) { cancel() }
	if _, err := ledger.Verify(ctx, src, o); fault.KindOf(err) != fault.TimedOut {
		t.Errorf("ended midway: %v", err)
	}
	folder := ledger.FromFS(fstest.MapFS{"checkpoint": &fstest.MapFile{Mode: fs.ModeDir}, "log.vkey": &fstest.MapFile{Data: v.files["log.vkey"]}})
	if rep, err := ledger.Verify(t.Context(), folder, none()); err != nil || rep.OK() {
		t.Errorf("a folder for a checkpoint: %v", err)
	}
}

// TestKept verifies against checkpoints that are of something else.
func TestKept(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	v, w := newVictim(t, rng, 60), newVictim(t, rng, 60)
	for name, c := range map[string]struct {
		note []byte
		want string
	}{
		"another log":   {w.kept.Note, "is not of this log"},
		"no checkpoint": {[]byte("x"), "is not of this log"},
		"a longer log":  {v.key.Sign(tlog.Tree{N: 99}, time.Now()), "missing: the kept checkpoint kept is of 99 entries"},
		"another tree":  {v.key.Sign(tlog.Tree{N: 30}, time.Now()), "rewritten: they are not the entries of the kept checkpoint kept"},
	} {
		rep := verify(t, v.files, ledger.VerifyOptions{Kept: []ledger.Kept{{Name: "kept", Note: c.note}}})
		if len(rep.Findings) != 1 || !strings.Contains(rep.Findings[0].String(), c.want) {
			t.Errorf("%s: %v", name, rep.Findings)
		}
	}
	if rep := verify(t, v.files, ledger.VerifyOptions{Key: w.log}); rep.OK() || rep.KeyGiven != true {
		t.Errorf("another key: %v", rep.Findings)
	}
	// A witness who stopped looking.
	old, err := ledger.Cosign(v.witness, v.log, nil, v.kept.Note, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := maps.Clone(v.files)
	f["checkpoint"] = v.key.Sign(v.marks[len(v.marks)-1].Tree, v.marks[len(v.marks)-1].Time)
	f["checkpoints/000"] = append(old, '\n')
	rep := verify(t, f, ledger.VerifyOptions{Witnesses: []*ledger.Key{v.watcher}})
	if v.kept.N < 60 && (len(rep.Findings) != 1 || rep.Findings[0].From != v.kept.N || !strings.Contains(rep.Findings[0].Problem, "does not vouch for these")) {
		t.Errorf("a witness of %d entries: %v", v.kept.N, rep.Findings)
	}
}

// TestArchive reads exports that are not whole.
func TestArchive(t *testing.T) {
	v := newVictim(t, rand.New(rand.NewPCG(11, 11)), 300)
	for path, change := range map[string]struct {
		data []byte
		kind fault.Kind
	}{
		"log.vkey":                {nil, fault.NotFound},
		"checkpoint":              {nil, fault.NotFound},
		"log.vkey ":               {[]byte("x"), fault.Invalid},
		"checkpoint ":             {[]byte("x"), fault.Invalid},
		"tile/entries/000":        {nil, fault.NotFound},
		"tile/entries/000 ":       {[]byte{0, 9}, fault.Invalid},
		"tile/entries/001.p/44 ":  {[]byte{0, 9}, fault.Invalid},
		"tile/0/000":              {nil, fault.NotFound},
		"tile/0/001.p/44 ":        {make([]byte, 32), fault.Invalid},
		"tile/0/000 ":             {make([]byte, 8192), fault.Blocked},
		"checkpoints/000 ":        {[]byte("x"), fault.Invalid},
		"checkpoints/000  ":       {[]byte("x\n\n— a b\n\n"), fault.Invalid},
		"checkpoint  (unsigned) ": {[]byte("example.com\n1\nAAAA\n\n"), fault.Invalid},
	} {
		f := maps.Clone(v.files)
		name := strings.TrimSpace(strings.Split(path, " (")[0])
		if change.data == nil {
			delete(f, name)
		} else {
			f[name] = change.data
		}
		err := func() error {
			r, err := ledger.Archive(t.Context(), ledgertest.FilesOf(f))
			if err != nil {
				return err
			}
			for _, n := range []int64{0, 299} {
				if _, err := ledger.Prove(t.Context(), r, n); err != nil {
					return err
				}
			}
			if _, ok, err := r.Sealed(t.Context(), 1); ok || err != nil {
				t.Errorf("an export has personal data: %v", err)
			}
			if _, err := r.Bodies(t.Context(), 299, 301); fault.KindOf(err) != fault.NotFound {
				t.Errorf("beyond: %v", err)
			}
			_, err = r.Checkpoints(t.Context(), 0, 1000)
			return err
		}()
		if fault.KindOf(err) != change.kind || err == nil {
			t.Errorf("%s: %v, want kind %s", path, err, change.kind)
		}
	}
	r, err := ledger.Archive(t.Context(), ledgertest.FilesOf(v.files))
	if err != nil {
		t.Fatal(err)
	}
	// An export of an export is the same.
	again := files{}
	if _, err := ledger.Export(t.Context(), r, again, func(done, total int64) {
		if done > total || total != 300 {
			t.Errorf("%d of %d", done, total)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for path, data := range v.files {
		if string(again[path]) != string(data) {
			t.Errorf("%s is another", path)
		}
	}
	if _, err := ledger.Export(t.Context(), r, refusing{}, nil); err == nil {
		t.Error("a folder that refuses takes an export")
	}
}

type refusing struct{}

// Write implements ledger.Folder.
func (refusing) Write(context.Context, string, []byte) error { return errors.New("full") }
