package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// Tolerance is how far clocks may be apart: an entry's time may be this much
// before the checkpoint before it, or after the one behind it.
const Tolerance = 5 * time.Minute

// ErrUnknownOutcome is in the chain of a Store's error when the connection was
// lost at the commit: it is not known whether the transaction was done. The
// ledger finds out by the records' keys.
var ErrUnknownOutcome = errors.New("the outcome of the commit is not known")

// Options are how a ledger is written.
type Options struct {
	// Key signs the checkpoints. A ledger belongs to its key; another one is
	// refused.
	Key *SigningKey
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Random makes keys, salts and pseudonyms; nil means crypto/rand.
	Random io.Reader
	// CheckpointEntries and CheckpointAge say when a checkpoint is signed with
	// an append: after so many entries, or when the last is so old. Zero means
	// 1,000 and 10 s. More than 1,024 entries are taken for 1,024: Verify relies
	// on it that a longer stretch without a checkpoint has lost some.
	CheckpointEntries int64
	CheckpointAge     time.Duration
	// CommitTimeout bounds one transaction; zero means 30 s.
	CommitTimeout time.Duration
}

// maxBatch bounds the records of one transaction, so that it stays short.
const maxBatch = 1024

// maxUnsigned is the most entries that a ledger gets without signing one of them:
// those that did not fill the measure yet, and one transaction.
const maxUnsigned = 2 * maxBatch

// retries is how often a transaction whose outcome is not known is tried
// again before the caller is told.
const retries = 6

// Ledger appends to a log. It is safe for concurrent use; several processes
// may write to the same Store.
type Ledger struct {
	store Store
	opts  Options
	log   *Key

	mu     sync.Mutex
	queue  []*call
	closed bool
	// last is the newest checkpoint that was opened: most transactions find the
	// one that the transaction before has left.
	last *Checkpoint
	// wake has an element when the queue is not empty.
	wake chan struct{}
	// done is closed when the committing goroutine has ended.
	done chan struct{}
}

// call is one Append that waits.
type call struct {
	records  []ops.Record
	receipts []Receipt
	err      error
	done     chan struct{}
}

