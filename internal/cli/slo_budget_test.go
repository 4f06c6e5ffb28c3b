package cli

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

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

// TestHugeNumbers are not written with digits that mean nothing.
func TestHugeNumbers(t *testing.T) {
	b := slo.Budget{Known: true, Bad: math.MaxFloat64, Total: 12345678, Achieved: -math.MaxFloat64 / 1000, Remaining: -1e20}
	var out bytes.Buffer
	err := writeBudgets(&out, []slo.Objective{{Service: "web", Name: "up", Target: 0.99}}, []slo.Status{{Budget: b, Burns: []slo.Burn{{Known: true, Window: time.Hour, Rate: 1e300}, {Known: true, Window: time.Minute, Rate: 1.5}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.798e+308  12345678", "-1.798e+307%", "-1e+22%", "1h 1e+300x  1m 1.50x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestPeriodsOutOfBounds are refused with what a period can be.
func TestPeriodsOutOfBounds(t *testing.T) {
	for period, want := range map[string]string{"1s": "1s is too short: write 30d, or another from 1h to 400d", "401d": "401d is too long", "0d": `"0d" is no time`, "100001d": `"100001d" is too long`} {
		var out, errs bytes.Buffer
		s := &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
		if code := Main(t.Context(), &surveying{}, s, Build{}, []string{"slo", "check", "x.yaml", "--period", period}); code != 2 || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d: %s", period, code, errs.String())
		}
	}
}
