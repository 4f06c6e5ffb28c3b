package observe

import (
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// MaxSignals is how many signals a Survey follows if its options don't say.
const MaxSignals = 20_000

// Options say how signals are followed.
type Options struct {
	// Step is how far samples are apart.
	Step time.Duration
	// From is the time from which samples and anomalies are kept to be told.
	// What is before it is only learned.
	From time.Time
	// MaxSignals bounds how many are followed; 0 is the constant of that name.
	MaxSignals int
	// Location is where the users are, whose clock habits follow. Nil is UTC.
	Location *time.Location
	// Holiday says of a day, midnight in Location, that habits are not as usual; see
	// anomaly.Settings. Nil knows no holidays.
	Holiday func(day time.Time) bool
	// Planned returns for a signal whether what is unusual at a moment is planned: that is
	// learned, and opens no anomaly. Nil, here or as its answer, is never.
	Planned func(Signal) func(at time.Time) bool
}

// Point is a sample and what was expected of it; Low and High are NaN if nothing
// was.
type Point struct {
	At               int64 // milliseconds since 1970
	Value, Low, High float64
}

// Survey follows signals. It belongs to one goroutine.
type Survey struct {
	options   Options
	detectors map[string]*anomaly.Detector // by the name of a watch
	tracks    map[string]*track            // by the watch's name and the labels
	order     []*track
	left      int
	key       key // of the signal that is fed
}

// track is one signal that is followed.
type track struct {
	signal   Signal
	detector *anomaly.Detector
	series   anomaly.Series
	points   []Point
	found    []Anomaly
	open     bool
	last     anomaly.Verdict
	lastAt   int64 // of the last number
	judged   int
	// wrong is the last sample if it cannot be right, 0 if it can, as 0 always can.
	wrong float64
	// recurred is when it did last what comes at that hour of other days, 0 for never.
	recurred int64
	// restored says that all is from a snapshot: nothing was fed since.
	restored bool
}

// NewSurvey begins a survey.
func NewSurvey(o Options) *Survey {
	if o.MaxSignals <= 0 {
		o.MaxSignals = MaxSignals
	}
	return &Survey{options: o, detectors: map[string]*anomaly.Detector{}, tracks: map[string]*track{}}
}

// Feed takes samples of a signal, in the order of time; times are milliseconds
// since 1970. The error is that of the watch's settings.
func (s *Survey) Feed(w watch.Watch, labels map[string]string, at []int64, values []float64) error {
	t, err := s.track(w, labels)
	if t == nil {
		return err
	}
	from := s.options.From.UnixMilli()
	var planned func(time.Time) bool
	if s.options.Planned != nil {
		planned = s.options.Planned(t.signal)
	}
	for i, v := range values {
		sample := anomaly.Sample{At: at[i], Value: v}
		if planned != nil {
			sample.Muted = planned(time.UnixMilli(at[i]))
		}
		t.observe(sample, from)
	}
	return nil
}

// track finds or begins the track of a signal; nil if there are too many.
func (s *Survey) track(w watch.Watch, labels map[string]string) (*track, error) {
	s.key.of(w.Name, labels)
	t, ok := s.tracks[string(s.key.text)]
	if ok && t != nil && t.restored {
		t.restored = false
		if ok = t.signal.Watch == w; !ok {
			s.Forget(w.Name) // it means something else by now
		}
	}
	if ok {
		return t, nil
	}
	key := string(s.key.text)
	if len(s.order) >= s.options.MaxSignals {
		s.tracks[key] = nil // so that it is counted once
		s.left++
		return nil, nil
	}
	return s.add(key, Signal{w, labels})
}

// add begins the track of a signal.
func (s *Survey) add(key string, of Signal) (*track, error) {
	d := s.detectors[of.Watch.Name]
	if d == nil {
		set := of.Watch.Settings()
		set.Location, set.Holiday = s.options.Location, s.options.Holiday
		var err error
		if d, err = anomaly.New(set); err != nil {
			return nil, err
		}
		s.detectors[of.Watch.Name] = d
	}
	t := &track{signal: of, detector: d}
	s.tracks[key] = t
	s.order = append(s.order, t)
	return t, nil
}

// Watches are those that have a signal, in the order of what is followed first.
func (s *Survey) Watches() (all []watch.Watch) {
	seen := map[string]bool{}
	for _, t := range s.order {
		if w := t.signal.Watch; !seen[w.Name] {
			seen[w.Name] = true
			all = append(all, w)
		}
	}
	return all
}

// Signals are those of a watch that are followed, in the order of what is followed first.
func (s *Survey) Signals(name string) (all []Signal) {
	for _, t := range s.order {
		if t.signal.Watch.Name == name {
			all = append(all, t.signal)
		}
	}
	return all
}

// Forget drops the signals of a watch, and what was learned of them. There is room for
// others then.
func (s *Survey) Forget(name string) {
	delete(s.detectors, name)
	for key, t := range s.tracks {
		if t == nil || t.signal.Watch.Name == name {
			delete(s.tracks, key)
		}
	}
	s.left = 0
	s.order = slices.DeleteFunc(s.order, func(t *track) bool { return t.signal.Watch.Name == name })
}

// ForgetSilent drops the signals that had no sample since a moment, and what was learned
// of them: what is gone for good goes from memory too. There is room for others then, and
// who was left is counted anew.
func (s *Survey) ForgetSilent(since time.Time) {
	silent := func(t *track) bool { return t.lastAt < since.UnixMilli() }
	for key, t := range s.tracks {
		if t == nil || silent(t) {
			delete(s.tracks, key)
		}
	}
	s.left = 0
	s.order = slices.DeleteFunc(s.order, silent)
}

func (t *track) observe(sample anomaly.Sample, from int64) {
	if !t.signal.Watch.Possible(sample.Value) {
		t.wrong, t.lastAt = sample.Value, max(t.lastAt, sample.At)
		return // nothing is to be learned of it
	}
	v := t.detector.Observe(&t.series, sample)
	switch v.State {
	case anomaly.Absent, anomaly.Late, anomaly.Restarted:
		return
	case anomaly.Normal, anomaly.Abnormal:
		t.judged++
	}
	t.last, t.lastAt, t.wrong = v, sample.At, 0
	if sample.At >= from {
		t.points = append(t.points, Point{sample.At, sample.Value, v.Low, v.High})
	}
	if v.Recurring {
		t.recurred = sample.At
	}
	switch {
	case v.Onset:
		x := t.detector.Explain(&t.series)
		t.found = append(t.found, Anomaly{Signal: t.signal, Since: time.UnixMilli(v.Since), Probability: v.Probability, Direction: v.Direction, Value: sample.Value, Low: v.Low, High: v.High, Explanation: x})
		t.open = true
	case t.open && v.State != anomaly.Abnormal:
		t.open = false
		t.found[len(t.found)-1].Until = time.UnixMilli(sample.At)
		if sample.At <= from { // nobody will be told
			t.found = slices.Delete(t.found, len(t.found)-1, len(t.found))
		}
	case t.open:
		a := &t.found[len(t.found)-1]
		a.Probability = max(a.Probability, v.Probability)
		if further(sample.Value, a.Value, a.Low, a.High) {
			a.Value = sample.Value
		}
	}
}

// further reports whether a value is further from what was expected than b.
func further(v, b, low, high float64) bool {
	middle := (low + high) / 2
	if math.IsNaN(middle) {
		return false
	}
	return math.Abs(v-middle) > math.Abs(b-middle)
}
