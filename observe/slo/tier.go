package slo

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Severity says what an alert asks of people.
type Severity uint8

// The severities.
const (
	// Ticket: look at it in working hours.
	Ticket Severity = iota
	// Page: wake somebody.
	Page
)

// String returns the severity's name.
func (s Severity) String() string {
	if s == Page {
		return "page"
	}
	return "ticket"
}

// Tier is one burn-rate alert: it is active while both windows burn faster than
// Factor, and fires when it was active for For.
type Tier struct {
	// Name is unique within the objective, such as page-fast.
	Name     string
	Severity Severity
	// Long shows that it matters, Short that it is still going on.
	Long, Short time.Duration
	// Factor is how many times faster than allowed the budget burns.
	Factor float64
	For    time.Duration
	// Labels and Annotations are put on its alerts only.
	Labels, Annotations map[string]string
}

// share is what a window may spend of the budget before its tier fires.
type share struct {
	name        string
	severity    Severity
	long, short time.Duration
	budget      float64
}

// google are the windows of the SRE Workbook for 30 days, which Sloth uses too:
// factors of 14.4, 6, 3 and 1.
var google = [...]share{
	{"page-fast", Page, time.Hour, 5 * time.Minute, 0.02},
	{"page-slow", Page, 6 * time.Hour, 30 * time.Minute, 0.05},
	{"ticket-fast", Ticket, day, 2 * time.Hour, 0.10},
	{"ticket-slow", Ticket, 3 * day, 6 * time.Hour, 0.10},
}

// Google returns the four tiers of the SRE Workbook, the default: 2 % of the
// budget in 1 h, 5 % in 6 h, 10 % in 1 d and 10 % in 3 d of 30 days. For other
// periods the windows are scaled, so that the shares of the budget and with
// them the factors 14.4, 6, 3 and 1 stay. Windows are whole seconds, and the
// factor is computed from the rounded one.
func Google(period time.Duration) []Tier {
	out := make([]Tier, len(google))
	for i, s := range google {
		long := scale(s.long, period, 30*day)
		out[i] = Tier{Name: s.name, Severity: s.severity, Long: long, Short: scale(s.short, period, 30*day), Factor: factor(s.budget, period, long)}
	}
	return out
}

// Sloth returns the tiers that Sloth uses: the windows of 30 days whatever the
// period, with the factors that spend the same shares of the budget. Sloth has
// them for 28 and 30 days.
func Sloth(period time.Duration) []Tier {
	out := make([]Tier, len(google))
	for i, s := range google {
		out[i] = Tier{Name: s.name, Severity: s.severity, Long: s.long, Short: s.short, Factor: factor(s.budget, period, s.long)}
	}
	return out
}

// Pyrra returns the tiers that Pyrra uses: factors of 14, 7, 2 and 1 over
// windows that are scaled from four weeks, each with a time that it must last.
func Pyrra(period time.Duration) []Tier {
	out := make([]Tier, 0, 4)
	for _, t := range [...]Tier{
		{Name: "page-fast", Severity: Page, Long: time.Hour, Short: 5 * time.Minute, Factor: 14, For: 2 * time.Minute},
		{Name: "page-slow", Severity: Page, Long: 6 * time.Hour, Short: 30 * time.Minute, Factor: 7, For: 15 * time.Minute},
		{Name: "ticket-fast", Severity: Ticket, Long: day, Short: 2 * time.Hour, Factor: 2, For: time.Hour},
		{Name: "ticket-slow", Severity: Ticket, Long: 4 * day, Short: 6 * time.Hour, Factor: 1, For: 3 * time.Hour},
	} {
		t.Long, t.Short, t.For = scale(t.Long, period, 28*day), scale(t.Short, period, 28*day), scale(t.For, period, 28*day)
		out = append(out, t)
	}
	return out
}

func scale(window, period, usual time.Duration) time.Duration {
	s := float64(window) * float64(period) / float64(usual)
	return max(time.Second, time.Duration(math.Round(s/float64(time.Second)))*time.Second)
}

// factor is the burn rate that spends a share of the budget within a window. It
// is rounded to nine digits: 0.02 × 720 is 14.4.
func factor(budget float64, period, long time.Duration) float64 {
	return math.Round(budget*float64(period)/float64(long)*1e9) / 1e9
}

// Spends is the share of the budget of a period that is gone when the long
// window crosses the factor.
func (t Tier) Spends(period time.Duration) float64 {
	return t.Factor * float64(t.Long) / float64(period)
}

// OutageTime is how long everything must fail until the long window crosses the
// threshold, from a clean history at even traffic; false if it never does.
func (t Tier) OutageTime(allowed float64) (time.Duration, bool) {
	if r := t.Factor * allowed; r < 1 {
		return time.Duration(r * float64(t.Long)), true
	}
	return 0, false
}

func (t Tier) problem(period time.Duration) string {
	switch {
	case !nameForm.MatchString(t.Name):
		return fmt.Sprintf("%q is no name: use lower-case letters, digits and dashes", t.Name)
	case t.Severity > Page:
		return "the severity is neither page nor ticket"
	case t.Short < time.Second || t.Long <= t.Short || t.Long > period:
		return fmt.Sprintf("the windows %s and %s do not fit: 1s ≤ short < long ≤ the period", FormatDuration(t.Short), FormatDuration(t.Long))
	case t.Long%time.Second != 0 || t.Short%time.Second != 0 || t.For%time.Second != 0:
		return "windows are whole seconds"
	case !(t.Factor > 0) || math.IsInf(t.Factor, 0):
		return fmt.Sprintf("the factor %v is no burn rate: it must be above 0", t.Factor)
	case t.For < 0 || t.For > t.Long:
		return fmt.Sprintf("for %s is not between 0 and the long window", FormatDuration(t.For))
	}
	for name := range t.Labels {
		if !labelForm.MatchString(name) {
			return fmt.Sprintf("%q is no name of a label", name)
		}
	}
	return ""
}

// units are those of Prometheus, from the longest; a year has 365 days there.
var units = [...]struct {
	name string
	long time.Duration
}{{"y", 365 * day}, {"w", 7 * day}, {"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// FormatDuration writes a duration as Prometheus does: 1h30m, 30d. Weeks and
// years are written as days, which more people read the same way.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[2:] {
		if n := d / u.long; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.long
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// ErrTooLong is of a duration that is longer than any can be.
var ErrTooLong = errors.New("too long")

// longestSpan is what ParseDuration reads at most.
const longestSpan = 100 * 365 * day

// ParseDuration reads a duration as Prometheus writes it: 5m, 1h30m, 4w. A unit
// stands once, and longer ones come first.
func ParseDuration(s string) (time.Duration, error) {
	var sum time.Duration
	rest, from := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			n, err = math.MaxInt64, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%q is no duration: write 5m, 1h30m or 30d", s)
		}
		rest = rest[digits:]
		unit := len(rest) - len(strings.TrimLeft(rest, "ywdhms"))
		i := from
		for i < len(units) && units[i].name != rest[:unit] {
			i++
		}
		if i == len(units) {
			return 0, fmt.Errorf("%q is no duration: write 5m, 1h30m or 30d", s)
		}
		if n > int64(longestSpan/units[i].long) || sum > longestSpan-time.Duration(n)*units[i].long {
			return 0, fmt.Errorf("%q is %w: write %s or less", s, ErrTooLong, FormatDuration(longestSpan))
		}
		sum += time.Duration(n) * units[i].long
		rest, from = rest[unit:], i+1
	}
	if s == "" {
		return 0, fmt.Errorf("the duration is empty: write 5m, 1h30m or 30d")
	}
	return sum, nil
}
