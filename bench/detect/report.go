package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// method scores the rows of a series and counts its incidents.
type method struct {
	name string
	run  func(s *made.Series) (scores []float64, onsets []int)
}

// report prints what the detector finds, and beside it two simple methods, and notes the
// figures.
func report(w io.Writer, days int, r *record.Results) error {
	shipped, err := detector()
	if err != nil {
		return err
	}
	methods := []method{{"detector", shipped}, {"robust z", robust}, {"forecast", forecast}}
	series := made.Disturbed(1, 4, 28)
	fmt.Fprintf(w, "%-14s %9s %9s", "fault", "found", "incidents")
	for _, m := range methods {
		fmt.Fprintf(w, " %9s", m.name)
	}
	fmt.Fprintf(w, "   found: events with an incident; the rest: mean precision of the order of samples\n")
	sum := map[string]*line{}
	var names []string
	for _, s := range series {
		_, fault, _ := strings.Cut(s.Name, "/")
		if sum[fault] == nil {
			sum[fault] = &line{precision: make([]float64, len(methods))}
			names = append(names, fault)
		}
		sum[fault].add(s, methods)
	}
	all := &line{precision: make([]float64, len(methods))}
	for _, name := range names {
		sum[name].print(w, name)
		all.merge(sum[name])
	}
	all.print(w, "all")
	labelled := made.Varied(variedSeed, 480)
	varied := various(w, labelled, methods)
	undisturbed := quiet(w, "undisturbed", shipped, made.Undisturbed(2, 140, days))
	calm := quiet(w, "varied, undisturbed", shipped, made.Calm(variedSeed, 66, days*24*12))
	r.AtMost("incidents in 1,000 series-days, undisturbed", undisturbed, "", 1)
	r.AtMost("incidents in 1,000 series-days, varied, undisturbed", calm, "", 1)
	r.Note("made series: share of events that open an incident", float64(varied.found)/float64(varied.events), "")
	r.Note("made series: incidents without an event", float64(varied.incidents), "")
	for i, m := range methods {
		r.Note("made series: volume of precision and recall, "+m.name, varied.precision[i]/float64(varied.series), "")
	}
	habits(w, habitSeries, habitDays, shipped, r)
	return calibration(w, labelled, r)
}

// variedSeed makes the varied series that are reported. The detector was
// developed on those of another.
const variedSeed = 11

// buffer is the number of rows around an event in which finding it is worth
// something, as the trusted measure of the field has it.
const buffer = 100

// various prints how well the methods order the rows of varied series, by
// disturbance and by background.
func various(w io.Writer, all []*made.Series, methods []method) *line {
	fmt.Fprintf(w, "%-14s %9s %9s", "varied", "found", "false")
	for _, m := range methods {
		fmt.Fprintf(w, " %9s", m.name)
	}
	fmt.Fprintf(w, "   volume under the surface of precision and recall\n")
	sum, total := map[string]*line{}, &line{precision: make([]float64, len(methods))}
	for _, s := range all {
		one := &line{series: 1, events: len(s.Events), precision: make([]float64, len(methods))}
		for i, m := range methods {
			scores, onsets := m.run(s)
			one.precision[i] = made.Volume(scores, s.Events, buffer)
			if i == 0 {
				one.found, one.incidents = hits(s, onsets)
			}
		}
		background, fault, _ := strings.Cut(s.Name, "/")
		for _, name := range []string{"  " + fault, "on " + background} {
			if sum[name] == nil {
				sum[name] = &line{precision: make([]float64, len(methods))}
			}
			sum[name].merge(one)
		}
		total.merge(one)
	}
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		sum[name].print(w, name)
	}
	total.print(w, "all varied")
	return total
}

// late is the number of rows after an event in which its incident may still
// open: a block of 12 must be full, and evidence come together.
const late = 24

// hits counts the events with an incident, and the incidents without an event.
func hits(s *made.Series, onsets []int) (found, wrong int) {
	near := func(e [2]int) func(int) bool { return func(at int) bool { return at >= e[0] && at <= e[1]+late } }
	for _, e := range s.Events {
		if slices.ContainsFunc(onsets, near(e)) {
			found++
		}
	}
	for _, at := range onsets {
		if !slices.ContainsFunc(s.Events, func(e [2]int) bool { return near(e)(at) }) {
			wrong++
		}
	}
	return found, wrong
}

