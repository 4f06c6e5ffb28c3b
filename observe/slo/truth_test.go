package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The lines of the semantics that an SLO engine must get right. Each row of the
// truth table names those that it is about.
const (
	zeroByZero  = "0/0 is no information, and never stored"
	countsOnce  = "counts are kept and divided once"
	missing     = "absent total is a state; missing errors are none"
	fewEvents   = "a handful of events proves nothing"
	noFlapping  = "absence does not flap"
	impossible  = "more good than all is invalid"
	oneIncident = "one incident, whose tier moves"
	realCounter = "counters reset, restart and have gaps"
	maintenance = "excluded time is not charged, and in the ledger"
	blindness   = "what cannot be measured freezes, and is said"
)

var semantics = []string{zeroByZero, countsOnce, missing, fewEvents, noFlapping, impossible, oneIncident, realCounter, maintenance, blindness}

// row is one row of the truth table: a story, one sample and one evaluation a
// minute, and what a person would expect of it.
type row struct {
	name  string
	about []string
	o     Objective
	story string
	// events are all that happened, in order, one a line.
	events string
	// checks are looked at afterwards: see check.
	checks string
	// prometheus says that the generated rules must come to the same times.
	prometheus bool
}

func TestTruthTable(t *testing.T) {
	rows := truthTable()
	if len(rows) < 60 {
		t.Errorf("there are %d rows, fewer than 60", len(rows))
	}
	covered := map[string]int{}
	for _, r := range rows {
		for _, a := range r.about {
			covered[a]++
		}
		t.Run(r.name, func(t *testing.T) {
			s := newStory(t, r.o, time.Minute)
			s.tell(r.story)
			if got, want := strings.Join(s.log, "\n"), lines(r.events); got != want {
				t.Errorf("events:\n%s\nwant:\n%s", got, want)
			}
			for c := range strings.Lines(lines(r.checks)) {
				s.check(strings.Fields(c))
			}
		})
	}
	for _, a := range semantics {
		if covered[a] < 3 {
			t.Errorf("%q has %d rows, fewer than 3", a, covered[a])
		}
	}
}

// lines drops indentation and comments.
func lines(text string) string {
	var out []string
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// check looks at the status of a moment: 6h state measured.
func (s *story) check(c []string) {
	s.t.Helper()
	at, err := ParseDuration(c[0])
	if err != nil {
		s.t.Fatal(err)
	}
	st := s.at(at)
	rejected := map[string]uint64{"nan": st.Rejected.NaN, "negative": st.Rejected.Negative, "late": st.Rejected.Late,
		"duplicate": st.Rejected.Duplicate, "future": st.Rejected.Future, "overflow": st.Rejected.Overflow, "invalid": st.Rejected.Invalid}
	burn := func(window string) Burn {
		d, err := ParseDuration(window)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, b := range st.Burns {
			if b.Window == d {
				return b
			}
		}
		s.t.Fatalf("no tier looks at %s", window)
		return Burn{}
	}
	word := func(got any) {
		if want := c[len(c)-1]; fmt.Sprint(got) != want {
			s.t.Errorf("%s: it is %v", strings.Join(c, " "), got)
		}
	}
	number := func(got float64) {
		want, err := strconv.ParseFloat(c[len(c)-1], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		if math.Abs(got-want) > 0.01*math.Abs(want)+1e-9 {
			s.t.Errorf("%s: it is %v", strings.Join(c, " "), got)
		}
	}
	switch c[1] {
	case "state":
		word(st.State)
	case "verdict":
		for _, x := range st.Tiers {
			if x.Name == c[2] {
				word(x.Verdict)
			}
		}
	case "burn":
		number(burn(c[2]).Rate)
	case "known":
		word(burn(c[2]).Known)
	case "total":
		number(st.Budget.Total)
	case "bad":
		number(st.Budget.Bad)
	case "spent":
		number(st.Budget.Spent)
	case "coverage":
		number(st.Budget.Coverage)
	case "blind":
		word(FormatDuration(st.Budget.Blind))
	case "budget":
		word(map[bool]string{true: "known", false: "unknown"}[st.Budget.Known])
	case "rejected":
		number(float64(rejected[c[2]]))
	case "incident":
		if st.Incident == nil {
			word("none")
			return
		}
		word(st.Incident.Tier + "/" + st.Incident.Peak)
	case "alarm":
		word(map[string]bool{"blind": st.Blind.Firing, "absent": st.Absent.Firing, "invalid": st.Invalid.Firing}[c[2]])
	case "ledger": // ledger NAME total N
		var sum float64
		for _, e := range st.Budget.Excluded {
			if e.Name == c[2] {
				sum += map[string]float64{"total": e.Total, "bad": e.Bad, "minutes": e.End.Sub(e.Start).Minutes()}[c[3]]
			}
		}
		number(sum)
	default:
		s.t.Fatalf("what is %v?", c)
	}
}
