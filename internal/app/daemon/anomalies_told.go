package daemon

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// before is what an aeod that ran before told of anomalies of monitors, as the events of
// their Applications say.
type before struct {
	// until is when monitors were first known here: what began later only this one tells.
	until time.Time
	// notes are what was told to have begun, and not to have ended, with when, by the
	// namespaces that were read and the names of Applications.
	notes map[string]map[string][]note
	// seen are the signals that were seen as usual, or not, since the start.
	seen map[string]bool
	// tried is when it was last tried to read a namespace's that could not be read.
	tried map[string]time.Time
}

// end notes that what went on of a signal before the start is over, or is not.
func (b *before) end(id string) {
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[id] = true
}

// note is an event of an anomaly.
type note struct {
	at   time.Time
	text string
}

// rereadTime is how long it may take to read what was told.
const rereadTime = 5 * time.Second

// knows tells whether an anomaly of a monitor was told already. If that cannot be read it
// was not: better told twice than never.
func (t *anomalies) knows(app *v1alpha1.Application, a observe.Anomaly) bool {
	b := &t.before
	if !a.Since.Before(b.until) {
		return false
	}
	for _, n := range t.told(app.Namespace)[app.Name] {
		// An earlier one of the same signal is another.
		if strings.Contains(n.text, a.Signal.ID()) && !n.at.Before(a.Since) {
			return true
		}
	}
	return false
}

// told is what goes on of what was told in a namespace before, by Application; nil if that
// cannot be read now. It is read once.
func (t *anomalies) told(namespace string) map[string][]note {
	b := &t.before
	if b.notes[namespace] == nil {
		notes, err := t.reread(namespace)
		if err != nil {
			t.log.Warn("what was told of anomalies could not be read", "namespace", namespace, "error", err.Error())
			return nil
		}
		if b.notes == nil {
			b.notes = map[string]map[string][]note{}
		}
		b.notes[namespace] = notes
	}
	return b.notes[namespace]
}

// rereadPause is how long what ended meanwhile waits for what could not be read.
const rereadPause = 5 * time.Minute

// endedMeanwhile tells of the monitors that are as usual when they are first seen, and of
// which an aeod before told that they are not. What is learned or silent is not known to
// be as usual.
func (t *anomalies) endedMeanwhile(r observe.Report) {
	b := &t.before
	if t.events == nil || t.app == nil || b.until.IsZero() {
		return
	}
	if b.tried == nil {
		b.tried = map[string]time.Time{}
	}
	for i := range r.Signals {
		x := &r.Signals[i]
		s := x.Signal
		id, namespace := s.ID(), s.Watch.Namespace
		if s.Watch.Golden != watch.Monitor || x.State != observe.Normal && x.State != observe.Abnormal || b.seen[id] {
			continue
		}
		if b.notes[namespace] == nil && time.Since(b.tried[namespace]) < rereadPause {
			continue
		}
		told := t.told(namespace)
		if told == nil {
			b.tried[namespace] = time.Now()
			continue
		}
		b.end(id)
		if x.State == observe.Normal && slices.ContainsFunc(told[s.Watch.Workload], func(n note) bool { return strings.Contains(n.text, id) && n.at.Before(b.until) }) {
			t.tell(observe.Anomaly{Signal: s}, ended)
		}
	}
}

// reread reads what goes on of what was told in a namespace.
func (t *anomalies) reread(namespace string) (map[string][]note, error) {
	ctx, cancel := context.WithTimeout(context.Background(), rereadTime)
	defer cancel()
	told, err := t.events.Told(ctx, namespace)
	if err != nil {
		return nil, err
	}
	out := map[string][]note{}
	for _, h := range told {
		switch turn(h.Reason) {
		case began:
			out[h.Name] = append(out[h.Name], note{h.At, h.Note})
		case ended, unknown:
			id := endedID(h.Note)
			kept := out[h.Name][:0]
			for _, n := range out[h.Name] {
				if id == "" || !strings.Contains(n.text, id) {
					kept = append(kept, n)
				}
			}
			out[h.Name] = kept
		}
	}
	return out, nil
}

// endedID is the id of the signal whose anomaly ended, in what tell writes: in parentheses
// at the end; "" if there is none.
func endedID(text string) string {
	id, closed := strings.CutSuffix(text, ")")
	at := strings.LastIndexByte(id, '(')
	if !closed || at < 0 {
		return ""
	}
	return id[at+1:]
}
