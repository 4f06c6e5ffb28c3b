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
}

// own marks references of series that are kept by nobody: the rest is their hash. The
// store counts its own from 1.
const own = 1 << 63

// Hash is the hash of a series in a Table.
func Hash(l labels.Labels) uint64 { return l.Hash() &^ own }

// GetRef implements storage.GetRef.
func (a *appender) GetRef(l labels.Labels, hash uint64) (storage.SeriesRef, labels.Labels) {
	if !a.tap.keep {
		if kept, ok := a.tap.table.Find(hash&^own, l); ok {
			return storage.SeriesRef(hash | own), kept
		}
	}
	if a.known == nil {
		return 0, labels.EmptyLabels()
	}
	return a.known.GetRef(l, hash)
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

// alone tells whether a series is kept by nobody, and its hash then.
func (a *appender) alone(ref storage.SeriesRef, l labels.Labels) (hash uint64, ok bool) {
	if ref&own != 0 {
		return uint64(ref) &^ own, true
	}
	if a.tap.keep || !a.tap.picked(l) {
		return 0, false
	}
	return Hash(l), true
}

// Append implements storage.Appender.
func (a *appender) Append(ref storage.SeriesRef, l labels.Labels, at int64, v float64) (storage.SeriesRef, error) {
	hash, alone := a.alone(ref, l)
	if ref&own != 0 {
		ref = 0
	}
	if alone && at <= a.latest {
		a.batch.Add(stream.Sample[labels.Labels]{Name: l, Hash: hash, At: at, Value: v, Kind: a.kind})
		return storage.SeriesRef(hash | own), nil
	}
	ref, err := a.Appender.Append(ref, l, at, v)
	if err == nil && ref != 0 && a.tap.keep {
		a.batch.Add(stream.Sample[labels.Labels]{Name: l, Hash: Hash(l), At: at, Value: v, Kind: a.kind})
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
