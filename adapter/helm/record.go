package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Bounds on one rendering beside those of Options.
const (
	maxDepth    = 1500     // nested templates, includes and tpl calls
	maxTpl      = 200      // nested tpl calls
	maxProduced = 1 << 30  // bytes written in all, included text each time
	maxKept     = 32 << 20 // bytes of included text that are kept for origins
	maxString   = 16 << 20 // length of one string or list that a function makes
	tickEvery   = 64       // hooks between two looks at the clock
)

// errBound ends a rendering that passed one of its bounds.
type errBound struct{ text string }

// Error implements error.
func (e *errBound) Error() string { return e.text }

var errTooNested = &errBound{"templates are nested too deep (a template that includes itself?)"}

// iteration is one turn of a range, and the turns of the ranges around it.
type iteration struct {
	parent *iteration
	loop   int32
	n      int
}

// frame is one execution of a named template.
type frame struct {
	parent *frame
	// call is the site in parent that led here, -1 at the top.
	call int32
	// turn is where parent's ranges stood at the call.
	turn *iteration
	body int32
	unit *unit
	// cur is the site that is being executed.
	cur      int32
	turns    map[int32]*iteration
	children []child
}

// child is text that an include or tpl call at a site of a frame gave.
type child struct {
	site int32
	turn *iteration
	text *recorded
}

// span says which site of which frame wrote the bytes from off on.
type span struct {
	off   int32
	site  int32
	frame *frame
	turn  *iteration
}

// recorded is text and who wrote it.
type recorded struct {
	buf   []byte // while it is written
	text  string // when it is done
	spans []span
	once  sync.Once
	lines []int
}

// starts returns the offsets of the text's lines.
func (t *recorded) starts() []int {
	t.once.Do(func() { t.lines = lineStarts(t.text) })
	return t.lines
}

// recorder is the state of one rendering that the hooks and writers share.
type recorder struct {
	prog     *program
	expired  func() error
	max      int64
	written  int64
	produced int64
	kept     int64
	ticks    int
	depth    int
	unit     *unit
	frame    *frame
	out      []*recorded
}

// reset prepares for the execution of one template file.
func (r *recorder) reset(u *unit) *recorded {
	r.unit, r.frame, r.depth = u, nil, 0
	top := &recorded{}
	r.out = append(r.out[:0], top)
	return top
}

func (r *recorder) tick() error {
	if r.ticks++; r.ticks%tickEvery == 0 {
		return r.expired()
	}
	return nil
}

// at is hookAt.
func (r *recorder) at(n int) (string, error) {
	f, id := r.frame, int32(n)
	if f == nil {
		return "", r.tick()
	}
	s := &r.prog.sites[id]
	f.cur = id
	if f.turns != nil {
		delete(f.turns, id) // a range starts over
	}
	out := r.out[len(r.out)-1]
	sp := span{off: int32(len(out.buf)), site: id, frame: f, turn: f.turns[s.loop]}
	if last := len(out.spans) - 1; last >= 0 && out.spans[last].off == sp.off {
		out.spans[last] = sp
	} else {
		out.spans = append(out.spans, sp)
	}
	return "", r.tick()
}

// enter is hookEnter. A negative number stands for a template without a
// source, from a string that tpl executes: what it includes is recorded for
// the site that called tpl.
func (r *recorder) enter(n int) (string, error) {
	if r.depth++; r.depth > maxDepth {
		return "", errTooNested
	}
	if n < 0 {
		return "", r.tick()
	}
	f := &frame{parent: r.frame, call: -1, body: int32(n), unit: r.unit}
	if p := r.frame; p != nil {
		f.call = p.cur
		f.turn = p.turns[r.prog.sites[p.cur].loop]
	}
	r.frame = f
	return "", r.tick()
}

// leave is hookLeave.
func (r *recorder) leave(n int) (string, error) {
	r.depth--
	if n >= 0 && r.frame != nil {
		r.frame = r.frame.parent
	}
	return "", nil
}

// iter is hookIter.
func (r *recorder) iter(n int) (string, error) {
	f, id := r.frame, int32(n)
	if f == nil || n < 0 {
		return "", r.tick()
	}
	if f.turns == nil {
		f.turns = map[int32]*iteration{}
	}
	t := &iteration{parent: f.turns[r.prog.sites[id].loop], loop: id}
	if prev := f.turns[id]; prev != nil {
		t.n = prev.n + 1
	}
	f.turns[id] = t
	return "", r.tick()
}

// Write implements io.Writer for the innermost text that is being written.
func (r *recorder) Write(p []byte) (int, error) {
	out := r.out[len(r.out)-1]
	r.produced += int64(len(p))
	if len(r.out) == 1 {
		r.written += int64(len(p))
	}
	if r.written > r.max || int64(len(out.buf)+len(p)) > r.max || r.produced > maxProduced {
		return 0, &errBound{fmt.Sprintf("the chart renders to more than %d MiB", r.max>>20)}
	}
	out.buf = append(out.buf, p...)
	return len(p), nil
}

// capture runs f with a new innermost text and returns that text. What was
// written is kept as a child of the site that is being executed.
func (r *recorder) capture(f func() error) (string, error) {
	if r.depth++; r.depth > maxDepth {
		return "", errTooNested
	}
	saved, height := r.frame, len(r.out)
	text := &recorded{}
	r.out = append(r.out, text)
	err := f()
	r.out = r.out[:height]
	r.frame = saved
	r.depth--
	if err != nil {
		return "", err
	}
	text.text, text.buf = string(text.buf), nil
	if n := int64(len(text.text)); saved != nil && n > 0 && r.kept+n <= maxKept {
		r.kept += n
		loop := r.prog.sites[saved.cur].loop
		saved.children = append(saved.children, child{site: saved.cur, turn: saved.turns[loop], text: text})
	}
	return text.text, nil
}

// finish ends the writing of a template file's text. It removes what
// text/template prints for a missing value, as Helm does, and keeps the spans
// in step.
func (t *recorded) finish() {
	const mark = "<no value>"
	text := string(t.buf)
	t.buf = nil
	if t.text = strings.ReplaceAll(text, mark, ""); len(t.text) == len(text) {
		return
	}
	s, from, removed := 0, 0, 0
	shift := func(until int) {
		for ; s < len(t.spans) && int(t.spans[s].off) <= until; s++ {
			t.spans[s].off -= int32(removed)
		}
	}
	for {
		i := strings.Index(text[from:], mark)
		if i < 0 {
			break
		}
		shift(from + i)
		from += i + len(mark)
		removed += len(mark)
	}
	shift(len(text))
}

// deadline returns the check that a recorder makes now and then.
func deadline(ctx context.Context, limit time.Duration) func() error {
	return func() error {
		switch err := ctx.Err(); {
		case err == nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			return &errBound{fmt.Sprintf("rendering took longer than %s (an endless loop?)", limit)}
		default:
			return err
		}
	}
}
