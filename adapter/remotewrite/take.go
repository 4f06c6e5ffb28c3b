package remotewrite

import (
	"fmt"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage"
)

// taking is what becomes of one message.
type taking struct {
	of      *Receiver
	into    storage.Appender
	builder labels.ScratchBuilder
	// written are samples, histograms and exemplars.
	written [3]int
	refused int
	why     []string
	// later is why the whole message should be sent again.
	later error
}

// unpacker is a message that can be made from bytes.
type unpacker interface{ Unmarshal([]byte) error }

// unpack makes the message of bytes, unless that would make too many values.
func (t *taking) unpack(text []byte, into unpacker) error {
	if n := parts(text, t.of.options.MaxParts, depth); n > t.of.options.MaxParts {
		return fmt.Errorf("the message has more than %d parts; send fewer samples at a time", t.of.options.MaxParts)
	}
	if err := into.Unmarshal(text); err != nil {
		return fmt.Errorf("the message cannot be read: %w", err)
	}
	return nil
}

func (t *taking) version1(text []byte) error {
	var m prompb.WriteRequest
	if err := t.unpack(text, &m); err != nil {
		return err
	}
	if len(m.Timeseries) == 0 && len(m.Metadata) == 0 && len(text) > 0 {
		return fmt.Errorf("the message has no series: is it of %s?", version1)
	}
	for i := range m.Timeseries {
		s := &m.Timeseries[i]
		l, ok := t.series(len(s.Labels), len(s.Samples)+len(s.Histograms), func(j int) (string, string, bool) { return s.Labels[j].Name, s.Labels[j].Value, true })
		if !ok {
			continue
		}
		var ref storage.SeriesRef
		for _, p := range s.Samples {
			ref = t.sample(ref, l, p.Timestamp, p.Value)
		}
		for j := range s.Histograms {
			h := &s.Histograms[j]
			if h.IsFloatHistogram() {
				ref = t.histogram(ref, l, h.Timestamp, nil, h.ToFloatHistogram())
			} else {
				ref = t.histogram(ref, l, h.Timestamp, h.ToIntHistogram(), nil)
			}
		}
		for _, e := range s.Exemplars {
			t.exemplar(ref, l, e.Timestamp, e.Value, len(e.Labels), func(j int) (string, string, bool) { return e.Labels[j].Name, e.Labels[j].Value, true })
		}
		if t.later != nil {
			return nil
		}
	}
	return nil
}

func (t *taking) version2(text []byte) error {
	var m writev2.Request
	if err := t.unpack(text, &m); err != nil {
		return err
	}
	if len(text) > 0 && (len(m.Symbols) == 0 || m.Symbols[0] != "") {
		return fmt.Errorf("a message of %s has symbols, of which the first is empty", version2)
	}
	pairs := func(refs []uint32) func(int) (string, string, bool) {
		return func(j int) (string, string, bool) {
			name, value := refs[2*j], refs[2*j+1]
			if int(name) >= len(m.Symbols) || int(value) >= len(m.Symbols) {
				return "", "", false
			}
			return m.Symbols[name], m.Symbols[value], true
		}
	}
	for i := range m.Timeseries {
		s := &m.Timeseries[i]
		n := len(s.Samples) + len(s.Histograms)
		if n+len(s.Exemplars) == 0 || len(s.LabelsRefs)%2 != 0 {
			t.refuse("labels", max(1, n), "a series has nothing, or half a label")
			continue
		}
		l, ok := t.series(len(s.LabelsRefs)/2, n, pairs(s.LabelsRefs))
		if !ok {
			continue
		}
		var ref storage.SeriesRef
		for _, p := range s.Samples {
			ref = t.sample(ref, l, p.Timestamp, p.Value)
		}
		for j := range s.Histograms {
			h := &s.Histograms[j]
			if h.IsFloatHistogram() {
				ref = t.histogram(ref, l, h.Timestamp, nil, h.ToFloatHistogram())
			} else {
				ref = t.histogram(ref, l, h.Timestamp, h.ToIntHistogram(), nil)
			}
		}
		for j := range s.Exemplars {
			e := &s.Exemplars[j]
			t.exemplar(ref, l, e.Timestamp, e.Value, len(e.LabelsRefs)/2, pairs(e.LabelsRefs))
		}
		if t.later != nil {
			return nil
		}
	}
	return nil
}

