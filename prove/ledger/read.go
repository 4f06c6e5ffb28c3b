package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// leafHash is the hash of an entry as a leaf of the tree.
func leafHash(body []byte) tlog.Hash { return tlog.RecordHash(body) }

// Item is an entry at its place in the log.
type Item struct {
	Index int64
	Entry
	// Body is the entry's canonical form.
	Body []byte
	// Private is the personal data behind the commitment; nil if it was not
	// asked for, if there is none, or if it was erased.
	Private map[string]string
}

// Hash is the hash of the entry as a leaf of the tree.
func (i *Item) Hash() tlog.Hash { return leafHash(i.Body) }

// Get reads one entry. With reveal its personal data is decrypted, if it is
// there.
func Get(ctx context.Context, r Reader, index int64, reveal bool) (*Item, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= h.Size {
		return nil, Beyond(index, index+1, h.Size)
	}
	bodies, err := r.Bodies(ctx, index, index+1)
	if err != nil {
		return nil, err
	}
	return item(ctx, r, index, bodies[0], reveal)
}

func item(ctx context.Context, r Reader, index int64, body []byte, reveal bool) (*Item, error) {
	e, err := Decode(body)
	if err != nil {
		return nil, fault.Wrap(fault.Blocked, "read the ledger's entry", fmt.Sprint(index), err, "run `aeo audit verify`")
	}
	i := &Item{Index: index, Entry: *e, Body: body}
	if !reveal || e.Commitment == "" {
		return i, nil
	}
	s, ok, err := r.Sealed(ctx, index)
	if err != nil || !ok {
		return i, err
	}
	i.Private, err = unseal(s, e.Commitment)
	return i, err
}

// Filter chooses entries. Empty fields choose all.
type Filter struct {
	// Since and Until bound the entries' times: Since ≤ time < Until.
	Since, Until time.Time
	// Actor is an actor's kind, name or pseudonym; with Reveal also the name of
	// a person.
	Actor string
	// Action is an action or, with a dot at its end, the beginning of one.
	Action string
	// Target is "Kind namespace/name", "namespace/name", a name or a UID, of the
	// target or of an object in the effects.
	Target string
	Phase  ops.Phase
	Source string
	// Limit is the most entries wanted, the newest; 0 for all.
	Limit int
	// Reveal decrypts personal data that is there.
	Reveal bool
}

// Log returns the entries that a filter chooses, oldest first.
func Log(ctx context.Context, r Reader, f Filter) ([]*Item, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	var found []*Item
	for to := h.Size; to > 0; {
		from := max(0, to-tileWidth)
		bodies, err := r.Bodies(ctx, from, to)
		if err != nil {
			return nil, err
		}
		for i := len(bodies) - 1; i >= 0; i-- {
			it, err := item(ctx, r, from+int64(i), bodies[i], f.Reveal)
			if err != nil {
				return nil, err
			}
			// Times are in order but for what clocks may be apart.
			if !f.Since.IsZero() && it.Time.Before(f.Since.Add(-3*Tolerance)) {
				from = 0
				break
			}
			if !f.match(it) {
				continue
			}
			if found = append(found, it); len(found) == f.Limit {
				from = 0
				break
			}
		}
		to = from
	}
	slices.Reverse(found)
	return found, nil
}

func (f *Filter) match(i *Item) bool {
	switch {
	case !f.Since.IsZero() && i.Time.Before(f.Since),
		!f.Until.IsZero() && !i.Time.Before(f.Until),
		f.Source != "" && i.Source != f.Source,
		f.Phase != "" && i.Phase != f.Phase,
		f.Actor != "" && f.Actor != i.Actor.Name && f.Actor != string(i.Actor.Kind) && (i.Private == nil || f.Actor != i.Private[fieldActor]):
		return false
	case strings.HasSuffix(f.Action, "."):
		if !strings.HasPrefix(i.Action, f.Action) {
			return false
		}
	case f.Action != "" && f.Action != i.Action:
		return false
	}
	return f.Target == "" || names(i.Target, f.Target) || slices.ContainsFunc(i.Effects, func(e ops.Effect) bool { return names(e.Target, f.Target) })
}

// names reports whether text names a target.
func names(t ops.Target, text string) bool {
	return text == t.Name || text == t.UID || text == t.Namespace+"/"+t.Name || strings.EqualFold(text, t.Kind+" "+t.Namespace+"/"+t.Name) || strings.EqualFold(text, t.Ref.String())
}
