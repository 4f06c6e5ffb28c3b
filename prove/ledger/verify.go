package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// Kept is a checkpoint that somebody kept, and where.
type Kept struct {
	Name string
	Note []byte
}

// VerifyOptions say what a log is verified against.
type VerifyOptions struct {
	// Key is the log's public key as its owner publishes it. Nil takes the one
	// among the files: whoever made the files could have made that too.
	Key *Key
	// Kept are earlier checkpoints, which the log has to continue.
	Kept []Kept
	// Witnesses must each have cosigned the newest checkpoint.
	Witnesses []*Key
	// MaxFindings is how many findings are listed, 0 for 100. All are counted.
	MaxFindings int
	// Progress is told how many entries are checked; it may be nil.
	Progress func(done, total int64)
}

// Finding is one thing that is wrong with a log.
type Finding struct {
	// From and To are the entries that it is about, From ≤ n < To; both -1 if it
	// is about none.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// File is the file that it is about, "" if it is the log as a whole.
	File string `json:"file"`
	// Problem says what is wrong, in words.
	Problem string `json:"problem"`
}

// String returns the finding as a line.
func (f Finding) String() string {
	where := ""
	switch {
	case f.From >= 0 && f.To == f.From+1:
		where = fmt.Sprintf("entry %d: ", f.From)
	case f.From >= 0:
		where = fmt.Sprintf("entries %d to %d: ", f.From, f.To-1)
	case f.File != "":
		return f.File + ": " + f.Problem
	}
	if f.File != "" {
		return where + f.Problem + " (" + f.File + ")"
	}
	return where + f.Problem
}

// Report is what verifying a log brought out. It is good if there are no
// findings.
type Report struct {
	Origin string `json:"origin"`
	// Key is the public key that the log was verified with, and KeyGiven tells
	// that it did not come with the files.
	Key      string `json:"key"`
	KeyGiven bool   `json:"keyGiven"`
	// Size is how many entries the newest checkpoint is of, Root the tree's
	// hash, Signed when it was signed.
	Size   int64     `json:"size"`
	Root   string    `json:"root"`
	Signed time.Time `json:"signed"`
	// Entries and Checkpoints count what was read and checked.
	Entries     int64 `json:"entries"`
	Checkpoints int   `json:"checkpoints"`
	// Unsigned counts the entries that came after the newest checkpoint: nobody
	// vouches for them yet. An export has none.
	Unsigned int64 `json:"unsigned"`
	// First and Last are the earliest and the latest time of an entry.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Cosigned are the cosignatures of the asked witnesses under the newest
	// checkpoint.
	Cosigned []Cosignature `json:"cosigned"`
	Findings []Finding     `json:"findings"`
	// Total counts the findings, those not listed too.
	Total int `json:"total"`
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return r.Total == 0 }

// verifier is one run of Verify.
type verifier struct {
	src    Source
	opts   VerifyOptions
	report *Report
	key    *Key
	// head is the newest checkpoint; signed tells that its signature is good.
	head   *Checkpoint
	signed bool
	tiles  *authority
	marks  *marks
	tree   *tree
	// whole tells that every leaf so far is in tree.
	whole bool
	// proven is the size of the last checkpoint whose root was right.
	proven int64
	// diverged tells that a root was wrong.
	diverged bool
	counts   *counts
}

// Verify checks a log from its files alone: the signatures, that the entries
// are those that were signed, that each checkpoint continues the one before,
// the form of every entry, its time between the checkpoints around it, the
// counts of the sources, and what the options ask for. The error says why it
// could not be done; what is wrong with the log is in the report.
func Verify(ctx context.Context, src Source, o VerifyOptions) (*Report, error) {
	if o.MaxFindings == 0 {
		o.MaxFindings = 100
	}
	v := &verifier{src: src, opts: o, report: &Report{Findings: []Finding{}, Cosigned: []Cosignature{}}, tree: &tree{}, whole: true, counts: newCounts()}
	for _, step := range []func(context.Context) (bool, error){v.openKey, v.openHead, v.openKept, v.openTiles} {
		if next, err := step(ctx); err != nil || !next {
			return v.report, err
		}
	}
	if err := v.entries(ctx); err != nil {
		return v.report, err
	}
	v.edge()
	v.witnessed()
	last := v.marks.last
	if v.signed && v.head.Time.Before(last.Time) {
		v.findFile(fileCheckpoint, "it was signed at %s, before one of %d entries, signed at %s", stamp(v.head.Time), last.N, stamp(last.Time))
	}
	if why := v.marks.stretch(v.head.N); v.signed && v.report.OK() && why != "" {
		v.find(last.N, v.head.N, "", why)
	}
	return v.report, nil
}

