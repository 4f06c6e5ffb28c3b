package ledger

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// MaxEntry is the most bytes that an entry may have: what fits into an entry
// bundle of tlog-tiles.
const MaxEntry = 65535

// version is the version of the entries' form.
const version = 1

// timeForm is how times are written: UTC, microseconds, always as wide, so
// that they sort as text.
const timeForm = "2006-01-02T15:04:05.000000Z"

// maxInteger is the greatest whole number that JSON readers agree about.
const maxInteger = 1<<53 - 1

// Entry is what the log holds of a record: a person's name is replaced by a
// pseudonym, personal data by a commitment.
type Entry struct {
	// Record has no Personal.
	ops.Record
	// Subject is the pseudonym of the person whose data the entry has aside.
	Subject string
	// Commitment is "sha256:…" over a salt and that data; "" if there is none.
	Commitment string
}

// Encode returns the entry's canonical form, the bytes that are hashed into
// the tree.
func (e *Entry) Encode() ([]byte, error) {
	w := writer{buf: make([]byte, 0, 1024)}
	w.open('{')
	w.text("action", e.Action)
	w.name("actor")
	w.open('{')
	w.text("kind", string(e.Actor.Kind))
	w.text("name", e.Actor.Name)
	w.end('}')
	w.text("after", e.After)
	w.text("before", e.Before)
	w.list("controls", e.Controls)
	if d := e.Decision; d != nil {
		w.name("decision")
		w.open('{')
		w.text("policy", d.Policy)
		w.text("reason", d.Reason)
		w.text("verdict", d.Verdict)
		w.end('}')
	}
	w.mapping("details", e.Details)
	w.effects(e.Effects)
	w.text("key", e.Key)
	if e.Commitment != "" {
		w.name("personal")
		w.open('{')
		w.text("commitment", e.Commitment)
		w.text("subject", e.Subject)
		w.end('}')
	}
	w.text("phase", string(e.Phase))
	w.number("sequence", e.Sequence)
	w.text("source", e.Source)
	if e.Target != (ops.Target{}) {
		w.name("target")
		w.open('{')
		w.target(e.Target)
		w.end('}')
	}
	w.text("time", e.Time.UTC().Format(timeForm))
	w.text("traceId", e.TraceID)
	w.number("v", version)
	w.end('}')
	if w.err != nil {
		return nil, fault.Wrap(fault.Invalid, "encode a ledger entry of", e.Source, w.err, "replace what is no text, or write it in hexadecimal")
	}
	if len(w.buf) > MaxEntry {
		return nil, fault.New(fault.Invalid, "encode a ledger entry of", e.Source, fmt.Sprintf("it has %d bytes, more than %d", len(w.buf), MaxEntry), "tell it in several records")
	}
	return w.buf, nil
}

// target writes the members of a target, open for more that sort behind.
func (w *writer) target(t ops.Target) {
	w.text("apiVersion", t.APIVersion)
	w.text("kind", t.Kind)
	w.text("name", t.Name)
	w.text("namespace", t.Namespace)
	w.text("uid", t.UID)
}

func (w *writer) effects(effects []ops.Effect) {
	if len(effects) == 0 {
		return
	}
	w.name("effects")
	w.open('[')
	for _, f := range effects {
		w.open('{')
		w.text("after", f.After)
		w.text("before", f.Before)
		w.text("message", f.Message)
		w.text("result", f.Result)
		w.name("target")
		w.open('{')
		w.target(f.Target)
		w.end('}')
		w.end('}')
	}
	w.end(']')
}

// Decode reads an entry. Bytes that Encode would not have written are refused,
// so that there is one form of each entry, and one hash.
func Decode(body []byte) (*Entry, error) {
	refuse := func(why string) error {
		return fault.New(fault.Invalid, "read a ledger entry", "", why, "it was not written by the ledger, or was changed since")
	}
	if len(body) > MaxEntry {
		return nil, refuse("it is too long")
	}
	p := parser{rest: string(body)}
	e := p.entry()
	if p.why == "" && p.rest != "" {
		p.fail("there is more behind it")
	}
	if p.why != "" {
		return nil, refuse(fmt.Sprintf("%s, at byte %d", p.why, len(body)-len(p.rest)))
	}
	if err := e.check(); err != nil {
		return nil, refuse(err.Error())
	}
	return e, nil
}

// check returns what is missing or out of range in an entry that is complete.
func (e *Entry) check() error {
	switch {
	case e.Source == "":
		return fmt.Errorf("the source is missing")
	case e.Key == "":
		return fmt.Errorf("the key is missing")
	case e.Action == "":
		return fmt.Errorf("the action is missing")
	case e.Actor.Kind == "" || e.Actor.Name == "":
		return fmt.Errorf("the actor is missing")
	case e.Phase != ops.PhaseIntent && e.Phase != ops.PhaseOutcome && e.Phase != ops.PhaseEvent:
		return fmt.Errorf("the phase is %q, not intent, outcome or event", e.Phase)
	case !plainName(e.Source) || !plainName(e.Key) || !plainName(e.Action):
		return fmt.Errorf("the source, the key or the action is longer than %d bytes or has control characters", maxName)
	case e.Sequence < 1 || e.Sequence > maxInteger:
		return fmt.Errorf("the sequence number is %d", e.Sequence)
	case e.Time.Year() < 2000 || e.Time.Year() > 9999:
		return fmt.Errorf("the year is %d", e.Time.Year())
	}
	return nil
}

// maxName bounds in bytes what entries are found by.
const maxName = 512

func plainName(s string) bool {
	return len(s) <= maxName && !strings.ContainsFunc(s, unicode.IsControl)
}
