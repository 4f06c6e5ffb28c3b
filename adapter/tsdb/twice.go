package tsdb

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// looks is how many duplicates of a message are looked at: each takes a query.
const looks = 1000

// there tells whether a histogram that the storage took for another of the same time is
// kept already: a sender that lost the answer sends it again. The storage knows this of
// numbers; but it fills in empty buckets of histograms, and keeps the end of a series of
// them, which comes as a number, as a histogram.
func (a *appender) there(refused error, l labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) bool {
	if !errors.Is(refused, storage.ErrDuplicateSampleForTimestamp) || a.looked >= looks {
		return false
	}
	a.looked++
	q, err := a.of.s.db.Querier(t, t)
	if err != nil {
		return false
	}
	defer q.Close()
	var exactly []*labels.Matcher
	l.Range(func(l labels.Label) {
		exactly = append(exactly, labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value))
	})
	set := q.Select(context.Background(), false, nil, exactly...)
	for set.Next() {
		if s := set.At(); labels.Equal(s.Labels(), l) { // others may have more labels
			return holds(s.Iterator(nil), t, h, fh)
		}
	}
	return false
}

// holds tells whether the sample of a time is a histogram.
func holds(it chunkenc.Iterator, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) bool {
	kind := it.Seek(t)
	if kind != chunkenc.ValHistogram && kind != chunkenc.ValFloatHistogram || it.AtT() != t {
		return false
	}
	_, kept := it.AtFloatHistogram(nil)
	if kind == chunkenc.ValHistogram && h != nil {
		fh = h.ToFloat(nil)
	}
	switch {
	case fh == nil:
		return false
	case value.IsStaleNaN(fh.Sum) || value.IsStaleNaN(kept.Sum):
		return value.IsStaleNaN(fh.Sum) && value.IsStaleNaN(kept.Sum)
	}
	// What an iterator gives, and what was handed in, is not ours to change.
	return kept.Copy().Compact(0).Equals(fh.Copy().Compact(0))
}