// find notes a finding about entries.
func (v *verifier) find(from, to int64, file, problem string) {
	v.report.Total++
	if len(v.report.Findings) < v.opts.MaxFindings {
		v.report.Findings = append(v.report.Findings, Finding{from, to, file, problem})
	}
}

// findFile notes a finding about a file or, without one, the log.
func (v *verifier) findFile(file, format string, args ...any) {
	v.find(-1, -1, file, fmt.Sprintf(format, args...))
}

// missing is the problem of a file that is not there.
const missing = "it is missing"

// read reads a file. What is wrong with it is a problem to find; the error is
// why it could not be read.
func read(ctx context.Context, src Source, path string, max int64) (data []byte, problem string, err error) {
	data, err = src.Read(ctx, path, max)
	switch {
	case err == nil:
		return data, "", nil
	case errors.Is(err, fs.ErrNotExist), fault.KindOf(err) == fault.NotFound:
		return nil, missing, nil
	case errors.Is(err, errForm):
		return nil, err.Error(), nil
	case fault.KindOf(err) == fault.Blocked:
		return nil, "the store does not have it as it was written", nil
	case ctx.Err() != nil:
		return nil, "", gaveUp(ctx.Err(), "verifying was ended")
	}
	return nil, "", fault.Wrap(fault.Unavailable, "read", path, err, "may you read the files?")
}

// openKey finds the key to verify with.
func (v *verifier) openKey(ctx context.Context) (bool, error) {
	text, problem, err := read(ctx, v.src, fileKey, maxKeyFile)
	if err != nil {
		return false, err
	}
	var beside *Key
	if problem == "" {
		if beside, err = ParseKey(string(text)); err != nil {
			problem = "it is no public key"
		}
	}
	v.key, v.report.KeyGiven = v.opts.Key, v.opts.Key != nil
	switch {
	case v.key == nil && problem == missing:
		if _, problem, err := read(ctx, v.src, fileCheckpoint, maxCheckpoint); err != nil || problem == missing {
			return false, cmp.Or(err, error(fault.New(fault.NotFound, "verify", "", "there is no export: neither a key nor a checkpoint", "name the folder that `aeo audit export` wrote")))
		}
		fallthrough
	case v.key == nil && problem != "":
		v.findFile(fileKey, "%s, and no other key was given", problem)
		return false, nil
	case v.key == nil:
		v.key = beside
	case beside != nil && beside.String() != v.key.String():
		v.findFile(fileKey, "it is the key %s and not the given %s", beside, v.key)
	}
	if beside != nil && string(text) != beside.String()+"\n" {
		v.findFile(fileKey, "it has more in it than a public key")
	}
	v.report.Key, v.report.Origin = v.key.String(), v.key.name
	return true, nil
}

// openHead reads the newest checkpoint. If its signature is wrong the rest is
// checked against what it claims, to say more.
func (v *verifier) openHead(ctx context.Context) (bool, error) {
	text, problem, err := read(ctx, v.src, fileCheckpoint, maxCheckpoint)
	if err != nil {
		return false, err
	}
	if problem != "" {
		v.findFile(fileCheckpoint, "%s", problem)
		return false, nil
	}
	if v.head, err = OpenCheckpoint(text, v.key, v.opts.Witnesses...); err != nil {
		v.findFile(fileCheckpoint, "%s", public(err))
		_, tree, err := parseTree(string(text))
		if err != nil {
			return false, nil
		}
		v.head = &Checkpoint{Tree: tree}
	} else {
		v.signed = true
		if v.head.Time.IsZero() {
			v.findFile(fileCheckpoint, "it does not say when it was signed: the log's cosignature is missing")
		}
	}
	v.report.Size, v.report.Root, v.report.Signed = v.head.N, v.head.Hash.String(), v.head.Time
	v.report.Cosigned = append(v.report.Cosigned, v.head.Witnesses...)
	v.marks = newMarks(v.head, v.signed)
	return true, nil
}

