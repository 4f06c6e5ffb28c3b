package deliver_test

import (
	"slices"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func TestMoves(t *testing.T) {
	rev := func(revision, digest string) *v1alpha1.Revision {
		return &v1alpha1.Revision{Revision: revision, Digest: digest}
	}
	for name, c := range map[string]struct {
		oldSync, oldGood, sync, good *v1alpha1.Revision
		want                         []deliver.Move
	}{
		"nothing yet":                 {},
		"first sync":                  {sync: rev("r1", "a")},
		"first good":                  {oldSync: rev("r1", "a"), sync: rev("r1", "a"), good: rev("r1", "a")},
		"no change":                   {oldSync: rev("r1", "a"), oldGood: rev("r1", "a"), sync: rev("r1", "a"), good: rev("r1", "a")},
		"other objects":               {oldSync: rev("r1", "a"), oldGood: rev("r1", "a"), sync: rev("r2", "b"), good: rev("r1", "a")},
		"same objects":                {oldSync: rev("r1", "a"), oldGood: rev("r1", "a"), sync: rev("r2", "a"), good: rev("r2", "a"), want: []deliver.Move{{"r2", "r1"}}},
		"same objects, not good yet":  {oldSync: rev("r2", "b"), oldGood: rev("r1", "a"), sync: rev("r3", "b"), good: rev("r1", "a"), want: []deliver.Move{{"r3", "r2"}}},
		"the old one is still good":   {oldSync: rev("r1", "a"), oldGood: rev("r1", "a"), sync: rev("r2", "a"), good: rev("r1", "a"), want: []deliver.Move{{"r2", ""}}},
		"moved, then other objects":   {oldSync: rev("r1", "a"), oldGood: rev("r1", "a"), sync: rev("r3", "b"), good: rev("r2", "a"), want: []deliver.Move{{"r2", "r1"}}},
		"moved, then back to the old": {oldSync: rev("r2", "b"), oldGood: rev("r1", "a"), sync: rev("r1", "a"), good: rev("r1", "a")},
		"gone":                        {oldSync: rev("r1", "a"), oldGood: rev("r1", "a")},
	} {
		got := deliver.Moves(&v1alpha1.ApplicationStatus{Sync: c.oldSync, LastGood: c.oldGood}, &v1alpha1.ApplicationStatus{Sync: c.sync, LastGood: c.good})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
