package cli

import (
	"errors"
	"testing"

	"github.com/autoecoops/autoecoops/observe/slo"
)

// TestVerdictOfBudgets has exit code 0 only where something is known to be well.
func TestVerdictOfBudgets(t *testing.T) {
	well := slo.Status{State: slo.Measured, Budget: slo.NewBudget(0, 100, 0.01)}
	quiet := slo.Status{State: slo.NoTraffic}
	quietNow := slo.Status{State: slo.NoTraffic, Budget: well.Budget}
	blind := slo.Status{State: slo.Unmeasured}
	spent := slo.Status{State: slo.Measured, Budget: slo.NewBudget(50, 100, 0.01)}
	for name, c := range map[string]struct {
		all  []slo.Status
		code int
	}{
		"well":                        {[]slo.Status{well}, 0},
		"no traffic":                  {[]slo.Status{quiet}, 3},
		"no traffic of any":           {[]slo.Status{quiet, quiet}, 3},
		"no traffic now":              {[]slo.Status{quietNow}, 0},
		"one has no traffic":          {[]slo.Status{quiet, well}, 0},
		"one is blind":                {[]slo.Status{blind, well}, 3},
		"one is spent":                {[]slo.Status{quiet, blind, spent}, 1},
		"what is excluded is unknown": {[]slo.Status{{State: slo.Maintenance}}, 3},
	} {
		err := verdictOf(c.all)
		if a, ok := errors.AsType[answer](err); c.code == 0 && err != nil || c.code != 0 && (!ok || a.code != c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
