package ledger_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

var (
	instances = flag.Int("instances", 200, "how many random instances of each attack")
	seed      = flag.Uint64("seed", 0, "the seed of the attacks, 0 for a new one")
)

// attack changes an export. It returns what the auditor checks against, and
// the entries that a finding must name: from ≤ n < to, or none if to is 0.
type attack func(t *testing.T, rng *rand.Rand, v *victim, f files) (o ledger.VerifyOptions, from, to int)

// attacks are the ways to cheat, by class: the part before the slash.
var attacks = map[string]attack{
	"edit/a byte":                      editByte,
	"edit/an entry":                    editEntry,
	"edit/an entry and the tree":       editTree,
	"edit/a tile":                      editTile,
	"delete/an entry":                  deleteEntry,
	"delete/an entry and renumber":     deleteShift,
	"delete/an entry from the tree":    deleteTree,
	"delete/a file":                    deleteFile,
	"insert/an entry":                  insertEntry,
	"reorder/two entries":              swapEntries,
	"reorder/two entries and the tree": swapTree,
	"truncate/the files":               truncateFiles,
	"truncate/to an older checkpoint":  truncateOlder,
	"rewrite/with another key":         rewriteOtherKey,
	"rewrite/with the same key, kept":  rewriteSameKey,
	"rewrite/witnessed":                rewriteWitnessed,
	"rewrite/keep the history":         rewriteHead,
	"back-date/an entry":               backDate,
	"post-date/an entry":               postDate,
	"omit/a record":                    omitRecord,
	"forge/a bit of a signature":       forgeBit,
	"forge/in the log's name":          forgeName,
	"forge/a witness":                  forgeWitness,
	"forge/the root":                   forgeRoot,
	"forge/no time":                    forgeTime,
	"forge/the history":                forgeHistory,
}

// TestAttacks tries every attack on random exports: all are found, and where
// it can be told, at the right entry. What was not touched verifies.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		*instances = min(*instances, 20)
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 0))
	var victims []*victim
	for _, n := range []int{2, 3, 17, 100, 255, 256, 257, 300, 512, 600} {
		victims = append(victims, newVictim(t, rng, n))
	}
	for name, a := range attacks {
		r := rand.New(rand.NewPCG(*seed, uint64(len(name))))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range *instances {
				v := victims[r.IntN(len(victims))]
				f := maps.Clone(v.files)
				o, from, to := a(t, r, v, f)
				rep := verify(t, f, o)
				if rep.OK() {
					t.Fatalf("instance %d, on %d entries (entries %d to %d): not found", i, len(v.bodies), from, to-1)
				}
				if to > 0 && !slices.ContainsFunc(rep.Findings, func(x ledger.Finding) bool { return int(x.From) <= from && int(x.To) >= to }) {
					t.Fatalf("instance %d, on %d entries: no finding names entries %d to %d: %v", i, len(v.bodies), from, to-1, rep.Findings)
				}
			}
		})
	}
	t.Run("untouched", func(t *testing.T) {
		for i := range *instances {
			v := victims[i%len(victims)]
			o := v.keeps()
			o.Witnesses = []*ledger.Key{v.watcher}
			if i%2 == 0 {
				o.Key = v.log
			}
			if rep := verify(t, v.files, o); !rep.OK() || int(rep.Entries) != len(v.bodies) || rep.Checkpoints < len(v.marks) {
				t.Fatalf("untouched files of %d entries: %+v", len(v.bodies), rep)
			}
		}
	})
}

// TestUntouched makes many ledgers and verifies each.
func TestUntouched(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range *instances {
		v := newVictim(t, rng, 1+rng.IntN(80))
		o := v.keeps()
		o.Key, o.Witnesses = v.log, []*ledger.Key{v.watcher}
		if rep := verify(t, v.files, o); !rep.OK() {
			t.Fatalf("untouched files of %d entries: %v", len(v.bodies), rep.Findings)
		}
	}
}

func none() ledger.VerifyOptions { return ledger.VerifyOptions{} }

// bundleOf returns the path of the bundle that entry i is in.
func bundleOf(v *victim, i int) string {
	return ledger.TilePath(tlog.Tile{H: 8, L: -1, N: int64(i / 256), W: min(256, len(v.bodies)-i/256*256)})
}

func editByte(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	bodies := slices.Clone(v.bodies)
	bodies[i] = bytes.Clone(bodies[i])
	bodies[i][rng.IntN(len(bodies[i]))] ^= byte(1 << rng.IntN(8))
	f.bundles(bodies, len(bodies))
	return none(), i, i + 1
}

func editEntry(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	bodies := slices.Clone(v.bodies)
	bodies[i] = edited(t, rng, bodies[i])
	f.bundles(bodies, len(bodies))
	return none(), i, i + 1
}