// public is the text of an error that may be shown.
func public(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Public != "" {
		return f.Public
	}
	return err.Error()
}

// openKept reads the checkpoints that somebody kept.
func (v *verifier) openKept(context.Context) (bool, error) {
	for _, k := range v.opts.Kept {
		c, err := OpenCheckpoint(k.Note, v.key, v.opts.Witnesses...)
		if err != nil {
			v.findFile("", "the kept checkpoint %s is not of this log: %s", k.Name, public(err))
			continue
		}
		if c.N > v.head.N {
			v.find(v.head.N, c.N, "", fmt.Sprintf("missing: the kept checkpoint %s is of %d entries, signed at %s, and the log has %d now", k.Name, c.N, stamp(c.Time), v.head.N))
			continue
		}
		v.marks.keep(c, "the kept checkpoint "+k.Name)
	}
	return true, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "a time not said"
	}
	return t.UTC().Format(time.RFC3339)
}

// openTiles reads the tiles at the tree's right edge, from which all others
// are authenticated.
func (v *verifier) openTiles(ctx context.Context) (bool, error) {
	v.tiles = &authority{src: v.src, size: v.head.N}
	problems, err := v.tiles.open(ctx, v.head.Hash)
	for _, p := range problems {
		v.findFile(p.File, "%s", p.Problem)
	}
	return err == nil, err
}

// edge says what is wrong with tiles at the edge that do not give the root:
// if the entries do give it, which of the tiles; otherwise it is the entries.
func (v *verifier) edge() {
	if v.tiles.rooted {
		return
	}
	named := false
	if v.whole && v.tree.size == v.head.N && v.tree.root() == v.head.Hash {
		v.tree.partial(func(t tlog.Tile, hashes []byte) {
			if have := v.tiles.edge[t.L].hashes; have != nil && !bytes.Equal(joinHashes(have), hashes) {
				v.findFile(tilePath(t), "it is not the tile that was signed")
				named = true
			}
		})
	}
	if !named && v.report.Total == 0 {
		v.findFile("", "the tiles of the tree do not lead to the root in the checkpoint")
	}
}

// witnessed checks that each witness vouches for the whole log.
func (v *verifier) witnessed() {
	for _, w := range v.opts.Witnesses {
		covered := v.marks.covered[w.name]
		if covered == v.head.N && v.signed {
			continue
		}
		if covered == 0 {
			v.findFile(fileCheckpoint, "the witness %s has not cosigned it, nor any earlier one", w.name)
			continue
		}
		v.find(covered, v.head.N, fileCheckpoint, fmt.Sprintf("the witness %s does not vouch for these: it has cosigned the first %d entries only", w.name, covered))
	}
}

// entries goes through the log from its beginning.
func (v *verifier) entries(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for next := range v.bundles(ctx) {
		var b *bundle
		select {
		case b = <-next:
		case <-ctx.Done():
			return gaveUp(ctx.Err(), "verifying was ended")
		}
		if b.err != nil {
			return b.err
		}
		ok, err := v.bundle(ctx, b)
		if err != nil {
			return err
		}
		if v.opts.Progress != nil {
			v.opts.Progress(b.first+int64(b.width), v.head.N)
		}
		if !ok {
			return nil
		}
	}
	if ctx.Err() != nil {
		return gaveUp(ctx.Err(), "verifying was ended")
	}
	return nil
}

