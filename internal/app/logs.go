package app

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// CompareLogs implements cli.LogReader.
func (b backend) CompareLogs(ctx context.Context, req cli.LogsRequest) (*cli.ComparedLogs, error) {
	if err := apart(req); err != nil {
		return nil, err
	}
	stray := int64(0)
	if req.At.IsZero() {
		req.At = b.now()
		if req.Loki == nil && req.Pods == nil {
			var err error
			if req.At, stray, err = lastOf(ctx, req, b.now()); err != nil {
				return nil, err
			}
		}
	}
	r := &logReading{LogsRequest: req, now: b.now(), stray: stray, out: &cli.ComparedLogs{To: req.At, Mid: req.At.Add(-req.Since)}}
	if req.Before > 0 {
		r.out.From = r.out.Mid.Add(-req.Before)
	}
	read := r.files
	switch {
	case req.Loki != nil:
		read = r.loki
	case req.Pods != nil:
		read = r.pods
	}
	if err := read(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fault.New(fault.Interrupted, "read logs", "", "it was stopped", "")
	}
	c, out := r.comparison, r.out
	out.Changes, out.Counted, out.Sources, out.Templates, out.Without = c.Changes(req.Least), c.Counted(), c.Sources(), c.Templates(), c.Without()
	out.Changes = slices.DeleteFunc(out.Changes, func(x logs.Change) bool { return x.Kind == logs.Unjudged && x.After == 0 })
	return out, nil
}

// logReading is one comparison under way.
type logReading struct {
	cli.LogsRequest
	now        time.Time
	gap        time.Duration // between the windows, see logs.Windows
	stray      int64         // when a line was written that has no company, 0 for none
	mu         sync.Mutex    // of what follows
	comparison *logs.Comparison
	out        *cli.ComparedLogs
}

// begin makes the comparison. whole says that all lines of the windows will come.
func (r *logReading) begin(whole bool) (err error) {
	w := logs.Windows{From: math.MinInt64 / 2, Mid: r.out.Mid.UnixMilli(), To: r.out.To.UnixMilli()}
	if !r.out.From.IsZero() {
		w.From = r.out.From.UnixMilli()
	}
	w.Gap = r.gap.Milliseconds()
	r.comparison, err = logs.NewComparison(logs.Default(), w, whole)
	return err
}

// failed keeps why something could not be read.
func (r *logReading) failed(source string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Failed = append(r.out.Failed, cli.LogProblem{Source: source, Err: err})
}

// eventBytes bounds a line, or a stack trace, that is held until the next one
// comes: it is more than a template is made of.
const eventBytes = 8 << 10

// stream is the lines of one container or file, in their order: stack traces are
// put together.
type stream struct {
	reading *logReading
	joiner  *logs.Joiner
	next    logs.Line // without its text: what is held
}

func (r *logReading) stream() *stream {
	return &stream{reading: r, joiner: logs.NewJoiner(eventBytes)}
}

// add takes the next line; cut says that it was longer than its text. joined is set
// if it belongs to the line before.
func (s *stream) add(l logs.Line, cut bool) (joined bool) {
	r := s.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Read.Lines++
	r.out.Read.Bytes += uint64(len(l.Text))
	if len(l.Text) > eventBytes {
		l.Text, cut = l.Text[:eventBytes], false // the miner counts it
	}
	if cut {
		r.out.Read.Cut++
	}
	before, _ := s.joiner.Joined()
	event, at, ok := s.joiner.Add(l.Text, l.At)
	if ok {
		s.give(event, at)
	}
	if now, _ := s.joiner.Joined(); now > before {
		r.out.Read.Joined++
		return true
	}
	s.next = l
	s.next.Text = nil
	return false
}

// end gives what is held.
func (s *stream) end() {
	s.reading.mu.Lock()
	defer s.reading.mu.Unlock()
	if event, at, ok := s.joiner.Flush(); ok {
		s.give(event, at)
	}
}

func (s *stream) give(event []byte, at int64) {
	l := s.next
	l.Text, l.At = event, at
	s.reading.comparison.Add(l)
}
