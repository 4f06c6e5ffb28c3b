package metrics

import (
	"net"
	"sync"
)

// bound is a listener with at most n connections; more wait in the backlog.
func bound(l net.Listener, n int) net.Listener {
	return &bounded{Listener: l, free: make(chan struct{}, n), done: make(chan struct{})}
}

type bounded struct {
	net.Listener
	free chan struct{}
	done chan struct{}
	once sync.Once
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
	return &conn{Conn: c, release: sync.OnceFunc(func() { <-b.free })}, nil
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.done) })
	return b.Listener.Close()
}

type conn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