// quiet counts incidents where there is nothing, in a thousand series-days.
func quiet(w io.Writer, name string, run func(*made.Series) ([]float64, []int), all []*made.Series) float64 {
	total, length := 0, 0.0
	kinds := map[string]int{}
	for _, s := range all {
		_, onsets := run(s)
		total += len(onsets)
		length += s.Days()
		kinds[s.Name] += len(onsets)
	}
	fmt.Fprintf(w, "%s: %d incidents in %.0f series-days, %.2f in a thousand\n", name, total, length, float64(total)/length*1000)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(w, "  %-20s %d\n", kind, kinds[kind])
	}
	return float64(total) / length * 1000
}

// line is one line of the report.
type line struct {
	series, events, found, incidents int
	precision                        []float64
}

func (l *line) add(s *made.Series, methods []method) {
	l.series++
	l.events += len(s.Events)
	for i, m := range methods {
		scores, onsets := m.run(s)
		l.precision[i] += s.Precision(scores)
		if i > 0 {
			continue
		}
		l.incidents += len(onsets)
		found, _ := hits(s, onsets)
		l.found += found
	}
}

func (l *line) merge(o *line) {
	l.series += o.series
	l.events += o.events
	l.found += o.found
	l.incidents += o.incidents
	for i := range l.precision {
		l.precision[i] += o.precision[i]
	}
}

func (l *line) print(w io.Writer, name string) {
	fmt.Fprintf(w, "%-14s %4d/%-4d %9d", name, l.found, l.events, l.incidents)
	for _, p := range l.precision {
		fmt.Fprintf(w, " %9.3f", p/float64(l.series))
	}
	fmt.Fprintln(w)
}

// detector is the shipped one, in the users' zone.
func detector() (func(*made.Series) ([]float64, []int), error) { return with(anomaly.Default()) }

// with is the detector with other settings, in the users' zone.
func with(set anomaly.Settings) (func(*made.Series) ([]float64, []int), error) {
	set.Location = made.Zone()
	plain, err := anomaly.New(set)
	if err != nil {
		return nil, err
	}
	set.Counter = true
	counter, err := anomaly.New(set)
	if err != nil {
		return nil, err
	}
	return func(s *made.Series) (scores []float64, onsets []int) {
		d := plain
		if s.Counter {
			d = counter
		}
		var state anomaly.Series
		for i, v := range s.Values {
			verdict := d.Observe(&state, anomaly.Sample{At: s.Times[i], Value: v})
			scores = append(scores, float64(verdict.Score))
			if verdict.Onset {
				onsets = append(onsets, i)
			}
		}
		return scores, onsets
	}, nil
}

// robust is the distance from a slow median in slow median distances.
func robust(s *made.Series) ([]float64, []int) {
	scores := make([]float64, len(s.Values))
	middle, spread := s.Values[0], 0.0
	for i, v := range s.Values {
		off := math.Abs(v - middle)
		if spread > 0 {
			scores[i] = off / spread
		}
		step := 0.01 * (spread + 1e-9)
		if i < 300 {
			step = (off + spread) / float64(i+1)
		}
		middle += math.Copysign(min(step, off), v-middle)
		spread += math.Copysign(min(step, math.Abs(off-spread)), off-spread)
	}
	return scores, nil
}

// forecast is the residual of double exponential smoothing in usual residuals.
func forecast(s *made.Series) ([]float64, []int) {
	scores := make([]float64, len(s.Values))
	level, trend, spread := s.Values[0], 0.0, 0.0
	for i, v := range s.Values {
		r := v - level - trend
		if spread > 0 {
			scores[i] = math.Abs(r) / spread
		}
		spread += max(0.01, 1/float64(i+1)) * (math.Abs(r) - spread)
		level += trend + 0.3*r
		trend = 0.95*trend + 0.01*r
	}
	return scores, nil
}
