package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// Cosign is what a witness does: it checks that a checkpoint of a log is
// signed and continues the last one that the witness saw (nil if this is the
// first), and returns it with the witness's cosignature as of a time. proof is
// what ProveGrowth gives.
func Cosign(witness *SigningKey, log *Key, last *Checkpoint, signed []byte, proof tlog.TreeProof, at time.Time) ([]byte, error) {
	next, err := OpenCheckpoint(signed, log)
	if err != nil {
		return nil, err
	}
	if last != nil {
		if err := continues(last, next, proof); err != nil {
			return nil, err
		}
	}
	n, err := note.Open(signed, note.VerifierList(plain{log}, timed{log}))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "cosign a checkpoint of", log.name, err, "")
	}
	out, err := note.Sign(n, cosigner{witness, at})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "cosign a checkpoint of", log.name, err, "is the signing key's device there?")
	}
	return out, nil
}

// continues checks that the log of one checkpoint is a beginning of another's.
func continues(last, next *Checkpoint, proof tlog.TreeProof) error {
	broken := func(why string) error {
		return fault.New(fault.Conflict, "compare checkpoints of", next.Origin, why, "the log was truncated or rewritten: keep both checkpoints as evidence")
	}
	switch {
	case next.N < last.N:
		return broken(fmt.Sprintf("the log had %d entries and now has %d", last.N, next.N))
	case last.N == 0:
		return nil
	case next.N == last.N && next.Hash != last.Hash:
		return broken(fmt.Sprintf("there are two logs of %d entries", next.N))
	case next.N == last.N:
		return nil
	}
	if err := tlog.CheckTree(proof, next.N, next.Hash, last.N, last.Hash); err != nil {
		return broken(fmt.Sprintf("the log of %d entries does not begin with the %d entries that were there", next.N, last.N))
	}
	return nil
}

// ProveGrowth returns the proof that the log of size to begins with the log
// of size from, 1 ≤ from ≤ to.
func ProveGrowth(ctx context.Context, r Reader, from, to int64) (tlog.TreeProof, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	if from < 1 || to < from || to > h.Size {
		return nil, fault.New(fault.Invalid, "prove the ledger's growth", "", fmt.Sprintf("from %d to %d entries, and it has %d", from, to, h.Size), "")
	}
	return tlog.ProveTree(to, from, readHashes(ctx, r, to))
}

// Cosign adds to a checkpoint of the ledger the cosignatures that a copy of it
// brings. At least one must be of one of the witnesses; signatures of others
// are left out. Conflict if the ledger never signed such a checkpoint.
func (l *Ledger) Cosign(ctx context.Context, signed []byte, witnesses ...*Key) (*Checkpoint, error) {
	c, err := OpenCheckpoint(signed, l.log, witnesses...)
	if err != nil {
		return nil, err
	}
	if len(c.Witnesses) == 0 {
		return nil, fault.New(fault.Invalid, "add cosignatures to a checkpoint of", c.Origin, "none of the witnesses has cosigned it", "give the witness's public key; its signatures are of the kind cosignature/v1")
	}
	var merged []byte
	err = l.transact(ctx, Need{Checkpoint: c.N}, func(p *plan) error {
		if p.state.Checkpoint == nil {
			return fault.New(fault.Conflict, "add cosignatures to a checkpoint of", c.Origin, fmt.Sprintf("the ledger has signed none of %d entries", c.N), "cosign a checkpoint that `aeo audit checkpoint` printed")
		}
		ours, err := OpenCheckpoint(p.state.Checkpoint.Note, l.log)
		if err != nil {
			return damaged(err)
		}
		if ours.Tree != c.Tree {
			return fault.New(fault.Conflict, "add cosignatures to a checkpoint of", c.Origin, fmt.Sprintf("the ledger's own of %d entries is another", c.N), "the ledger was rewritten, or there are two of its name: keep both checkpoints as evidence")
		}
		if merged, err = l.merge(p.state.Checkpoint.Note, signed, witnesses); err != nil {
			return err
		}
		p.batch.Checkpoint = &Signed{c.N, merged}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return OpenCheckpoint(merged, l.log, witnesses...)
}

// merge returns a note of ours with the witnesses' signatures from another
// copy of it.
func (l *Ledger) merge(ours, theirs []byte, witnesses []*Key) ([]byte, error) {
	known := []note.Verifier{plain{l.log}, timed{l.log}}
	for _, w := range witnesses {
		known = append(known, timed{w})
	}
	base, err := note.Open(ours, note.VerifierList(known[:2]...))
	if err != nil {
		return nil, damaged(err)
	}
	more, err := note.Open(theirs, note.VerifierList(known...))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "add cosignatures to a checkpoint of", l.log.name, err, "")
	}
	for _, s := range more.Sigs {
		if s.Name == l.log.name {
			continue
		}
		// A newer cosignature of the same witness replaces the older one.
		base.UnverifiedSigs = slices.DeleteFunc(base.UnverifiedSigs, func(o note.Signature) bool { return o.Name == s.Name && o.Hash == s.Hash })
		base.UnverifiedSigs = append(base.UnverifiedSigs, s)
	}
	out, err := note.Sign(base)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "add cosignatures to a checkpoint of", l.log.name, err, "")
	}
	if len(out) > maxCheckpoint {
		return nil, fault.New(fault.Invalid, "add cosignatures to a checkpoint of", l.log.name, "there are too many", "")
	}
	return out, nil
}
