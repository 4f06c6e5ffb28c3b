// Package flight lets callers who want the same share one piece of work, such as
// one question to a server, without ever giving anybody an answer that is
// older than they can use.
package flight

import (
	"context"
	"sync"
	"time"
)

// MaxCalls bounds the results that a Group remembers.
const MaxCalls = 4096

// call is work that is under way or done.
type call[V any] struct {
	began time.Time
	done  chan struct{} // closed when val and err are set
	val   V
	err   error
}

func (c *call[V]) finished() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Group shares pieces of work by their keys, and their results as long as they
// are fresh enough for who asks. The zero value is ready. It is safe for
// concurrent use.
type Group[V any] struct {
	mu    sync.Mutex
	calls map[string]*call[V]
}

// Do returns the result of work that began at since or later. If such work is
// under way it is joined; work that began earlier is waited for and then done
// again, once for all who came meanwhile. An error is shared with those who
// wait for it, and not remembered. The work goes on when ctx ends.
func (g *Group[V]) Do(ctx context.Context, key string, since time.Time, now func() time.Time, work func() (V, error)) (V, error) {
	for {
		c, mine := g.join(key, since, now)
		if mine {
			go func() {
				defer close(c.done)
				c.val, c.err = work()
			}()
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			var zero V
			return zero, context.Cause(ctx)
		}
		if !c.began.Before(since) {
			return c.val, c.err
		}
	}
}

// join returns the call that answers, or must end before one can begin; mine
// if the caller is to do it.
func (g *Group[V]) join(key string, since time.Time, now func() time.Time) (c *call[V], mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.calls[key]; c != nil {
		if !c.finished() || c.err == nil && !c.began.Before(since) {
			return c, false
		}
	}
	if g.calls == nil {
		g.calls = map[string]*call[V]{}
	}
	if len(g.calls) >= MaxCalls {
		for k, c := range g.calls {
			if c.finished() {
				delete(g.calls, k)
			}
		}
	}
	c = &call[V]{began: now(), done: make(chan struct{})}
	g.calls[key] = c
	return c, true
}
