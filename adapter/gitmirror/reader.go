package gitmirror

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// errMissing is answered for an object that is not in the mirror.
var errMissing = errors.New("the object is not in the mirror")

// reader is one git cat-file that answers for objects of one mirror.
type reader struct {
	dir string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	// ended is closed when the program has ended.
	ended chan struct{}
}

// readers lends readers out, and keeps a few that are idle.
type readers struct {
	m     *Mirrors
	slots chan struct{} // one for each reader in use

	mu     sync.Mutex
	idle   []*reader // least recently used first
	closed bool
}

const (
	maxReaders = 16
	maxIdle    = 4
)

func newReaders(m *Mirrors) *readers { return &readers{m: m, slots: make(chan struct{}, maxReaders)} }

func (p *readers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, r := range p.idle {
		r.stop()
	}
	p.idle = nil
}

// with calls use with a reader of a mirror. A reader that failed half-way is
// not used again; an object that is missing or too large is no failure.
func (p *readers) with(dir string, use func(*reader) error) error {
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	r, err := p.take(dir)
	if err != nil {
		return err
	}
	err = use(r)
	if err == nil || errors.Is(err, errMissing) {
		p.put(r)
	} else {
		r.stop()
	}
	return err
}

func (p *readers) take(dir string) (*reader, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	for i := len(p.idle) - 1; i >= 0; i-- {
		if r := p.idle[i]; r.dir == dir {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.mu.Unlock()
			return r, nil
		}
	}
	p.mu.Unlock()
	return p.m.startReader(dir)
}

func (p *readers) put(r *reader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		r.stop()
		return
	}
	p.idle = append(p.idle, r)
	if len(p.idle) > maxIdle {
		p.idle[0].stop()
		p.idle = p.idle[1:]
	}
}

func (m *Mirrors) startReader(dir string) (*reader, error) {
	cmd := exec.Command(m.git, "cat-file", "--batch-command")
	cmd.Dir, cmd.Env = "/", m.environ(dir, nil)
	// A reader lives longer than the call that starts it, so it is not tied to
	// a thread: it ends by itself when its input does, also if this process
	// is killed.
	r := &reader{dir: dir, cmd: cmd, ended: make(chan struct{})}
	in, inErr := cmd.StdinPipe()
	out, out2, outErr := os.Pipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	cmd.Stdout = out2
	err := cmd.Start()
	_ = out2.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start git: %w", err), out.Close())
	}
	r.in, r.out = in, bufio.NewReaderSize(out, 64<<10)
	go func() {
		_ = cmd.Wait()
		close(r.ended)
		_ = out.Close()
	}()
	return r, nil
}

// stop ends the program and waits for it.
func (r *reader) stop() {
	_ = r.in.Close()
	_ = r.cmd.Process.Kill()
	<-r.ended
}

// info returns an object's type and size in bytes.
func (r *reader) info(id string) (kind string, size int64, err error) {
	if _, err := io.WriteString(r.in, "info "+id+"\n"); err != nil {
		return "", 0, r.broken(err)
	}
	return r.header(id)
}

func (r *reader) header(id string) (kind string, size int64, err error) {
	line, err := r.out.ReadString('\n')
	if err != nil {
		return "", 0, r.broken(err)
	}
	f := strings.Fields(line)
	switch {
	case len(f) == 2 && f[0] == id && f[1] == "missing":
		return "", 0, errMissing
	case len(f) != 3 || f[0] != id:
		return "", 0, fmt.Errorf("git answers %.80q for an object", line)
	}
	size, err = strconv.ParseInt(f[2], 10, 64)
	if err != nil || size < 0 {
		return "", 0, fmt.Errorf("git answers %.80q for an object", line)
	}
	return f[1], size, nil
}

func (r *reader) broken(err error) error {
	return fmt.Errorf("git ended: the mirror may be damaged, or an object too large: %w", err)
}

// errSize is answered for an object that is larger than allowed.
type errSize struct{ size int64 }

func (e errSize) Error() string { return "it has " + strconv.FormatInt(e.size, 10) + " bytes" }

// contents returns an object of a kind that is at most limit bytes long.
func (r *reader) contents(id, kind string, limit int64) ([]byte, error) {
	if _, err := io.WriteString(r.in, "contents "+id+"\n"); err != nil {
		return nil, r.broken(err)
	}
	found, size, err := r.header(id)
	switch {
	case err != nil:
		return nil, err
	case found != kind:
		return nil, fmt.Errorf("the object is a %s, not a %s", found, kind)
	case size > limit:
		return nil, errSize{size}
	}
	text := make([]byte, size+1)
	if _, err := io.ReadFull(r.out, text); err != nil {
		return nil, r.broken(err)
	}
	return text[:size], nil
}

// drop ends the idle readers of a mirror.
func (p *readers) drop(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(r *reader) bool {
		if r.dir == dir {
			r.stop()
			return true
		}
		return false
	})
}