// bundle checks one bundle of entries; false if there is no point in going on.
func (v *verifier) bundle(ctx context.Context, b *bundle) (bool, error) {
	t, err := v.tiles.leaves(ctx, b.first>>TileHeight, b.width)
	if err != nil {
		return false, err
	}
	for _, p := range t.problems {
		v.findFile(p.File, "%s", p.Problem)
	}
	good := true
	switch {
	case t.authentic:
		good = v.compare(b, t.hashes)
	case t.known && len(b.hashes) == b.width && b.rest == 0 && subtree(joinHashes(b.hashes)) == t.above:
		// The entries are those that were signed; the tile is not.
	case t.hashes != nil:
		good = v.compare(b, t.hashes)
	case t.known && b.problem == "" && len(b.hashes) == b.width && b.rest == 0:
		v.find(b.first, b.first+int64(b.width), b.path, "something among them was changed, and the tile that would tell what is damaged too")
		good = false
	case b.problem != "":
		v.find(b.first, b.first+int64(b.width), b.path, b.problem)
		good = false
	case len(b.hashes) != b.width || b.rest != 0:
		v.find(b.first, b.first+int64(b.width), b.path, fmt.Sprintf("the file holds %d entries and not %d", len(b.hashes), b.width))
		good = false
	}
	leaves := b.hashes
	if t.authentic {
		leaves = t.hashes
	} else if len(leaves) != b.width {
		v.whole = false // without these leaves no root can be computed
		if t.hashes == nil || b.problem != "" {
			return false, nil
		}
		leaves = nil
	}
	return true, v.leaves(ctx, b, leaves, good)
}

// leaves adds a bundle's leaves to the tree and checks its entries, each
// between the checkpoints around it.
func (v *verifier) leaves(ctx context.Context, b *bundle, leaves []tlog.Hash, good bool) error {
	if !good {
		v.counts.lose()
	}
	for i := range b.width {
		at := b.first + int64(i)
		if err := v.refill(ctx, at); err != nil {
			return err
		}
		if good && i < len(b.entries) {
			v.entry(b, i, at)
		}
		if v.whole {
			v.tree.add(leaves[i], nil)
		}
		if at+1 == v.marks.next() {
			v.reach(at + 1)
		}
	}
	return nil
}

// entry checks one entry that is the one that was signed.
func (v *verifier) entry(b *bundle, i int, at int64) {
	v.report.Entries++
	e := b.entries[i]
	if e == nil {
		v.find(at, at+1, b.path, "it is no entry: "+b.errs[i])
		v.counts.lose()
		return
	}
	if v.report.First.IsZero() || e.Time.Before(v.report.First) {
		v.report.First = e.Time
	}
	if e.Time.After(v.report.Last) {
		v.report.Last = e.Time
	}
	if why := v.marks.timely(e.Time); why != "" {
		v.find(at, at+1, b.path, why)
	}
	if why := v.counts.count(e.Source, e.Sequence); why != "" {
		v.find(at, at+1, b.path, why)
	}
}

// reach checks the tree, which has size leaves, against the checkpoints of
// that size.
func (v *verifier) reach(size int64) {
	for _, m := range v.marks.take() {
		v.mark(m, size)
	}
}

// refill reads the checkpoints that come behind entry at.
func (v *verifier) refill(ctx context.Context, at int64) error {
	problems, err := v.marks.refill(ctx, at, v.src, v.key, v.opts.Witnesses)
	for _, p := range problems {
		v.find(p.From, p.To, p.File, p.Problem)
	}
	return err
}

// mark checks the tree's root against one checkpoint.
func (v *verifier) mark(m mark, size int64) {
	v.report.Checkpoints++
	if !v.whole {
		return
	}
	if v.tree.root() == m.Hash {
		v.proven = size
		v.marks.pass(m)
		return
	}
	if m.name == "" && v.diverged {
		return // what follows a difference differs
	}
	v.diverged = true
	switch {
	case m.name != "":
		v.find(0, size, "", fmt.Sprintf("rewritten: they are not the entries of %s, which was signed at %s", m.name, stamp(m.Time)))
	default:
		v.find(v.proven, size, m.file, fmt.Sprintf("something among them was changed, added, removed or moved: together they do not give the root of the checkpoint of %d entries, signed at %s", size, stamp(m.Time)))
	}
}
