package ledger

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// detailBehind is the detail that says by how much the clock was behind the
// log's when an entry got the log's time instead of its own.
const detailBehind = "ledger.clockBehind"

// Receipt says where a record is in the log.
type Receipt struct {
	// Index counts the log's entries from 0.
	Index int64
	// Sequence is the record's number in its source.
	Sequence int64
	// Hash is the leaf's hash.
	Hash tlog.Hash
	// Again tells that the record was there already.
	Again bool
}

// plan decides what a transaction writes: which records are new, where they
// go, what they become. It changes nothing but itself.
type plan struct {
	state    State
	now      time.Time
	random   io.Reader
	tree     *tree
	batch    Batch
	known    map[KeyRef]Known
	counts   map[string]int64
	subjects map[string]Subject
	// last is the newest checkpoint, nil if there is none, and floor its time.
	last  *Checkpoint
	floor time.Time
}

// newPlan begins a plan on what the store holds; last is its newest checkpoint,
// opened.
func newPlan(s State, last *Checkpoint, now time.Time, random io.Reader) (*plan, error) {
	t, err := newTree(s.Size, s.Edge)
	if err != nil {
		return nil, damaged(err)
	}
	p := &plan{
		state: s, now: now.UTC(), random: random, tree: t, last: last,
		known: maps.Clone(s.Known), counts: maps.Clone(s.Counts), subjects: maps.Clone(s.Subjects),
	}
	if p.known == nil {
		p.known = map[KeyRef]Known{}
	}
	if p.counts == nil {
		p.counts = map[string]int64{}
	}
	if p.subjects == nil {
		p.subjects = map[string]Subject{}
	}
	if last == nil && s.Size > 0 {
		return nil, damaged(unsigned(s.Size))
	}
	if c := last; c != nil {
		if c.N != s.Last.Size || c.N > s.Size {
			return nil, damaged(fmt.Errorf("its checkpoint is of %d entries and it has %d", c.N, s.Size))
		}
		if c.N == s.Size && c.Hash != t.root() {
			return nil, damaged(fmt.Errorf("its tree is not the one that was signed at %d entries", c.N))
		}
		p.floor = c.Time
	}
	return p, nil
}

// unsigned says that a ledger has lost all its checkpoints: the first is written
// together with the first entries. To sign it anew would be to vouch for whatever is
// there now.
func unsigned(size int64) error {
	return fmt.Errorf("it has %d entries and no checkpoint: those that were signed are gone", size)
}

// damaged is the error of a store whose content is not what was written.
func damaged(cause error) error {
	return fault.Wrap(fault.Blocked, "go on with the ledger", "", cause, "the store was changed by something else: keep it as it is, run `aeo audit verify`, and restore the ledger from its backup")
}

// draft is what the records of one call become; it counts only when all of
// them are admitted.
type draft struct {
	rows     []Row
	hashes   []tlog.Hash
	known    map[KeyRef]Known
	counts   map[string]int64
	subjects map[string]Subject
	fresh    []Subject
}

// admit adds the records of one call, all or none.
func (p *plan) admit(records []ops.Record) ([]Receipt, error) {
	d := &draft{known: map[KeyRef]Known{}, counts: map[string]int64{}, subjects: map[string]Subject{}}
	receipts := make([]Receipt, len(records))
	for i := range records {
		r, err := p.draft(d, records[i])
		if err != nil {
			return nil, err
		}
		receipts[i] = r
	}
	for i := range d.rows {
		p.tree.add(d.hashes[i], p.tile)
	}
	p.batch.Rows = append(p.batch.Rows, d.rows...)
	p.batch.Subjects = append(p.batch.Subjects, d.fresh...)
	maps.Copy(p.known, d.known)
	maps.Copy(p.counts, d.counts)
	maps.Copy(p.subjects, d.subjects)
	return receipts, nil
}

func (p *plan) tile(t tlog.Tile, hashes []byte) {
	p.batch.Tiles = append(p.batch.Tiles, TileData{t, slices.Clone(hashes)})
}

// draft turns a record into a row, or finds that it is there.
func (p *plan) draft(d *draft, r ops.Record) (Receipt, error) {
	e := &Entry{Record: r}
	e.Personal = nil
	name, fields, err := personalOf(&r)
	if err != nil {
		return Receipt{}, err
	}
	var subject Subject
	if name != "" {
		if subject, err = p.subject(d, name); err != nil {
			return Receipt{}, err
		}
		e.Subject = subject.ID
		if r.Actor.Kind == ops.ActorPerson {
			e.Actor.Name = subject.ID
		}
	}
	ref := KeyRef{r.Source, r.Key}
	if k, ok := lookup(ref, d.known, p.known); ok {
		return again(e, k)
	}
	if e.Time, err = p.admitTime(e); err != nil {
		return Receipt{}, err
	}
	last, _ := lookup(r.Source, d.counts, p.counts)
	switch {
	case e.Sequence == 0:
		e.Sequence = last + 1
	case e.Sequence <= last:
		return Receipt{}, fault.New(fault.Conflict, "append to the ledger a record of", r.Source, fmt.Sprintf("its number is %d, and number %d is in the log already", e.Sequence, last), "number the records of a source in their order, or let the ledger number them")
	}
	row := Row{Index: p.tree.size + int64(len(d.rows)), Source: r.Source, Key: r.Key, Sequence: e.Sequence}
	if name != "" {
		if row.Sealed, e.Commitment, err = seal(subject, fields, p.random); err != nil {
			return Receipt{}, fault.Wrap(fault.Invalid, "append to the ledger a record of", r.Source, err, "")
		}
	}
	if row.Body, err = e.Encode(); err != nil {
		return Receipt{}, err
	}
	if err := e.check(); err != nil {
		return Receipt{}, fault.New(fault.Invalid, "append to the ledger a record of", r.Source, err.Error(), "say it and append again")
	}
	h := leafHash(row.Body)
	d.rows, d.hashes = append(d.rows, row), append(d.hashes, h)
	d.known[ref] = Known{row.Index, row.Body}
	d.counts[r.Source] = e.Sequence
	return Receipt{Index: row.Index, Sequence: e.Sequence, Hash: h}, nil
}

