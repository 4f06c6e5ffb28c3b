package trace

import (
	"math"
	"time"
)

// The buckets of a Histogram: each is a quarter wider than the one before, so
// that a quantile is off by at most an eighth. From a microsecond they reach to
// twenty minutes; what is beyond falls into the last.
const (
	histogramBuckets = 96
	histogramGrowth  = 1.25
)

// logGrowth is the natural logarithm of histogramGrowth.
const logGrowth = 0.22314355131420976

// Histogram counts durations in buckets of equal ratio, in fixed memory. The
// zero Histogram is empty.
type Histogram struct {
	counts [histogramBuckets]uint32
	n      uint64
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	i := bucketOf(d)
	if h.counts[i] != math.MaxUint32 {
		h.counts[i]++
	}
	h.n++
}

func bucketOf(d time.Duration) int {
	if d <= time.Microsecond {
		return 0
	}
	return min(histogramBuckets-1, 1+int(math.Log(float64(d)/1e3)/logGrowth))
}

// Count is how many durations were added.
func (h *Histogram) Count() uint64 { return h.n }

// Merge adds what o counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, c := range o.counts {
		h.counts[i] = uint32(min(math.MaxUint32, uint64(h.counts[i])+uint64(c)))
	}
	h.n += o.n
}

// Quantile returns the duration that a share q of all does not exceed, 0 if
// there are none. It is the middle of its bucket.
func (h *Histogram) Quantile(q float64) time.Duration {
	i := h.rank(q)
	if i < 0 {
		return 0
	}
	return middle(i)
}

// rank returns the bucket in which a quantile is, -1 if there is none.
func (h *Histogram) rank(q float64) int {
	var total, seen uint64
	for _, c := range h.counts {
		total += uint64(c)
	}
	if !(q > 0) {
		q = 0
	}
	rank := max(1, uint64(math.Ceil(min(q, 1)*float64(total))))
	for i, c := range h.counts {
		if seen += uint64(c); seen >= rank {
			return i
		}
	}
	return -1
}

// variance is that of the durations, in square seconds, as exactly as the buckets are.
func (h *Histogram) variance() float64 {
	n, sum, squares := 0.0, 0.0, 0.0
	for i, c := range h.counts {
		if c > 0 {
			x, k := middle(i).Seconds(), float64(c)
			n, sum, squares = n+k, sum+k*x, squares+k*x*x
		}
	}
	if n < 2 {
		return 0
	}
	return max(0, squares-sum*sum/n) / (n - 1)
}

func middle(bucket int) time.Duration {
	if bucket == 0 {
		return time.Microsecond
	}
	return time.Duration(1e3 * math.Pow(histogramGrowth, float64(bucket)-0.5))
}
