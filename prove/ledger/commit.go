package ledger

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// enqueue hands a call to the committing goroutine; false if it has ended.
func (l *Ledger) enqueue(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, c)
	l.signal()
	return true
}

func (l *Ledger) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// withdraw takes a call out of the queue; false if it is being committed.
func (l *Ledger) withdraw(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, c)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// take removes what the next transaction is made of: whole calls, up to
// maxBatch records.
func (l *Ledger) take() (calls []*call, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, records := 0, 0
	for n < len(l.queue) && (n == 0 || records+len(l.queue[n].records) <= maxBatch) {
		records += len(l.queue[n].records)
		n++
	}
	calls = l.queue[:n:n]
	l.queue = l.queue[n:]
	return calls, l.closed
}

// Where several callers append at the same time a transaction begins gatherTime
// after the last, at the earliest: fewer and larger ones cost much less.
const (
	gatherTime = 8 * time.Millisecond
	crowd      = 3
)

// run commits what is queued, all that waits in one transaction: while one is
// being written the next gathers. Entries that no checkpoint covers yet are
// signed when nothing has come for a while, and at the end.
func (l *Ledger) run(ctx context.Context) {
	defer close(l.done)
	unsigned := false
	for {
		calls, closed := l.take()
		switch {
		case len(calls) > 0:
			began := time.Now()
			unsigned = l.commit(ctx, calls)
			if len(calls) >= crowd {
				time.Sleep(gatherTime - time.Since(began))
			}
		case closed:
			if unsigned {
				l.settle(ctx, settleTimeout)
			}
			return
		case !unsigned:
			<-l.wake
		default:
			timer := time.NewTimer(l.opts.CheckpointAge)
			select {
			case <-l.wake:
			case <-timer.C:
				l.settle(ctx, l.opts.CommitTimeout)
				unsigned = false
			}
			timer.Stop()
		}
	}
}

// settleTimeout bounds the last checkpoint before closing.
const settleTimeout = 5 * time.Second

// settle signs what is not signed. If that fails the next append does it.
func (l *Ledger) settle(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, _ = l.Checkpoint(ctx)
}

// commit appends the records of some calls and answers them. It reports
// whether it left entries that no checkpoint covers.
func (l *Ledger) commit(ctx context.Context, calls []*call) (unsigned bool) {
	err := l.transact(ctx, needOf(calls), func(p *plan) error {
		for _, c := range calls {
			c.receipts, c.err = p.admit(c.records)
			if fault.KindOf(c.err) == fault.Blocked {
				return c.err
			}
		}
		if p.due(l.opts.CheckpointEntries, l.opts.CheckpointAge) {
			unsigned = false
			return p.checkpoint(l.opts.Key)
		}
		unsigned = p.state.Last == nil || p.tree.size > p.state.Last.Size
		return nil
	})
	for _, c := range calls {
		if err != nil {
			c.receipts, c.err = nil, err
		}
		close(c.done)
	}
	return unsigned && err == nil
}

// needOf lists what the records of some calls refer to.
func needOf(calls []*call) Need {
	var n Need
	sources, subjects := map[string]bool{}, map[string]bool{}
	for _, c := range calls {
		for i := range c.records {
			r := &c.records[i]
			n.Keys = append(n.Keys, KeyRef{r.Source, r.Key})
			if !sources[r.Source] {
				sources[r.Source] = true
				n.Sources = append(n.Sources, r.Source)
			}
			if name, _, err := personalOf(r); err == nil && name != "" && !subjects[name] {
				subjects[name] = true
				n.Subjects = append(n.Subjects, name)
			}
		}
	}
	return n
}

// transact runs one planned transaction. If its outcome is not known it is
// planned again on what the store then holds: records that were written are
// found by their keys. Until that has succeeded, a store that is down does not
// mean that nothing was written.
func (l *Ledger) transact(ctx context.Context, need Need, decide func(*plan) error) error {
	wait, unknown := 20*time.Millisecond, false
	for try := 0; ; try++ {
		err := l.attempt(ctx, need, decide)
		unknown = unknown || errors.Is(err, ErrUnknownOutcome)
		kind := fault.KindOf(err)
		if err == nil || !unknown || kind != fault.Unavailable && kind != fault.TimedOut {
			return err
		}
		if try == retries {
			return &fault.Error{Kind: fault.TimedOut, Op: "write the ledger", Public: "the connection was lost at the commit and did not come back; the records may have been written", Hint: "append the same records with the same keys again", Cause: err}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return gaveUp(ctx.Err(), "the connection was lost at the commit; the records may have been written")
		}
		wait *= 3
	}
}

func (l *Ledger) attempt(ctx context.Context, need Need, decide func(*plan) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.CommitTimeout)
	defer cancel()
	return l.store.Update(ctx, need, func(s State) (Batch, error) {
		if s.Key != l.log.String() {
			return Batch{}, fault.New(fault.Conflict, "write the ledger", s.Origin, "the store holds the ledger of another key", "was the database replaced? Open the ledger again")
		}
		p, err := l.plan(s)
		if err != nil {
			return Batch{}, err
		}
		if err := decide(p); err != nil {
			return Batch{}, err
		}
		return p.finish(), nil
	})
}
