package daemon

import (
	"context"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe"
)

// The reasons of events of anomalies.
const (
	anomalyBegan = "Anomaly"
	anomalyEnded = "AnomalyEnded"
)

// before is what an aeod that ran before told of anomalies of monitors, as the events of
// their Applications say.
type before struct {
	// until is when monitors were first known here: what began later only this one tells.
	until time.Time
	// notes are what was told to have begun, and not to have ended, with when, by the
	// namespaces that were read and the names of Applications.
	notes map[string]map[string][]note
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
	if b.notes[app.Namespace] == nil {
		notes, err := t.reread(app.Namespace)
		if err != nil {
			t.log.Warn("what was told of anomalies could not be read", "namespace", app.Namespace, "error", err.Error())
			return false
		}
		if b.notes == nil {
			b.notes = map[string]map[string][]note{}
		}
		b.notes[app.Namespace] = notes
	}
	for _, n := range b.notes[app.Namespace][app.Name] {
		// An earlier one of the same signal is another.
		if strings.Contains(n.text, a.Signal.ID()) && !n.at.Before(a.Since) {
			return true
		}
	}
	return false
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
		switch h.Reason {
		case anomalyBegan:
			out[h.Name] = append(out[h.Name], note{h.At, h.Note})
		case anomalyEnded:
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

// endedID is the id of the signal whose anomaly ended, in what tell writes; "" if there is
// none.
func endedID(text string) string {
	_, id, ok := strings.Cut(text, "as usual again (")
	id, closed := strings.CutSuffix(id, ")")
	if !ok || !closed {
		return ""
	}
	return id
}
