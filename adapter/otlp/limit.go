package otlp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"strings"
	"sync"
	"time"
)

// slots bound how many requests are dealt with at a time. One address has three
// quarters of them at most: who sends slowly must not keep out all others.
type slots struct {
	total    int
	patience time.Duration

	mu     sync.Mutex
	taken  int
	byPeer map[string]int
}

func newSlots(n int, patience time.Duration) *slots {
	return &slots{total: n, patience: patience, byPeer: map[string]int{}}
}

// take waits a little for a slot. Call release once when ok.
func (s *slots) take(ctx context.Context, peer string) (release func(), ok bool) {
	end := time.NewTimer(s.patience)
	defer end.Stop()
	for {
		if release, ok := s.tryTake(peer); ok {
			return release, true
		}
		again := time.NewTimer(max(time.Millisecond, s.patience/20))
		select {
		case <-again.C:
		case <-end.C:
			again.Stop()
			return nil, false
		case <-ctx.Done():
			again.Stop()
			return nil, false
		}
	}
}

// tryTake is take without the wait. peer is an address with or without a port.
func (s *slots) tryTake(peer string) (release func(), ok bool) {
	if host, _, err := net.SplitHostPort(peer); err == nil {
		peer = host
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.total || s.byPeer[peer] >= max(1, s.total*3/4) {
		return nil, false
	}
	s.taken++
	s.byPeer[peer]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if s.byPeer[peer]--; s.byPeer[peer] == 0 {
			delete(s.byPeer, peer)
		}
	}), true
}

// bounded is a listener with at most n connections; more wait in the backlog.
type bounded struct {
	net.Listener
	free chan struct{}
	done chan struct{}
	once sync.Once
}

func bound(l net.Listener, n int) net.Listener {
	return &bounded{Listener: l, free: make(chan struct{}, n), done: make(chan struct{})}
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.free <- struct{}{}:
	case <-b.done:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &boundedConn{Conn: c, release: sync.OnceFunc(func() { <-b.free })}, nil
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.done) })
	return b.Listener.Close()
}

type boundedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}

// allowed reports whether an Authorization header carries the token. What it
// takes does not tell where they differ.
func allowed(header string, token func(refused bool) string) bool {
	if token == nil {
		return true
	}
	scheme, given, _ := strings.Cut(header, " ")
	a := sha256.Sum256([]byte(strings.TrimSpace(given)))
	is := func(token string) bool {
		b := sha256.Sum256([]byte(token))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1
	}
	return strings.EqualFold(scheme, "Bearer") && (is(token(false)) || is(token(true)))
}
