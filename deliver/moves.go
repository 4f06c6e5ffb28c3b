package deliver

import "github.com/autoecoops/autoecoops/api/v1alpha1"

// Move is a revision that makes what another made, and takes its place.
type Move struct{ Revision, Instead string }

// Moves returns the revisions that a status names and the one before it did not
// although they make the same objects: they are to be kept for rollbacks, and for
// repairs without the source, in the place of the old ones. What was applied anew
// was kept then.
func Moves(old, now *v1alpha1.ApplicationStatus) (moves []Move) {
	before, after := []*v1alpha1.Revision{old.Sync, old.LastGood}, []*v1alpha1.Revision{now.Sync, now.LastGood}
	for _, n := range after {
		if n == nil || named(before, n.Revision) || len(moves) > 0 && moves[0].Revision == n.Revision {
			continue
		}
		for _, o := range before {
			if o == nil || o.Digest != n.Digest {
				continue
			}
			m := Move{Revision: n.Revision, Instead: o.Revision}
			if named(after, o.Revision) {
				m.Instead = "" // it is still wanted
			}
			moves = append(moves, m)
			break
		}
	}
	return moves
}

func named(all []*v1alpha1.Revision, revision string) bool {
	for _, r := range all {
		if r != nil && r.Revision == revision {
			return true
		}
	}
	return false
}
