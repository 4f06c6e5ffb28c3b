package anomaly

import "math"

// tail knows how often a channel's deviation was how large: counts in buckets
// two to a doubling, of which older ones fade.
type tail struct {
	n      uint32
	tens   [buckets / group]uint16 // sums of the counts, group by group
	counts [buckets]uint16
}

const (
	buckets = 40
	group   = 10
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
// of one over the share of its own experience. Beyond what is common it goes
// on as the largest deviations foretell: how much further than a record a
// value must be to be news depends on how heavy the channel's tail is.
func (t *tail) surprise(x float32) float32 { return t.upTo(x, farthest) }

// upTo is the surprise with at most the given part foretold.
func (t *tail) upTo(x, limit float32) float32 {
	if t.n < fewest*unit {
		return 0
	}
	at, within := bucket(x)
	above := float32(t.counts[at]) * (1 - within)
	if at == 0 {
		above = float32(t.counts[0]) * 0.5
	}
	above += float32(t.beyond(at))
	s := max(0, -log10((above+unit/2)/(float32(t.n)+unit)))
	if above >= upper*float32(t.n) {
		return s
	}
	return s + max(0, min(t.foretold(at, within)-s, limit))
}

// beyond is the number of deviations in the buckets after one.
func (t *tail) beyond(at int) (n uint32) {
	g := at / group
	for _, c := range t.tens[g+1:] {
		n += uint32(c)
	}
	for _, c := range t.counts[at+1 : (g+1)*group] {
		n += uint32(c)
	}
	return n
}

const (
	// upper is the share of deviations from which the tail is foretold.
	upper = 0.02
	// farthest is how much surprise may be foretold beyond experience.
	farthest = 2
	// steepest is the least mean height, in doublings, that the largest
	// deviations are believed to have above the others.
	steepest = 0.1
)

// foretold is the surprise of a deviation in a bucket when the largest ones
// follow a power law: its exponent is one over their mean height.
func (t *tail) foretold(at int, within float32) float32 {
	var n, sum float32
	from := len(t.counts) - 1
	for ; from > 0; from-- {
		c := float32(t.counts[from])
		n += c
		sum += c * (float32(from) + 0.5)
		if n >= upper*float32(t.n) {
			break
		}
	}
	if n == 0 || at <= from+1 {
		return 0
	}
	height := max((sum/n-float32(from))/2, steepest)
	const e = 0.4343 // its decimal logarithm
	return -log10(n/float32(t.n)) + (float32(at-from)+within)/2/height*e
}

// record is by how much a deviation is larger than all that are remembered, in
// doublings; 0 when it is none, or little is remembered.
func (t *tail) record(x float32) float32 {
	at, within := bucket(x)
	if t.n < settledTail*unit || t.beyond(at) > 0 {
		return 0
	}
	top := at
	for t.counts[top] == 0 {
		top--
	}
	return max(0, float32(at-top-1)+within) / 2
}

// settledTail is how many deviations make a record mean something.
const settledTail = 100

// learn counts a deviation.
func (t *tail) learn(x float32) {
	at, _ := bucket(x)
	t.counts[at] += unit
	t.tens[at/group] += unit
	t.n += unit
	if t.n >= 2*memory*unit {
		t.n = 0
		for i := range t.counts {
			t.counts[i] /= 2
			t.n += uint32(t.counts[i])
		}
		t.add()
	}
}

// add makes the sums of the counts anew.
func (t *tail) add() {
	clear(t.tens[:])
	for i, c := range t.counts {
		t.tens[i/group] += c
	}
}
