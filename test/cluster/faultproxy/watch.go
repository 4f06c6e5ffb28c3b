package faultproxy

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
)

// watches knows the watches that run through the proxy.
type watches struct {
	mu      sync.Mutex
	running map[*watch]struct{}
	stalled []*Stall
}

// order is what is done to a running watch.
type order int

const (
	expire order = iota // say 410 Gone, then end
	drop                // break off
	finish              // end in order, as the API server does after a while
)

// watch is the body of an answer to a watch: whole frames pass through it, and
// between two frames it can be ended.
type watch struct {
	request *http.Request
	format  format
	from    io.ReadCloser
	all     *watches

	frames chan []byte   // from the API server
	failed chan error    // how the API server's side ended
	orders chan order    // at most one is obeyed
	closed chan struct{} // the client has gone
	once   sync.Once

	rest []byte // of a frame that is being read
	end  error  // what reads return once rest is empty
}

// adopt replaces the body of an answer to a watch by one that obeys.
func (ws *watches) adopt(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK || Verb(resp.Request) != "watch" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	f := jsonFrames
	if strings.Contains(mediaType, "protobuf") {
		f = protobufFrames
	}
	w := &watch{
		request: resp.Request, format: f, from: resp.Body, all: ws,
		frames: make(chan []byte), failed: make(chan error, 1), orders: make(chan order, 1), closed: make(chan struct{}),
	}
	ws.mu.Lock()
	if ws.running == nil {
		ws.running = map[*watch]struct{}{}
	}
	ws.running[w] = struct{}{}
	ws.mu.Unlock()
	go w.pump()
	resp.Body = w
	return nil
}

// pump reads whole frames from the API server.
func (w *watch) pump() {
	next := w.format.reader(w.from)
	for {
		frame, err := next()
		if err != nil {
			w.failed <- err
			return
		}
		select {
		case w.frames <- frame:
		case <-w.closed:
			return
		}
	}
}

// Read implements io.Reader.
func (w *watch) Read(b []byte) (int, error) {
	for len(w.rest) == 0 {
		if w.end != nil {
			return 0, w.end
		}
		w.next()
	}
	n := copy(b, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

// next waits for a frame, an order or the end. A stalled watch gets no frames,
// but obeys.
func (w *watch) next() {
	frames := w.frames
	resumed := w.all.stall(w.request)
	if resumed != nil {
		frames = nil
	}
	select {
	case w.rest = <-frames:
		if again := w.all.stall(w.request); again != nil { // it was stalled while it waited
			w.hold(again)
		}
	case <-resumed:
	case err := <-w.failed:
		w.end = err
	case o := <-w.orders:
		w.obey(o)
	case <-w.closed:
		w.end = io.ErrClosedPipe
	}
}

// hold keeps back a frame that came just before a stall.
func (w *watch) hold(resumed <-chan struct{}) {
	select {
	case <-resumed:
	case o := <-w.orders:
		w.rest = nil
		w.obey(o)
	case <-w.closed:
		w.rest, w.end = nil, io.ErrClosedPipe
	}
}

func (w *watch) obey(o order) {
	switch o {
	case expire:
		w.rest, w.end = w.format.expired(), io.EOF
	case finish:
		w.end = io.EOF
	case drop:
		w.end = io.ErrUnexpectedEOF // the proxy breaks the answer off
	}
}

// Close implements io.Closer.
func (w *watch) Close() error {
	w.once.Do(func() {
		close(w.closed)
		w.all.mu.Lock()
		delete(w.all.running, w)
		w.all.mu.Unlock()
	})
	return w.from.Close()
}

// tell gives an order to the running watches that match and returns how many
// there were.
func (ws *watches) tell(m Match, o order) (n int) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.running {
		if m.matches(w.request) {
			select {
			case w.orders <- o:
				n++
			default: // it has one already
			}
		}
	}
	return n
}

// Watches is how many watches that match are running.
func (p *Proxy) Watches(m Match) (n int) {
	p.watches.mu.Lock()
	defer p.watches.mu.Unlock()
	for w := range p.watches.running {
		if m.matches(w.request) {
			n++
		}
	}
	return n
}

// ExpireWatches ends the running watches that match with an error event 410
// Gone: their resource version is too old and the client must list again. It
// returns how many there were.
func (p *Proxy) ExpireWatches(m Match) int { return p.watches.tell(m, expire) }

// DropWatches breaks the running watches that match off and returns how many
// there were.
func (p *Proxy) DropWatches(m Match) int { return p.watches.tell(m, drop) }

// FinishWatches ends the running watches that match in order, as the API
// server does after a while, and returns how many there were.
func (p *Proxy) FinishWatches(m Match) int { return p.watches.tell(m, finish) }

// Stall is a silence of watches.
type Stall struct {
	match   Match
	all     *watches
	resumed chan struct{}
	once    sync.Once
}

// StallWatches lets the watches that match say nothing, though they stay open,
// until Resume. New ones are silent too.
func (p *Proxy) StallWatches(m Match) *Stall {
	s := &Stall{match: m, all: &p.watches, resumed: make(chan struct{})}
	p.watches.mu.Lock()
	defer p.watches.mu.Unlock()
	p.watches.stalled = append(p.watches.stalled, s)
	return s
}

// Resume lets the watches speak again; nothing is lost.
func (s *Stall) Resume() {
	s.once.Do(func() {
		s.all.mu.Lock()
		defer s.all.mu.Unlock()
		kept := s.all.stalled[:0:0]
		for _, other := range s.all.stalled {
			if other != s {
				kept = append(kept, other)
			}
		}
		s.all.stalled = kept
		close(s.resumed)
	})
}

// stall returns the end of the silence of a watch, nil if it may speak.
func (ws *watches) stall(r *http.Request) <-chan struct{} {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, s := range ws.stalled {
		if s.match.matches(r) {
			return s.resumed
		}
	}
	return nil
}
