package anomaly

import "math"

// tail knows how often a channel's deviation was how large: counts in buckets
// two to a doubling, of which older ones fade.
type tail struct {
	counts [buckets]uint16
	n      uint32
}

const (
	buckets = 40
	// unit is what one deviation counts, so that halving forgets by halves.
	unit = 4
	// memory is how many deviations are remembered: beyond twice as many, all
	// counts are halved.
	memory = 5000
	// fewest is how many must be known before anything is surprising.
	fewest = 20
)

// bucket finds the bucket of a deviation and where in it that is.
func bucket(x float32) (at int, within float32) {
	const first = (127 - 10) * 2 // 2 to the power of -10
	if x < 1.0/1024 {
		return 0, 0
	}
	bits := math.Float32bits(x)
	at = int(bits>>22) - first
	if at >= buckets {
		return buckets - 1, 1
	}
	return at, float32(bits&0x3fffff) / 0x400000
}

// surprise is how seldom a deviation as large as x was: the decimal logarithm
// of one over the share of its own experience,
// and some more where it exceeds all of that.
func (t *tail) surprise(x float32) float32 {
	if t.n < fewest*unit {
		return 0
	}
	at, within := bucket(x)
	above := float32(t.counts[at]) * (1 - within)
	if at == 0 {
		above = float32(t.counts[0]) * 0.5
	}
	var larger uint32
	for _, c := range t.counts[at+1:] {
		larger += uint32(c)
	}
	above += float32(larger)
	s := max(0, -log10((above+unit/2)/(float32(t.n)+unit)))
	if above == 0 {
		s += unheard * t.beyond(at, within)
	}
	return s
}

// unheard is what each doubling beyond all that is remembered adds, up to four
// doublings: a record by far is more than one by a hair.
const unheard = 0.5

// beyond is how many doublings a deviation is above the bucket of the largest.
func (t *tail) beyond(at int, within float32) float32 {
	top := at
	for top > 0 && t.counts[top] == 0 {
		top--
	}
	return min(4, (float32(at-top)+within)/2)
}

// learn counts a deviation.
func (t *tail) learn(x float32) {
	at, _ := bucket(x)
	t.counts[at] += unit
	t.n += unit
	if t.n >= 2*memory*unit {
		t.n = 0
		for i := range t.counts {
			t.counts[i] /= 2
			t.n += uint32(t.counts[i])
		}
	}
}
