package api

import (
	"testing"

	"github.com/autoecoops/autoecoops/assess/check/checktest"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }

// A version that is gone must have been deprecated first, and what replaces it
// must not itself be gone.
func TestLifecycles(t *testing.T) {
	for s, l := range lifecycles {
		if l.deprecated == 0 || l.removed != 0 && l.removed < l.deprecated {
			t.Errorf("%v: deprecated in %d, removed in %d", s, l.deprecated, l.removed)
		}
		if next, ok := lifecycles[served{l.instead, s.kind}]; ok && next.removed != 0 {
			t.Errorf("%v is replaced by %s, which is removed in %d", s, l.instead, next.removed)
		}
	}
}
