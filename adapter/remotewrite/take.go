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
	known   storage.GetRef // what into knows already; nil if it does not say
	typed   Typed          // nil if into does not ask
	builder labels.ScratchBuilder
	// scratch are the labels that were read last. They are good until others are.
	scratch labels.Labels
	// written are samples, histograms and exemplars that are kept, and those that nobody
	// wants here: a sender takes for lost what is not counted.
	written [3]int
	refused int
	why     []string
	// later is why the whole message should be sent again.
	later error
}

// Typed is an appender that asks of what type a series is before its samples come.
type Typed interface{ Typed(model.MetricType) }

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
	t.take1(&m)
	return nil
}

// take1 takes what is in a message of version 1.
func (t *taking) take1(m *prompb.WriteRequest) {
	for i := range m.Timeseries {
		s := &m.Timeseries[i]
		ref, l, ok := t.series(len(s.Labels), len(s.Samples)+len(s.Histograms), func(j int) (string, string, bool) { return s.Labels[j].Name, s.Labels[j].Value, true })
		if !ok || !t.wanted(l, len(s.Samples), len(s.Histograms), len(s.Exemplars)) {
			continue
		}
		for j := range s.Samples {
			ref = t.sample(ref, l, s.Samples[j].Timestamp, s.Samples[j].Value)
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
			t.exemplar(ref, l, e.Timestamp, e.Value, len(e.Labels), func(j int) (string, string, bool) { return e.Labels[j].Name, e.Labels[j].Value, true })
		}
		if t.later != nil {
			return
		}
	}
}

func (t *taking) version2(text []byte) error {
	var m writev2.Request
	if err := t.unpack(text, &m); err != nil {
		return err
	}
	if len(text) > 0 && (len(m.Symbols) == 0 || m.Symbols[0] != "") {
		return fmt.Errorf("a message of %s has symbols, of which the first is empty", version2)
	}
	t.take2(&m)
	return nil
}

// typeOf is a type as version 2.0 tells it.
func typeOf(t writev2.Metadata_MetricType) model.MetricType {
	switch t {
	case writev2.Metadata_METRIC_TYPE_COUNTER:
		return model.MetricTypeCounter
	case writev2.Metadata_METRIC_TYPE_GAUGE:
		return model.MetricTypeGauge
	case writev2.Metadata_METRIC_TYPE_HISTOGRAM:
		return model.MetricTypeHistogram
	case writev2.Metadata_METRIC_TYPE_GAUGEHISTOGRAM:
		return model.MetricTypeGaugeHistogram
	case writev2.Metadata_METRIC_TYPE_SUMMARY:
		return model.MetricTypeSummary
	case writev2.Metadata_METRIC_TYPE_INFO:
		return model.MetricTypeInfo
	case writev2.Metadata_METRIC_TYPE_STATESET:
		return model.MetricTypeStateset
	}
	return model.MetricTypeUnknown
}

// symbolsOf reads label j of those that refs name.
func symbolsOf(symbols []string, refs []uint32, j int) (string, string, bool) {
	name, value := refs[2*j], refs[2*j+1]
	if int(name) >= len(symbols) || int(value) >= len(symbols) {
		return "", "", false
	}
	return symbols[name], symbols[value], true
}

// take2 takes what is in a message of version 2.
func (t *taking) take2(m *writev2.Request) {
	for i := range m.Timeseries {
		s := &m.Timeseries[i]
		n := len(s.Samples) + len(s.Histograms)
		if n+len(s.Exemplars) == 0 || len(s.LabelsRefs)%2 != 0 {
			t.refuse("labels", max(1, n), "a series has nothing, or half a label")
			continue
		}
		ref, l, ok := t.series(len(s.LabelsRefs)/2, n, func(j int) (string, string, bool) { return symbolsOf(m.Symbols, s.LabelsRefs, j) })
		if !ok || !t.wanted(l, len(s.Samples), len(s.Histograms), len(s.Exemplars)) {
			continue
		}
		if t.typed != nil {
			t.typed.Typed(typeOf(s.Metadata.Type))
		}
		for j := range s.Samples {
			ref = t.sample(ref, l, s.Samples[j].Timestamp, s.Samples[j].Value)
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
			t.exemplar(ref, l, e.Timestamp, e.Value, len(e.LabelsRefs)/2, func(j int) (string, string, bool) { return symbolsOf(m.Symbols, e.LabelsRefs, j) })
		}
		if t.later != nil {
			return
		}
	}
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

// series reads the labels of a series of n samples, and its reference if the store knows
// it. Their size is looked at before they are put together: a message may name one long
// text a thousand times. The labels of a series that is known are those that are kept,
// and were looked at when it was new.
func (t *taking) series(count, n int, pair func(int) (name, value string, ok bool)) (storage.SeriesRef, labels.Labels, bool) {
	if !t.read(count, n, pair) {
		return 0, labels.EmptyLabels(), false
	}
	ref, l := storage.SeriesRef(0), labels.EmptyLabels()
	if t.known != nil {
		ref, l = t.known.GetRef(t.scratch, t.scratch.Hash())
	}
	if ref == 0 {
		if !t.sound(n) {
			return 0, l, false
		}
		l = t.scratch.Copy()
	}
	return ref, l, true
}

// wanted tells whether a series is to be kept. What is left out as wanted here is no error
// of the sender's.
func (t *taking) wanted(l labels.Labels, samples, histograms, exemplars int) bool {
	for _, m := range t.of.accept {
		if !m.Matches(l.Get(m.Name)) {
			t.of.options.Refused("unselected", samples+histograms)
			for i, n := range [...]int{samples, histograms, exemplars} {
				t.written[i] += n
			}
			return false
		}
	}
	return true
}

// read reads labels to scratch.
func (t *taking) read(count, n int, pair func(int) (name, value string, ok bool)) bool {
	o := &t.of.options
	if count > o.MaxLabels {
		t.refuse("labels", max(1, n), fmt.Sprintf("a series has %d labels, more than %d", count, o.MaxLabels))
		return false
	}
	t.builder.Reset()
	sorted, before := true, ""
	for i := range count {
		name, value, ok := pair(i)
		switch {
		case !ok:
			t.refuse("labels", max(1, n), "a series names a symbol that the message has not")
			return false
		case len(name) > o.MaxName || len(value) > o.MaxValue:
			t.refuse("labels", max(1, n), fmt.Sprintf("the label %.40q has a name or a value that is too long", name))
			return false
		}
		sorted, before = sorted && before <= name, name
		t.builder.Add(name, value)
	}
	if !sorted {
		t.builder.Sort()
	}
	t.builder.Overwrite(&t.scratch)
	return true
}

// sound tells whether the labels of scratch are those of a metric.
func (t *taking) sound(n int) bool {
	l := t.scratch
	if twice, duplicate := l.HasDuplicateLabelNames(); duplicate {
		t.refuse("labels", max(1, n), fmt.Sprintf("a series has the label %.40q twice", twice))
		return false
	}
	if l.Get(model.MetricNameLabel) == "" || !l.IsValid(model.UTF8Validation) {
		t.refuse("labels", max(1, n), fmt.Sprintf("the labels %.200q are none of a metric", l.String()))
		return false
	}
	return true
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