// refuse counts n samples that are refused for good, and remembers a few reasons.
func (t *taking) refuse(reason string, n int, why string) {
	t.of.options.Refused(reason, n)
	t.complain(n, why)
}

func (t *taking) complain(n int, why string) {
	t.refused += n
	if len(t.why) < 5 {
		t.why = append(t.why, why)
	}
}

// series reads the labels of a series of n samples. Their size is looked at before they
// are put together: a message may name one long text a thousand times.
func (t *taking) series(count, n int, pair func(int) (name, value string, ok bool)) (labels.Labels, bool) {
	o := &t.of.options
	if count > o.MaxLabels {
		t.refuse("labels", max(1, n), fmt.Sprintf("a series has %d labels, more than %d", count, o.MaxLabels))
		return labels.EmptyLabels(), false
	}
	t.builder.Reset()
	for i := range count {
		name, value, ok := pair(i)
		switch {
		case !ok:
			t.refuse("labels", max(1, n), "a series names a symbol that the message has not")
			return labels.EmptyLabels(), false
		case len(name) > o.MaxName || len(value) > o.MaxValue:
			t.refuse("labels", max(1, n), fmt.Sprintf("the label %.40q has a name or a value that is too long", name))
			return labels.EmptyLabels(), false
		}
		t.builder.Add(name, value)
	}
	t.builder.Sort()
	l := t.builder.Labels()
	twice, duplicate := l.HasDuplicateLabelNames()
	switch {
	case duplicate:
		t.refuse("labels", max(1, n), fmt.Sprintf("a series has the label %.40q twice", twice))
	case l.Get(model.MetricNameLabel) == "" || !l.IsValid(model.UTF8Validation):
		t.refuse("labels", max(1, n), fmt.Sprintf("the labels %.200q are none of a metric", l.String()))
	default:
		for _, m := range t.of.accept {
			if !m.Matches(l.Get(m.Name)) {
				t.of.options.Refused("unselected", n) // as wanted here: no error of the sender's
				return l, false
			}
		}
		return l, true
	}
	return l, false
}

func (t *taking) sample(ref storage.SeriesRef, l labels.Labels, at int64, v float64) storage.SeriesRef {
	ref, err := t.into.Append(ref, l, at, v)
	return t.became(0, ref, l, err)
}

func (t *taking) histogram(ref storage.SeriesRef, l labels.Labels, at int64, h *histogram.Histogram, fh *histogram.FloatHistogram) storage.SeriesRef {
	ref, err := t.into.AppendHistogram(ref, l, at, h, fh)
	return t.became(1, ref, l, err)
}

// became notes what became of a sample or histogram.
func (t *taking) became(which int, ref storage.SeriesRef, l labels.Labels, err error) storage.SeriesRef {
	if err == nil {
		t.written[which]++
		return ref
	}
	if _, again := t.of.options.Reason(err); again {
		t.later = err
		return 0
	}
	t.complain(1, fmt.Sprintf("%.200s: %s", l.String(), err)) // counted by who refused it
	return 0
}

// exemplar keeps an exemplar if it can: it is no reason to refuse a message. Prometheus
// sends those of a series apart from its samples, so ref may be 0.
func (t *taking) exemplar(ref storage.SeriesRef, l labels.Labels, at int64, v float64, count int, pair func(int) (name, value string, ok bool)) {
	t.builder.Reset()
	runes := 0
	for i := range min(count, 17) {
		name, value, ok := pair(i)
		if runes += utf8.RuneCountInString(name) + utf8.RuneCountInString(value); !ok || runes > exemplar.ExemplarMaxLabelSetLength || i == 16 {
			t.of.options.Refused("exemplar", 1)
			return
		}
		t.builder.Add(name, value)
	}
	t.builder.Sort()
	e := exemplar.Exemplar{Labels: t.builder.Labels(), Value: v, Ts: at, HasTs: at != 0}
	if _, err := t.into.AppendExemplar(ref, l, e); err != nil {
		return // counted by who refused it
	}
	t.written[2]++
}