// Open opens the ledger of a store for appending, and creates it if the store
// is new. It checks that the tree is the one that was last signed: Blocked if
// the store was changed behind the ledger, Conflict if it belongs to another
// key. Close ends it.
func Open(ctx context.Context, store Store, o Options) (*Ledger, error) {
	if o.Key == nil {
		return nil, fault.New(fault.Invalid, "open the ledger", "", "there is no signing key", "give it one")
	}
	o.defaults()
	log, err := ParseKey(o.Key.Public())
	if err != nil {
		return nil, err
	}
	l := &Ledger{store: store, opts: o, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := l.create(ctx); err != nil {
		return nil, err
	}
	if err := l.matches(ctx); err != nil {
		return nil, err
	}
	go l.run(context.WithoutCancel(ctx))
	return l, nil
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.CheckpointEntries == 0 {
		o.CheckpointEntries = 1000
	}
	o.CheckpointEntries = min(o.CheckpointEntries, maxBatch)
	if o.CheckpointAge == 0 {
		o.CheckpointAge = 10 * time.Second
	}
	if o.CommitTimeout == 0 {
		o.CommitTimeout = 30 * time.Second
	}
}

// create gives a new store its identity, and refuses one of another key.
func (l *Ledger) create(ctx context.Context) error {
	return l.store.Update(ctx, Need{}, func(s State) (Batch, error) {
		switch {
		case s.Key == "" && s.Size == 0:
			return Batch{Identity: &Head{Origin: l.log.name, Key: l.log.String()}}, nil
		case s.Key != l.log.String():
			return Batch{}, fault.New(fault.Conflict, "open the ledger", s.Origin, fmt.Sprintf("it belongs to the key %s, not to %s", s.Key, l.log), "use the key that the ledger was created with")
		}
		return Batch{}, nil
	})
}

// matches checks the tree against the newest checkpoint.
func (l *Ledger) matches(ctx context.Context) error {
	var c *Checkpoint
	var size int64
	err := l.store.Update(ctx, Need{}, func(s State) (Batch, error) {
		p, err := l.plan(s)
		if err == nil {
			c, size = p.last, s.Size
		}
		return Batch{}, err
	})
	if err != nil || c == nil || c.N == 0 {
		return err
	}
	root, err := tlog.TreeHash(c.N, readHashes(ctx, l.store, size))
	if err != nil {
		return err
	}
	if root != c.Hash {
		return damaged(fmt.Errorf("its tree is not the one that was signed at %d entries", c.N))
	}
	return sound(ctx, l.store, c.N)
}

// plan begins a plan on what the store holds.
func (l *Ledger) plan(s State) (*plan, error) {
	if s.Last == nil {
		return newPlan(s, nil, l.opts.Now(), l.opts.Random)
	}
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last == nil || !bytes.Equal(last.Note, s.Last.Note) {
		var err error
		if last, err = OpenCheckpoint(s.Last.Note, l.log); err != nil {
			return nil, damaged(err)
		}
		l.mu.Lock()
		l.last = last
		l.mu.Unlock()
	}
	return newPlan(s, last, l.opts.Now(), l.opts.Random)
}

// Append adds records to the log, all or none, one behind the other, and
// returns when they are durable. A record whose source and key are there
// already gets its first receipt; Conflict if that one says something else.
// Invalid means that nothing can be appended like this. Unavailable means that
// nothing was written, TimedOut that it is not known: in both cases append
// the same records with the same keys again.
func (l *Ledger) Append(ctx context.Context, records ...ops.Record) ([]Receipt, error) {
	if len(records) == 0 {
		return nil, nil
	}
	if len(records) > maxBatch {
		return nil, fault.New(fault.Invalid, "append to the ledger", "", fmt.Sprintf("%d records in one call are more than %d", len(records), maxBatch), "append them in several calls")
	}
	c := &call{records: append([]ops.Record(nil), records...), done: make(chan struct{})}
	for i := range c.records {
		if err := l.prepare(&c.records[i]); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err, "nothing was written")
	}
	if !l.enqueue(c) {
		return nil, fault.New(fault.Unavailable, "append to the ledger", "", "the ledger is closed", "")
	}
	select {
	case <-c.done:
		return c.receipts, c.err
	case <-ctx.Done():
	}
	if l.withdraw(c) {
		return nil, gaveUp(ctx.Err(), "nothing was written")
	}
	// The transaction is under way. What is nearly done is worth a moment;
	// what hangs is not.
	timer := time.NewTimer(graceAfterCancel)
	defer timer.Stop()
	select {
	case <-c.done:
		return c.receipts, c.err
	case <-timer.C:
		return nil, gaveUp(ctx.Err(), "the store does not answer; the records may have been written")
	}
}

// graceAfterCancel is how long Append still waits for a commit under way when
// its context has ended.
const graceAfterCancel = time.Second

func gaveUp(cause error, why string) error {
	return &fault.Error{Kind: fault.TimedOut, Op: "append to the ledger", Public: why, Hint: "append the same records with the same keys again", Cause: cause}
}

// prepare completes a record as far as that needs no store.
func (l *Ledger) prepare(r *ops.Record) error {
	if r.Key == "" {
		b := make([]byte, 16)
		if _, err := io.ReadFull(l.opts.Random, b); err != nil {
			return fault.Wrap(fault.Internal, "make up a key", "", err, "")
		}
		r.Key = hex.EncodeToString(b)
	}
	if r.Sequence < 0 {
		return fault.New(fault.Invalid, "append to the ledger a record of", r.Source, fmt.Sprintf("its number is %d", r.Sequence), "count from 1, or let the ledger count")
	}
	if _, _, err := personalOf(r); err != nil {
		return err
	}
	// Refuse before it reaches the queue what would be refused behind it.
	e := Entry{Record: *r}
	e.Personal = nil
	if e.Sequence == 0 {
		e.Sequence = 1
	}
	if e.Time.IsZero() {
		e.Time = l.opts.Now()
	}
	if _, err := e.Encode(); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return fault.New(fault.Invalid, "append to the ledger a record of", r.Source, err.Error(), "say it and append again")
	}
	return nil
}

// Checkpoint signs the log as it is now and returns the checkpoint; the last
// one if there are no entries since.
func (l *Ledger) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	var signed *Signed
	err := l.transact(ctx, Need{}, func(p *plan) error {
		if signed = p.state.Last; signed != nil && signed.Size == p.state.Size {
			return nil
		}
		err := p.checkpoint(l.opts.Key)
		signed = p.batch.Checkpoint
		return err
	})
	if err != nil {
		return nil, err
	}
	return OpenCheckpoint(signed.Note, l.log)
}

// Close waits for the appends under way and closes the store.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.signal()
	<-l.done
	return l.store.Close()
}
