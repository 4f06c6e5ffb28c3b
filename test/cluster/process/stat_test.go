package process

import (
	"errors"
	"strings"
	"testing"
)

func TestStartTime(t *testing.T) {
	fields := "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987 20"
	for stat, want := range map[string]uint64{
		"12 (sleep) " + fields:            987,
		"12 (a (b) c) d) " + fields:       987,
		"12 (two words) " + fields + "\n": 987,
	} {
		if got, err := startTime(stat); err != nil || got != want {
			t.Errorf("%q: %d, error %v", stat, got, err)
		}
	}
	for _, dead := range []string{"Z", "X"} {
		if _, err := startTime("12 (x) " + strings.Replace(fields, "S", dead, 1)); !errors.Is(err, ErrGone) {
			t.Errorf("state %s: %v", dead, err)
		}
	}
	for _, bad := range []string{"", "12", "12 (x", "12 (x) S 1 2", "12 (x) " + strings.Replace(fields, "987", "-1", 1)} {
		if _, err := startTime(bad); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}
