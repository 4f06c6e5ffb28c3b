package ledger

import (
	"context"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// ledgerSource is the source of the entries that the ledger makes itself.
const ledgerSource = "ledger"

// Erase removes what is known about a person: the key that the person's data
// is encrypted with, the data, and which pseudonym was whose. The entries stay
// as they are, and so does every proof. That it was done is an entry itself,
// by an actor and for a reason; it names the pseudonym. NotFound if the ledger
// knows nobody of this name.
func (l *Ledger) Erase(ctx context.Context, name string, by ops.Actor, reason string) (Receipt, error) {
	r := ops.Record{
		Source: ledgerSource, Actor: by, Action: "ledger.erase", Phase: ops.PhaseOutcome,
		Details: map[string]string{"reason": reason},
	}
	if err := l.prepare(&r); err != nil {
		return Receipt{}, err
	}
	c := &call{records: []ops.Record{r}}
	need := needOf([]*call{c})
	need.Subjects = append(need.Subjects, name)
	var receipt Receipt
	err := l.transact(ctx, need, func(p *plan) error {
		if k, ok := p.known[KeyRef{r.Source, r.Key}]; ok { // done, and the answer was lost
			old, err := Decode(k.Body)
			if err != nil {
				return damaged(err)
			}
			receipt = Receipt{Index: k.Index, Sequence: old.Sequence, Hash: leafHash(k.Body), Again: true}
			return nil
		}
		s, ok := p.subjects[name]
		if !ok {
			return fault.New(fault.NotFound, "erase a person from the ledger", "", "the ledger knows nobody of this name", "use the name under which the data was recorded; it may have been erased already")
		}
		tomb := r
		tomb.Target = ops.Target{Ref: ops.Ref{Kind: "Person", Name: s.ID}}
		receipts, err := p.admit([]ops.Record{tomb})
		if err != nil {
			return err
		}
		receipt = receipts[0]
		p.batch.Erase = s.ID
		return p.checkpoint(l.opts.Key)
	})
	return receipt, err
}
