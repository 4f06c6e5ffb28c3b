package deliver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Tracer is told of each step of a release when it has ended. A release takes
// many looks at an application, and may outlive the operator: so a step comes
// with its times, and with ids that follow from the release's name, and a
// restart goes on with the same trace. Implementations MUST NOT block.
type Tracer interface {
	Span(s Span)
}

// Span is one step of a release.
type Span struct {
	// Trace and ID are the ids, in 32 and 16 hexadecimal digits; Parent is ""
	// for the release itself.
	Trace, ID, Parent string
	Name              string
	Start, End        time.Time
	// Failed says what went wrong, "" if nothing did.
	Failed     string
	Attributes map[string]string
}

// The names of spans. Below SpanApply there is one for each stage.
const (
	SpanRelease = "release"
	SpanCommit  = "commit"
	SpanFetch   = "fetch"
	SpanRender  = "render"
	SpanGate    = "gate"
	SpanApply   = "apply"
	SpanHealthy = "healthy"
	SpanWatch   = "watch"
)

// TraceID is the id of a release's trace, in 32 hexadecimal digits.
func TraceID(app *v1alpha1.Application, release string) string {
	sum := sha256.Sum256([]byte("trace\x00" + string(app.UID) + "\x00" + release))
	return hex.EncodeToString(sum[:16])
}

// spanID is the id of a step, in 16 hexadecimal digits.
func spanID(trace, name string) string {
	sum := sha256.Sum256([]byte("span\x00" + trace + "\x00" + name))
	return hex.EncodeToString(sum[:8])
}

// lap is a step that ended before its release had a name.
type lap struct {
	name       string
	start, end time.Time
	failed     string
}

// lap runs a part of preparing a revision and notes how long it took.
func (p *pass) lap(w *want, name string, f func() error) error {
	start := p.Now()
	err := f()
	l := lap{name: name, start: start, end: p.Now()}
	if err != nil {
		l.failed = Public(err)
		if v, ok := errors.AsType[verdict](err); ok {
			l.failed = v.Reason
		}
	}
	w.laps = append(w.laps, l)
	return err
}

// trace tells the tracer of one step of a release.
func (p *pass) trace(release, name, parent string, l lap, attributes map[string]string) {
	if p.Tracer == nil || l.start.IsZero() {
		return
	}
	s := Span{Trace: TraceID(p.app, release), Name: name, Start: l.start, End: l.end, Failed: l.failed, Attributes: attributes}
	s.ID = spanID(s.Trace, name)
	if parent != "" {
		s.Parent = spanID(s.Trace, parent)
	}
	if s.End.Before(s.Start) {
		s.End = s.Start // the clock was set back
	}
	p.Tracer.Span(s)
}

// traceBegun tells of what came before a release had a name.
func (p *pass) traceBegun(release string, w *want) {
	if at := committed(w); counts(at, w.seen) {
		p.trace(release, SpanCommit, SpanRelease, lap{start: at, end: w.seen}, nil)
	}
	for _, l := range w.laps {
		p.trace(release, l.name, SpanRelease, l, nil)
	}
	w.laps = nil
}

// maxCommitAge is how long before it was seen a commit may have been made for
// the time between to be part of the trace: an older one waited for a review, a
// merge or a first sync, not for us.
const maxCommitAge = time.Hour

func counts(committed, seen time.Time) bool {
	return committed.Before(seen) && seen.Sub(committed) <= maxCommitAge
}

func committed(w *want) time.Time {
	if w.commit == nil || w.commit.Time == nil {
		return time.Time{}
	}
	return w.commit.Time.Time
}

// traceStage tells of one stage's objects having been applied.
func (p *pass) traceStage(s Step, start time.Time, errs []error) {
	l := lap{start: start, end: p.Now()}
	if len(errs) > 0 {
		l.failed = Public(joined("apply "+s.Stage.String(), errs))
	}
	name := SpanApply + " " + s.Stage.String()
	if s.Wave != 0 {
		name += " wave " + strconv.Itoa(s.Wave)
	}
	p.trace(p.mem.release, name, SpanApply, l, map[string]string{"objects": itoa(len(s.Objects))})
}

// traceApplied tells of everything having been applied, or of the end of that.
func (p *pass) traceApplied(release, failed string) {
	p.trace(release, SpanApply, SpanRelease, lap{start: p.mem.begun, end: p.Now(), failed: failed}, nil)
	p.mem.begun = time.Time{}
}

// traceEnded tells of the rest of a release when it has ended. Its times are in
// the status, so that a restart loses none.
func (p *pass) traceEnded(phase, reason string, a *v1alpha1.ActiveRelease, t v1alpha1.Timings) {
	seen, applied, healthy, end := timeOf(t.Seen), timeOf(t.Applied), timeOf(t.Healthy), timeOf(t.Finished)
	switch {
	case applied.IsZero() && phase != v1alpha1.PhaseRefused:
		p.traceApplied(a.Name, reason)
	case applied.IsZero():
	case healthy.IsZero():
		p.trace(a.Name, SpanHealthy, SpanRelease, lap{start: applied, end: end, failed: reason}, nil)
	default:
		p.trace(a.Name, SpanHealthy, SpanRelease, lap{start: applied, end: healthy}, nil)
		p.trace(a.Name, SpanWatch, SpanRelease, lap{start: healthy, end: end, failed: reason}, nil)
	}
	start := seen
	if at := timeOf(t.Committed); counts(at, seen) {
		start = at
	}
	p.trace(a.Name, SpanRelease, "", lap{start: start, end: end, failed: reason}, map[string]string{
		"autoecoops.application": p.key.String(), "autoecoops.release": a.Name, "autoecoops.revision": a.Revision,
		"autoecoops.trigger": a.Trigger, "autoecoops.phase": phase,
	})
}

// activeTrace is the trace of the release in flight, "" if there is none.
func (p *pass) activeTrace() string {
	if name := p.activeName(); name != "" {
		return TraceID(p.app, name)
	}
	return ""
}
