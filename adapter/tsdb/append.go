package tsdb

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// Why samples are refused, besides the errors of Prometheus' storage package.
var (
	// ErrSeries means that there are as many series in memory as there may be.
	ErrSeries = errors.New("there are as many series as may be kept")
	// ErrLabels means that the labels of a series are longer than they may be.
	ErrLabels = errors.New("the labels are longer than 4096 bytes together")
	// ErrText means that labels of an exemplar are no text.
	ErrText = errors.New("the labels of the exemplar are no text")
	// ErrDisk means that the disk has no more room for metrics.
	ErrDisk = errors.New("the disk has no room for more metrics")
	// ErrFuture means that a sample is of a time that is still to come.
	ErrFuture = errors.New("the sample is too far in the future")
)

// ahead is how far the clocks of those who send may be ahead.
const ahead = 10 * time.Minute

// Appendable is where a source puts its samples. They are counted under its name.
// A lenient one takes what is refused as if it were kept, only counted: for scrapes,
// which would otherwise lose all of a target for one series.
func (s *Store) Appendable(source string, lenient bool) storage.Appendable {
	return appendable{s, source, lenient}
}

type appendable struct {
	s       *Store
	source  string
	lenient bool
}

// Appender implements storage.Appendable.
func (a appendable) Appender(ctx context.Context) storage.Appender {
	return &appender{Appender: a.s.db.Appender(ctx), of: a, latest: a.s.options.Now().Add(ahead).UnixMilli()}
}

// appender counts what becomes of samples.
type appender struct {
	storage.Appender
	of      appendable
	latest  int64
	samples int
	checked bool
	full    error
	// looked is how often was looked whether a duplicate is one.
	looked int
}

// GetRef implements storage.GetRef: a series that is known is found without its labels
// being made again.
func (a *appender) GetRef(l labels.Labels, hash uint64) (storage.SeriesRef, labels.Labels) {
	if known, ok := a.Appender.(storage.GetRef); ok {
		return known.GetRef(l, hash)
	}
	return 0, labels.EmptyLabels()
}

// before says why nothing may be appended at a time.
func (a *appender) before(t int64) error {
	if !a.checked {
		a.checked, a.full = true, a.of.s.room.check(&a.of.s.options)
	}
	if a.full != nil {
		return a.full
	}
	if t > a.latest {
		return fmt.Errorf("%w (%w)", ErrFuture, storage.ErrOutOfBounds)
	}
	return nil
}

// after counts a sample, and softens an error for who is lenient.
func (a *appender) after(ref storage.SeriesRef, err error) (storage.SeriesRef, error) {
	if err == nil {
		a.samples++
		return ref, nil
	}
	a.of.s.tally.refuse(a.of.source, Reason(err), 1)
	if a.of.lenient && (errors.Is(err, ErrSeries) || errors.Is(err, ErrLabels) || errors.Is(err, ErrDisk)) {
		return 0, nil
	}
	return 0, err
}

// Append implements storage.Appender.
func (a *appender) Append(ref storage.SeriesRef, l labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	err := a.before(t)
	if err == nil {
		if ref, err = a.Appender.Append(ref, l, t, v); value.IsStaleNaN(v) && a.there(err, l, t, nil, &histogram.FloatHistogram{Sum: v}) {
			err = nil
		}
	}
	return a.after(ref, err)
}

// AppendHistogram implements storage.Appender.
func (a *appender) AppendHistogram(ref storage.SeriesRef, l labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	err := a.before(t)
	if err == nil {
		if ref, err = a.Appender.AppendHistogram(ref, l, t, h, fh); a.there(err, l, t, h, fh) {
			err = nil
		}
	}
	return a.after(ref, err)
}

// AppendExemplar implements storage.Appender.
func (a *appender) AppendExemplar(ref storage.SeriesRef, l labels.Labels, e exemplar.Exemplar) (storage.SeriesRef, error) {
	if ref == 0 && a.of.lenient {
		return 0, nil // its series was refused
	}
	err := a.before(e.Ts)
	if err == nil {
		err = e.Labels.Validate(text) // the storage looks only at how long they are
	}
	if err == nil {
		ref, err = a.Appender.AppendExemplar(ref, l, e)
	}
	if err != nil {
		a.of.s.tally.refuse(a.of.source, "exemplar", 1)
		return 0, err
	}
	return ref, nil
}

// text says whether a label of an exemplar can be told.
func text(l labels.Label) error {
	if !utf8.ValidString(l.Name) || !utf8.ValidString(l.Value) {
		return ErrText
	}
	return nil
}

// Commit implements storage.Appender.
func (a *appender) Commit() error {
	err := a.Appender.Commit()
	if err != nil {
		a.of.s.tally.refuse(a.of.source, "storage", a.samples)
		return err
	}
	a.of.s.tally.accept(a.of.source, a.samples)
	return nil
}

// Rollback implements storage.Appender.
func (a *appender) Rollback() error {
	a.of.s.tally.refuse(a.of.source, "undone", a.samples)
	return a.Appender.Rollback()
}

// Reason names in a word why a sample was refused.
func Reason(err error) string {
	var invalid histogram.Error
	switch {
	case errors.Is(err, ErrSeries):
		return "series"
	case errors.Is(err, ErrLabels):
		return "labels"
	case errors.Is(err, ErrDisk):
		return "disk"
	case errors.Is(err, ErrFuture):
		return "future"
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return "duplicate"
	case errors.Is(err, storage.ErrOutOfOrderSample):
		return "out_of_order"
	case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds):
		return "old"
	case errors.As(err, &invalid), errors.Is(err, storage.ErrNativeHistogramsDisabled):
		return "histogram"
	}
	return "storage"
}
