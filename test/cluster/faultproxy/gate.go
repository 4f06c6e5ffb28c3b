package faultproxy

import (
	"net"
	"sync"
)

// gate is a listener whose connections can be cut.
type gate struct {
	net.Listener

	mu     sync.Mutex
	closed bool
	open   map[*pass]struct{}
}

// pass is a connection that the gate knows.
type pass struct {
	*net.TCPConn
	gate *gate
}

// Accept implements net.Listener. While the gate is shut, clients are let in
// and thrown out at once.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p := &pass{c.(*net.TCPConn), g}
		g.mu.Lock()
		closed := g.closed
		if !closed {
			g.open[p] = struct{}{}
		}
		g.mu.Unlock()
		if !closed {
			return p, nil
		}
		reset(p.TCPConn)
	}
}

// Close implements net.Conn.
func (p *pass) Close() error {
	p.gate.mu.Lock()
	delete(p.gate.open, p)
	p.gate.mu.Unlock()
	return p.TCPConn.Close()
}

func (g *gate) shut(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
}

// cut breaks all connections.
func (g *gate) cut() {
	g.mu.Lock()
	var all []*pass
	for p := range g.open {
		all = append(all, p)
	}
	g.mu.Unlock()
	for _, p := range all {
		reset(p.TCPConn)
	}
}

// reset closes a connection so that the other end sees a reset, not an end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // fails only on a connection that is closed already
	_ = c.Close()
}
