package deliver

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// entry is a ledger entry being made.
type entry struct{ rec ops.Record }

// entry begins an entry about the application; subject is a release's name.
func (p *pass) entry(action string, phase ops.Phase, subject string) *entry {
	e := &entry{rec: ops.Record{
		Time: p.Now(), Source: "aeod", Action: action, Phase: phase,
		Actor:  ops.Actor{Kind: ops.ActorOperator, Name: "aeod"},
		Target: ops.Target{Ref: ops.Ref{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application", Namespace: p.app.Namespace, Name: p.app.Name}, UID: string(p.app.UID)},
	}}
	if subject != "" {
		e.rec.TraceID = TraceID(p.app, subject)
	}
	return e.with("release", subject).with("as", p.identity().String())
}

// with adds a detail.
func (e *entry) with(name, value string) *entry {
	if value == "" {
		return e
	}
	if e.rec.Details == nil {
		e.rec.Details = map[string]string{}
	}
	e.rec.Details[name] = strings.ToValidUTF8(value, "�")
	return e
}

// digests sets the digests of before and after.
func (e *entry) digests(before, after string) *entry {
	e.rec.Before, e.rec.After = before, after
	return e
}

// decide notes a decision of policy.
func (e *entry) decide(verdict, reason string) *entry {
	e.rec.Decision = &ops.Decision{Verdict: verdict, Reason: strings.ToValidUTF8(reason, "�")}
	return e
}

// maxEffects keeps a record within the ledger's bound.
const maxEffects = 100

// effects divides what is done to many objects over as many entries as it
// takes.
func (e *entry) effects(all []ops.Effect) []*entry {
	var out []*entry
	for part := range slices.Chunk(all, maxEffects) {
		c := *e
		c.rec.Effects = part
		out = append(out, &c)
	}
	return out
}

// record appends to the ledger. Without it nothing is done.
func (p *pass) record(ctx context.Context, entries ...*entry) error {
	records := make([]ops.Record, len(entries))
	for i, e := range entries {
		records[i] = e.rec
	}
	if err := p.Journal.Append(ctx, records...); err != nil {
		hint := "look at the ledger's disk or database"
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
			hint = f.Hint // the store knows what is wrong with it
		}
		return &fault.Error{Kind: fault.Unavailable, Op: "write the ledger", Public: "nothing is done that is not recorded first", Hint: hint, Code: "LedgerUnavailable", Cause: err}
	}
	return nil
}