func editTree(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	bodies := slices.Clone(v.bodies)
	bodies[i] = edited(t, rng, bodies[i])
	f.bundles(bodies, len(bodies))
	f.tiles(t, bodies)
	return none(), i, i + 1
}

func editTile(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	var tiles []string
	for path := range f {
		if strings.HasPrefix(path, "tile/") && !strings.HasPrefix(path, "tile/entries") {
			tiles = append(tiles, path)
		}
	}
	slices.Sort(tiles)
	path := tiles[rng.IntN(len(tiles))]
	f[path] = bytes.Clone(f[path])
	switch rng.IntN(3) {
	case 0:
		f[path][rng.IntN(len(f[path]))] ^= byte(1 << rng.IntN(8))
	case 1:
		f[path] = f[path][:rng.IntN(len(f[path]))]
	default:
		f[path] = append(f[path], 0)
	}
	return none(), 0, 0
}

func deleteEntry(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	first := i / 256 * 256
	part := v.bodies[first:min(first+256, len(v.bodies))]
	f[bundleOf(v, i)] = ledger.JoinBundle(remove(part, i-first))
	return none(), i, i + 1
}

func deleteShift(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	f.bundles(remove(v.bodies, i), len(v.bodies))
	if i/256 < (len(v.bodies)-1)/256 {
		return none(), 0, 0 // the next bundle's first entry stands in at the end
	}
	return none(), i, i + 1
}

func deleteTree(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	bodies := remove(v.bodies, i)
	replace(f, rewrite(t, bodies, v.key, v.marks))
	// The attacker does not have the key: the checkpoints stay as they are, or
	// say what he likes with a signature that was for something else.
	for path, data := range v.files {
		if strings.HasPrefix(path, "check") {
			f[path] = data
		}
	}
	if rng.IntN(2) == 0 {
		_, sigs, _ := strings.Cut(string(v.files["checkpoint"]), "\n\n")
		tree := root(t, hashes(t, bodies), int64(len(bodies)))
		f["checkpoint"] = fmt.Appendf(nil, "%s\n%d\n%s\n\n%s", v.log.Name(), tree.N, tree.Hash, sigs)
	}
	return none(), 0, 0
}

