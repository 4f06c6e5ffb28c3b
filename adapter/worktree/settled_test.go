package worktree

import (
	"testing"
	"time"
)

func TestSettled(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixNano() }
	for _, c := range []struct {
		what              string
		modified, changed int64
		want              bool
	}{
		{"long ago", ago(time.Hour), ago(time.Hour - 1), true},
		{"just settled", ago(Settled + 1), ago(Settled + 1), true},
		{"just not", ago(Settled), ago(Settled), false},
		{"changed now, times set back", ago(time.Hour), ago(1), false},
		{"changed in the future", ago(time.Hour), ago(-time.Minute + 1), false},
		{"modified in the future", ago(-time.Hour), ago(time.Hour - 1), false},
		{"whole seconds only", ago(time.Hour), ago(time.Hour), false},
		{"before 1970", -1, -1, true},
	} {
		if got := (Stamp{Modified: c.modified, Changed: c.changed}).settled(now); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	if (Stamp{}).settled(now) {
		t.Error("no stamp is settled")
	}
}
