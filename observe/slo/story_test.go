package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A story is a number of lines, each with how long it goes on and what happens
// meanwhile. The words after the duration:
//
//	100/s      so many events come each second (fractions and 0 too)
//	3/h        or each hour
//	bad 5%     so many of them are bad; 0 % if nothing is said
//	lost       the source does not answer, while the counters go on
//	silent     nobody asks the source
//	absent     the source answers that there are no series
//	nan        all values are NaN; inf, negative: the same with others
//	restart    the counters begin at zero again when this line begins
//	created    the series carry created timestamps
//	noerrors   the error series does not exist (yet)
//	nototal    only the error series exists
//	good x1.5  the good series counts 1.5 times what it should (good/total only)
//	late       each batch brings the samples of the one before again, too
//	pods 3     the events are spread over so many series of the total
//	gauge 0.7  the value of the gauge
//	kill       the Monitor is ended and restored from its snapshot when the line begins
//	clock -1h  the clock jumps when this line begins (evaluations only)
type story struct {
	t         *testing.T
	m         *Monitor
	o         Objective
	interval  time.Duration
	now       time.Time
	begin     time.Time
	counters  map[string]float64
	created   int64
	last      []Sample
	skew      time.Duration
	log       []string
	statuses  []Status
	onBatch   func(Batch)
	onStatus  func(Status)
	remainder float64
}

var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

func newStory(t *testing.T, o Objective, interval time.Duration) *story {
	t.Helper()
	m, err := New(o, Options{Interval: interval, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return &story{t: t, m: m, o: o, interval: interval, now: epoch, begin: epoch, counters: map[string]float64{}, created: epoch.UnixMilli()}
}

// line is one line of a story.
type line struct {
	for_       time.Duration
	rate, bad  float64
	has        map[string]bool
	excess     float64
	pods       int
	gauge      float64
	clock      time.Duration
	whole      string
	perHour    bool
	gaugeGiven bool
}

func parseLine(t *testing.T, text string) line {
	t.Helper()
	l := line{has: map[string]bool{}, excess: 1, pods: 1, whole: text}
	words := strings.Fields(text)
	var err error
	if l.for_, err = ParseDuration(words[0]); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return v
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		next := func() string { i++; return words[i] }
		switch {
		case strings.HasSuffix(w, "/s"):
			l.rate = number(strings.TrimSuffix(w, "/s"))
		case strings.HasSuffix(w, "/h"):
			l.rate, l.perHour = number(strings.TrimSuffix(w, "/h"))/3600, true
		case w == "bad":
			l.bad = number(strings.TrimSuffix(next(), "%")) / 100
		case w == "good":
			l.excess = number(strings.TrimPrefix(next(), "x"))
		case w == "pods":
			l.pods = int(number(next()))
		case w == "gauge":
			l.gauge, l.gaugeGiven = number(next()), true
		case w == "clock":
			s := next()
			d, err := ParseDuration(strings.TrimLeft(s, "+-"))
			if err != nil {
				t.Fatal(err)
			}
			if s[0] == '-' {
				d = -d
			}
			l.clock = d
		default:
			if !strings.Contains(" lost silent absent nan inf negative restart created noerrors nototal late kill ", " "+w+" ") {
				t.Fatalf("%q: what is %q?", text, w)
			}
			l.has[w] = true
		}
	}
	return l
}

// tell plays the lines.
func (s *story) tell(text string) {
	s.t.Helper()
	for raw := range strings.Lines(text) {
		raw, _, _ = strings.Cut(raw, "#")
		if strings.TrimSpace(raw) == "" {
			continue
		}
		s.play(parseLine(s.t, raw))
	}
}

func (s *story) play(l line) {
	if l.has["restart"] {
		clear(s.counters)
		s.created = s.now.UnixMilli()
	}
	if l.has["kill"] {
		m, err := Restore(s.o, Options{Interval: s.interval, Start: epoch}, s.m.Snapshot())
		if err != nil {
			s.t.Fatal(err)
		}
		s.m = m
	}
	s.skew += l.clock
	for end := s.now.Add(l.for_); s.now.Before(end); {
		s.now = s.now.Add(s.interval)
		s.count(l)
		if !l.has["silent"] {
			b := s.batch(l)
			if s.onBatch != nil {
				s.onBatch(b)
			}
			s.m.Observe(b)
		}
		st := s.m.Evaluate(s.now.Add(s.skew))
		if s.onStatus != nil {
			s.onStatus(st)
		}
		for _, e := range st.Events {
			s.log = append(s.log, strings.TrimSpace(fmt.Sprintf("%s %s %s", FormatDuration(e.At.Sub(s.begin)), e.Kind, e.Tier)))
		}
		s.statuses = append(s.statuses, st)
	}
}

// count lets an interval's events happen.
func (s *story) count(l line) {
	n := l.rate * s.interval.Seconds()
	if l.perHour { // whole events, as counters have them
		s.remainder += n
		n = math.Floor(s.remainder + 1e-9)
		s.remainder -= n
	}
	bad := n * l.bad
	for p := range l.pods {
		s.counters[fmt.Sprint("total", p)] += n / float64(l.pods)
	}
	s.counters["bad"] += bad
	s.counters["good"] += (n - bad) * l.excess
	s.counters["gauge"] = l.gauge
}

func (s *story) batch(l line) Batch {
	b := Batch{At: s.now, Lost: l.has["lost"]}
	if b.Lost || l.has["absent"] {
		s.last = nil
		return b
	}
	add := func(name string, role Role) {
		v := s.counters[name]
		switch {
		case l.has["nan"]:
			v = math.NaN()
		case l.has["inf"]:
			v = math.Inf(1)
		case l.has["negative"]:
			v = -1 - v
		}
		x := Sample{Series: name, Role: role, At: s.now.UnixMilli(), Value: v}
		if l.has["created"] {
			x.Created = s.created
		}
		b.Samples = append(b.Samples, x)
	}
	if !s.o.Indicator.Gauge.Empty() {
		add("gauge", Gauge)
		return b
	}
	if !l.has["nototal"] {
		for p := range l.pods {
			add(fmt.Sprint("total", p), Total)
		}
	}
	if !s.o.Indicator.Good.Empty() {
		add("good", Good)
	} else if !l.has["noerrors"] {
		add("bad", Bad)
	}
	now := b.Samples
	if l.has["late"] {
		b.Samples = append(append([]Sample{}, now...), s.last...)
	}
	s.last = now
	return b
}

// at returns the status at a moment of the story, or the last one before.
func (s *story) at(d time.Duration) Status {
	var found Status
	for _, st := range s.statuses {
		if st.At.After(s.begin.Add(d)) {
			break
		}
		found = st
	}
	return found
}

// ofErrors is an objective of 99.9 % over 30 days that counts errors.
func ofErrors() Objective {
	p := Period{Rolling: 30 * 24 * time.Hour}
	return Objective{
		Name: "availability", Service: "shop", Target: 0.999, Period: p, Alerting: DefaultAlerting(p),
		Indicator: Indicator{
			Total: Query{Selector: `http_requests_total{job="shop"}`},
			Bad:   Query{Selector: `http_requests_total{job="shop",code=~"5.."}`},
		},
	}
}

// ofGood is the same that counts good events.
func ofGood() Objective {
	o := ofErrors()
	o.Indicator.Good, o.Indicator.Bad = Query{Selector: `http_requests_total{job="shop",code!~"5.."}`}, Query{}
	return o
}