func deleteFile(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	var paths []string
	for path := range f {
		// Without the history the log is as good as with it.
		if path != "README.txt" && !strings.HasPrefix(path, "checkpoints/") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	delete(f, paths[rng.IntN(len(paths))])
	return none(), 0, 0
}

func insertEntry(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	i := rng.IntN(len(v.bodies))
	extra := edited(t, rng, v.bodies[rng.IntN(len(v.bodies))])
	if rng.IntN(2) == 0 {
		// Only its file has it.
		first := i / 256 * 256
		part := v.bodies[first:min(first+256, len(v.bodies))]
		f[bundleOf(v, i)] = ledger.JoinBundle(slices.Insert(slices.Clone(part), i-first, extra))
		return none(), 0, 0
	}
	// All behind it move up, in the tree too, and the last falls off.
	bodies := slices.Insert(slices.Clone(v.bodies), i, extra)[:len(v.bodies)]
	f.bundles(bodies, len(bodies))
	f.tiles(t, bodies)
	return none(), i, i + 1
}

func swap(rng *rand.Rand, v *victim) (bodies [][]byte, i, j int) {
	i = rng.IntN(len(v.bodies) - 1)
	j = i + 1 + rng.IntN(len(v.bodies)-i-1)
	bodies = slices.Clone(v.bodies)
	bodies[i], bodies[j] = bodies[j], bodies[i]
	return bodies, i, j
}

func swapEntries(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, i, _ := swap(rng, v)
	f.bundles(bodies, len(bodies))
	return none(), i, i + 1
}

func swapTree(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, i, _ := swap(rng, v)
	f.bundles(bodies, len(bodies))
	f.tiles(t, bodies)
	return none(), i, i + 1
}

// truncateFiles cuts the files and leaves the checkpoint.
func truncateFiles(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	n := rng.IntN(len(v.bodies))
	f.bundles(v.bodies[:n], len(v.bodies))
	return none(), len(v.bodies) - 1, len(v.bodies)
}

// truncateOlder hands out the export as it would have been at an older
// checkpoint, which is signed; the auditor kept a newer one.
func truncateOlder(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	last := v.marks[len(v.marks)-1]
	old := 0 // nothing
	signed := v.key.Sign(root(t, hashes(t, nil), 0), last.Time)
	if len(v.marks) > 1 {
		m := v.marks[rng.IntN(len(v.marks)-1)]
		old, signed = int(m.N), m.Note
	}
	maps.DeleteFunc(f, func(path string, _ []byte) bool { return strings.Contains(path, "/") })
	f.bundles(v.bodies[:old], old)
	f.tiles(t, v.bodies[:old])
	f["checkpoint"] = signed
	return ledger.VerifyOptions{Kept: []ledger.Kept{{Name: "kept", Note: last.Note}}}, old, len(v.bodies)
}

// other makes entries that tell another story.
func other(t *testing.T, rng *rand.Rand, v *victim) (bodies [][]byte, first int) {
	first = rng.IntN(int(v.kept.N)) // within what the auditor kept
	bodies = slices.Clone(v.bodies)
	for i := first; i < len(bodies); i++ {
		if i == first || rng.IntN(2) == 0 {
			bodies[i] = edited(t, rng, bodies[i])
		}
	}
	return bodies, first
}

func replace(f, by files) {
	clear(f)
	maps.Copy(f, by)
}

func rewriteOtherKey(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, _ := other(t, rng, v)
	replace(f, rewrite(t, bodies, ledgertest.Key(t, v.log.Name()), v.marks))
	if rng.IntN(2) == 0 {
		return ledger.VerifyOptions{Key: v.log}, 0, 0
	}
	return v.keeps(), 0, 0
}

func rewriteSameKey(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, first := other(t, rng, v)
	replace(f, rewrite(t, bodies, v.key, v.marks))
	return v.keeps(), first, first + 1
}

func rewriteWitnessed(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, _ := other(t, rng, v)
	by := rewrite(t, bodies, v.key, v.marks)
	if rng.IntN(2) == 0 {
		// He takes over the witness's signature, which was for another tree.
		lines := strings.SplitAfter(string(v.files["checkpoint"]), "\n")
		by["checkpoint"] = append(by["checkpoint"], lines[len(lines)-2]...)
	}
	replace(f, by)
	o := ledger.VerifyOptions{Witnesses: []*ledger.Key{v.watcher}}
	if rng.IntN(2) == 0 {
		o.Key = v.log
	}
	return o, 0, 0
}

// rewriteHead has the key, signs a new head, and leaves the history.
func rewriteHead(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, first := other(t, rng, v)
	by := rewrite(t, bodies, v.key, v.marks)
	for path, data := range v.files {
		if strings.HasPrefix(path, "checkpoints/") {
			by[path] = data
		}
	}
	replace(f, by)
	return none(), first, first + 1
}

// backDate has the key: it adds an entry that claims to be from long before.
func backDate(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	last := v.marks[len(v.marks)-1]
	early := last.Time.Add(-ledger.Tolerance - time.Duration(1+rng.Int64N(int64(90*24*time.Hour))))
	added := change(t, v.bodies[len(v.bodies)-1], func(e *ledger.Entry) { e.Time = early; e.Sequence++; e.Key += "'" })
	bodies := append(slices.Clone(v.bodies), added)
	later := *last
	later.N, later.Time = int64(len(bodies)), last.Time.Add(time.Duration(rng.Int64N(int64(time.Hour))))
	replace(f, rewrite(t, bodies, v.key, append(slices.Clone(v.marks), &later)))
	return v.keeps(), len(bodies) - 1, len(bodies)
}

// postDate has the key: it adds an entry from a time yet to come.
func postDate(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	last := v.marks[len(v.marks)-1]
	late := last.Time.Add(ledger.Tolerance + time.Second + time.Duration(1+rng.Int64N(int64(90*24*time.Hour))))
	added := change(t, v.bodies[len(v.bodies)-1], func(e *ledger.Entry) { e.Time = late; e.Sequence++; e.Key += "'" })
	bodies := append(slices.Clone(v.bodies), added)
	later := *last
	later.N = int64(len(bodies))
	replace(f, rewrite(t, bodies, v.key, append(slices.Clone(v.marks), &later)))
	return none(), len(bodies) - 1, len(bodies)
}

// omitRecord has the key and leaves a record out from the beginning: its
// source has counted it.
func omitRecord(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	sources := map[string]int{}
	for i, b := range v.bodies {
		e, err := ledger.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		sources[e.Source] = i // its last record
	}
	for range 1000 {
		i := rng.IntN(len(v.bodies))
		e, err := ledger.Decode(v.bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		if sources[e.Source] == i {
			continue // nothing of this source comes behind it
		}
		replace(f, rewrite(t, remove(v.bodies, i), v.key, v.marks))
		return none(), 0, 0
	}
	// Two entries of two sources: turn to another attack that omits.
	return editEntry(t, rng, v, f)
}

func forgeBit(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	lines := strings.Split(string(v.files["checkpoint"]), "\n")
	i := 4 + rng.IntN(2) // the log's signature or its cosignature
	at := strings.LastIndexByte(lines[i], ' ') + 1
	raw, err := base64.StdEncoding.DecodeString(lines[i][at:])
	if err != nil {
		t.Fatal(err)
	}
	raw[4+rng.IntN(len(raw)-4)] ^= byte(1 << rng.IntN(8))
	lines[i] = lines[i][:at] + base64.StdEncoding.EncodeToString(raw)
	f["checkpoint"] = []byte(strings.Join(lines, "\n"))
	return none(), 0, 0
}

// forgeName signs with a key of his own and says that it is the log's.
func forgeName(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	bodies, _ := other(t, rng, v)
	by := rewrite(t, bodies, ledgertest.Key(t, v.log.Name()), v.marks)
	text, _, _ := strings.Cut(string(by["checkpoint"]), "\n\n")
	by["checkpoint"] = ledgertest.Key(t, v.log.Name()).Resign(text+"\n", v.log.Name(), v.log.NoteHash())
	by["log.vkey"] = v.files["log.vkey"]
	replace(f, by)
	return none(), 0, 0
}

func forgeWitness(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	o := ledger.VerifyOptions{Witnesses: []*ledger.Key{v.watcher}}
	lines := strings.SplitAfter(string(v.files["checkpoint"]), "\n")
	without := strings.Join(lines[:len(lines)-2], "")
	switch rng.IntN(3) {
	case 0: // none
		f["checkpoint"] = []byte(without)
		for path := range f {
			if strings.HasPrefix(path, "checkpoints/") {
				delete(f, path)
			}
		}
	case 1: // another's, of the same name
		signed, err := ledger.Cosign(ledgertest.Key(t, v.watcher.Name()), v.log, nil, []byte(without), nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		f["checkpoint"] = signed
		maps.DeleteFunc(f, func(path string, _ []byte) bool { return strings.HasPrefix(path, "checkpoints/") })
	default: // his, with another time
		line := lines[len(lines)-2]
		at := strings.LastIndexByte(line, ' ') + 1
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line[at:]))
		if err != nil {
			t.Fatal(err)
		}
		raw[4+rng.IntN(8)] ^= byte(1 << rng.IntN(8))
		f["checkpoint"] = []byte(without + line[:at] + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	return o, 0, 0
}

// forgeRoot changes what is signed.
func forgeRoot(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	lines := strings.Split(string(v.files["checkpoint"]), "\n")
	switch rng.IntN(3) {
	case 0:
		lines[0] += "x"
	case 1:
		lines[1] = fmt.Sprint(len(v.bodies) + 1 - rng.IntN(3)*2)
		if lines[1] == fmt.Sprint(len(v.bodies)) {
			lines[1] += "0"
		}
	default:
		lines[2] = root(t, hashes(t, v.bodies[:len(v.bodies)-1]), int64(len(v.bodies)-1)).Hash.String()
	}
	f["checkpoint"] = []byte(strings.Join(lines, "\n"))
	return none(), 0, 0
}

// forgeTime takes away the time of the newest checkpoint.
func forgeTime(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	lines := strings.SplitAfter(string(v.files["checkpoint"]), "\n")
	f["checkpoint"] = []byte(strings.Join(append(slices.Clone(lines[:5]), lines[6:]...), ""))
	return none(), 0, 0
}

// forgeHistory puts earlier checkpoints that the log never signed, or not
// there.
func forgeHistory(t *testing.T, rng *rand.Rand, v *victim, f files) (ledger.VerifyOptions, int, int) {
	path := ledger.HistoryPath(0)
	notes, err := ledger.SplitNotes(v.files[path])
	if err != nil {
		t.Fatal(err)
	}
	i := rng.IntN(len(notes))
	switch rng.IntN(4) {
	case 0: // of a key of his own
		notes[i] = ledgertest.Key(t, v.log.Name()).Sign(v.marks[i].Tree, v.marks[i].Time)
	case 1: // twice
		notes = slices.Insert(notes, i, notes[i])
	case 2: // cut short
		notes[i] = notes[i][:rng.IntN(len(notes[i])-1)]
	default: // with the key, of another tree
		tree := v.marks[i].Tree
		tree.Hash[rng.IntN(32)] ^= 1
		notes[i] = v.key.Sign(tree, v.marks[i].Time)
	}
	var b []byte
	for _, n := range notes {
		b = append(append(b, n...), '\n')
	}
	f[path] = b
	return none(), 0, 0
}

// TestEveryByte flips a bit of every byte of every file of a small export.
func TestEveryByte(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	v := newVictim(t, rng, 5)
	for path, data := range v.files {
		if path == "README.txt" {
			continue // it is for people, and says so
		}
		for i := range data {
			f := maps.Clone(v.files)
			f[path] = bytes.Clone(data)
			f[path][i] ^= byte(1 << rng.IntN(8))
			o := ledger.VerifyOptions{Witnesses: []*ledger.Key{v.watcher}}
			if i%2 == 0 {
				o = none()
			}
			if rep := verify(t, f, o); rep.OK() {
				t.Errorf("%s: byte %d as %q instead of %q is not found", path, i, f[path][i], data[i])
			}
		}
	}
}