func lookup[K comparable, V any](key K, first, second map[K]V) (V, bool) {
	if v, ok := first[key]; ok {
		return v, true
	}
	v, ok := second[key]
	return v, ok
}

// subject finds or makes up a person's pseudonym.
func (p *plan) subject(d *draft, name string) (Subject, error) {
	if s, ok := lookup(name, d.subjects, p.subjects); ok {
		return s, nil
	}
	s, err := newSubject(name, p.random)
	if err != nil {
		return s, fault.Wrap(fault.Internal, "make up a pseudonym", "", err, "")
	}
	d.subjects[name] = s
	d.fresh = append(d.fresh, s)
	return s, nil
}

// again answers for a record whose key is known: with the first receipt if it
// says the same. When it happened and how it was counted may differ: whoever
// repeats a call does not remember.
func again(e *Entry, k Known) (Receipt, error) {
	old, err := Decode(k.Body)
	if err != nil {
		return Receipt{}, damaged(err)
	}
	if e.Sequence != 0 && e.Sequence != old.Sequence || !same(*e, *old) {
		return Receipt{}, fault.New(fault.Conflict, "append to the ledger a record of", e.Source, fmt.Sprintf("its key %q belongs to entry %d, which says something else", e.Key, k.Index), "give each record a key of its own; repeat a record unchanged")
	}
	return Receipt{Index: k.Index, Sequence: old.Sequence, Hash: leafHash(k.Body), Again: true}, nil
}

// same compares entries by what they say.
func same(a, b Entry) bool {
	strip := func(e *Entry) []byte {
		e.Time, e.Sequence, e.Commitment = time.Time{}, 0, ""
		e.Details = maps.Clone(e.Details)
		delete(e.Details, detailBehind)
		if e.Subject != "" {
			e.Commitment = "some" // so that the subject is written
		}
		body, err := e.Encode()
		if err != nil {
			return nil
		}
		return body
	}
	x, y := strip(&a), strip(&b)
	return x != nil && slices.Equal(x, y)
}

// admitTime returns the time that an entry gets. A late record is refused:
// nobody adds to the past. If it is the clock that is behind the log's, as
// after it was set back, the log's time goes on and the entry says so.
func (p *plan) admitTime(e *Entry) (time.Time, error) {
	at := e.Time.UTC().Truncate(time.Microsecond)
	if e.Time.IsZero() {
		at = p.now.Truncate(time.Microsecond)
	}
	if at.After(p.now.Add(Tolerance)) {
		return at, fault.New(fault.Invalid, "append to the ledger a record of", e.Source, fmt.Sprintf("its time is %s, and it is %s", at.Format(time.RFC3339), p.now.Format(time.RFC3339)), "set the clock of its source right")
	}
	earliest := p.floor.Add(-Tolerance)
	if !at.Before(earliest) {
		return at, nil
	}
	if !p.now.Before(earliest) {
		return at, fault.New(fault.Invalid, "append to the ledger a record of", e.Source, fmt.Sprintf("its time is %s, long before the checkpoint of %s", at.Format(time.RFC3339), p.floor.Format(time.RFC3339)), "record it with the time of now, and say in its details when it happened")
	}
	e.Details = maps.Clone(e.Details)
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details[detailBehind] = p.floor.Sub(at).String()
	return p.floor, nil
}

// due tells whether it is time to sign a checkpoint.
func (p *plan) due(entries int64, age time.Duration) bool {
	last := int64(0)
	if p.state.Last != nil {
		last = p.state.Last.Size
	}
	return p.tree.size > last && (p.state.Last == nil || p.tree.size-last >= entries || p.now.Sub(p.floor) >= age)
}

// checkpoint adds a signed head of the tree as it is after the batch.
func (p *plan) checkpoint(key *SigningKey) error {
	at := p.now
	if at.Before(p.floor) {
		at = p.floor
	}
	signed, err := key.sign(tlog.Tree{N: p.tree.size, Hash: p.tree.root()}, at)
	if err != nil {
		return err
	}
	p.batch.Checkpoint = signed
	return nil
}

// finish returns the batch with the tiles at the tree's edge.
func (p *plan) finish() Batch {
	if p.tree.size > p.state.Size {
		p.tree.partial(p.tile)
	}
	return p.batch
}
