// Package tap stands before a store of metrics, and hands the samples that it takes to
// who judges them, once the store has them.
//
// What the store refuses, and what is undone, is not handed on. Series that are picked may
// also be handed on alone, and be kept by nobody.
package tap

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/observe/stream"
)

// Table is what is known of the series that are picked.
type Table = stream.Table[labels.Labels]

// ahead is how far the clocks of those who send may be ahead. It is the store's: what is
// beyond goes to it, to be refused and counted.
const ahead = 10 * time.Minute

// Tap hands on what is appended to stores. It is safe for concurrent use.
type Tap struct {
	table  *Table
	picked func(labels.Labels) bool
	keep   bool
	now    func() time.Time
	unused sync.Pool // of *stream.Batch
	native atomic.Uint64
}

// New makes one that hands on to a table. With keep, the stores keep what is picked, too.
func New(to *Table, picked func(labels.Labels) bool, keep bool, now func() time.Time) *Tap {
	t := &Tap{table: to, picked: picked, keep: keep, now: now}
	t.unused.New = func() any { return new(stream.Batch[labels.Labels]) }
	return t
}

// Histograms is how many native histograms came of series that are picked: they are not
// judged.
func (t *Tap) Histograms() uint64 { return t.native.Load() }

// Before returns who is to be given the samples for a store.
func (t *Tap) Before(s storage.Appendable) storage.Appendable { return appendable{t, s} }

type appendable struct {
	tap *Tap
	to  storage.Appendable
}

// Appender implements storage.Appendable.
func (a appendable) Appender(ctx context.Context) storage.Appender {
	to := a.to.Appender(ctx)
	known, _ := to.(storage.GetRef)
	return &appender{Appender: to, known: known, tap: a.tap, batch: a.tap.unused.Get().(*stream.Batch[labels.Labels]), latest: a.tap.now().Add(ahead).UnixMilli()}
}

// appender is one for a message or a scrape.
type appender struct {
	storage.Appender
	known  storage.GetRef // nil if it knows none
	tap    *Tap
	batch  *stream.Batch[labels.Labels]
	latest int64
	kind   stream.Kind
	// found is what was asked for last: its samples follow.
	found struct {
		ref   storage.SeriesRef
		hash  uint64
		place stream.Place
	}
}

// own marks references of series that are kept by nobody: the rest is their hash. The
// store counts its own from 1.
const own = 1 << 63

// Hash is the hash of a series in a Table.
func Hash(l labels.Labels) uint64 { return l.Hash() &^ own }

// GetRef implements storage.GetRef.
func (a *appender) GetRef(l labels.Labels, hash uint64) (ref storage.SeriesRef, kept labels.Labels) {
	f := &a.found
	f.ref, f.hash, f.place = 0, hash&^own, 0
	if !a.tap.keep {
		var ok bool
		if kept, f.place, ok = a.tap.table.Find(f.hash, l); ok {
			f.ref = storage.SeriesRef(hash | own)
			return f.ref, kept
		}
	}
	if a.known == nil {
		return 0, labels.EmptyLabels()
	}
	f.ref, kept = a.known.GetRef(l, hash)
	return f.ref, kept
}

// Typed says of what type the series is whose samples follow, as the sender says.
func (a *appender) Typed(t model.MetricType) {
	switch t {
	case model.MetricTypeCounter:
		a.kind = stream.Counter
	case model.MetricTypeGauge, model.MetricTypeGaugeHistogram, model.MetricTypeInfo, model.MetricTypeStateset:
		a.kind = stream.Gauge
	default: // histograms and summaries have series of both kinds
		a.kind = stream.Unsaid
	}
}

// alone tells whether a series is kept by nobody.
func (a *appender) alone(ref storage.SeriesRef, l labels.Labels) bool {
	return ref&own != 0 || !a.tap.keep && a.tap.picked(l)
}

// sample is what is to be judged of a series.
func (a *appender) sample(ref storage.SeriesRef, l labels.Labels, at int64, v float64) stream.Sample[labels.Labels] {
	x := stream.Sample[labels.Labels]{Name: l, At: at, Value: v, Kind: a.kind}
	switch {
	case ref != 0 && ref == a.found.ref:
		x.Hash, x.Place = a.found.hash, a.found.place
	case ref&own != 0:
		x.Hash = uint64(ref) &^ own
	default:
		x.Hash = Hash(l)
	}
	return x
}

// Append implements storage.Appender.
func (a *appender) Append(ref storage.SeriesRef, l labels.Labels, at int64, v float64) (storage.SeriesRef, error) {
	if at <= a.latest && a.alone(ref, l) {
		if ref&own == 0 { // the store's, of a time in which it was kept
			ref = 0
		}
		x := a.sample(ref, l, at, v)
		a.batch.Add(x)
		return storage.SeriesRef(x.Hash | own), nil
	}
	if ref&own != 0 {
		ref = 0
	}
	ref, err := a.Appender.Append(ref, l, at, v)
	if err == nil && ref != 0 && a.tap.keep {
		a.batch.Add(a.sample(ref, l, at, v))
	}
	return ref, err
}

// AppendHistogram implements storage.Appender. Native histograms are kept, not judged.
func (a *appender) AppendHistogram(ref storage.SeriesRef, l labels.Labels, at int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	if a.tap.picked(l) {
		a.tap.native.Add(1)
	}
	if ref&own != 0 {
		ref = 0
	}
	return a.Appender.AppendHistogram(ref, l, at, h, fh)
}

// AppendExemplar implements storage.Appender. Who is kept by nobody has none.
func (a *appender) AppendExemplar(ref storage.SeriesRef, l labels.Labels, e exemplar.Exemplar) (storage.SeriesRef, error) {
	if ref&own != 0 {
		return ref, nil
	}
	return a.Appender.AppendExemplar(ref, l, e)
}

// Commit implements storage.Appender.
func (a *appender) Commit() error {
	err := a.Appender.Commit()
	if err == nil && a.batch != nil {
		a.tap.table.Feed(a.batch, a.tap.now())
	}
	a.end()
	return err
}

// Rollback implements storage.Appender.
func (a *appender) Rollback() error {
	a.end()
	return a.Appender.Rollback()
}

// end gives the batch to whoever comes next.
func (a *appender) end() {
	if a.batch == nil {
		return
	}
	a.batch.Reset()
	a.tap.unused.Put(a.batch)
	a.batch = nil
}
