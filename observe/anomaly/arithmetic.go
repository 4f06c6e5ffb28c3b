package anomaly

import "math"

// Numbers are kept in 32 bits, because a million series must fit. Values far
// outside of what that can hold are clamped, never infinite.
const (
	largest  = float32(1e30)
	smallest = float32(1e-30)
)

// narrow keeps a difference in 32 bits.
func narrow(x float64) float32 {
	return float32(max(-float64(largest), min(x, float64(largest))))
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// bounded keeps a distance finite, so that its square is, too.
func bounded(x float32) float32 {
	if x < 1e9 {
		return x
	}
	return 1e9
}

// log10 is the logarithm of a positive number to about three digits.
func log10(x float32) float32 {
	bits := math.Float32bits(x)
	e := float32(int32(bits>>23) - 127)
	m := math.Float32frombits(bits&0x7fffff | 127<<23)
	// A cubic through the logarithm to base 2 on [1, 2).
	l := ((0.15824871*m-1.05187502)*m+3.04788415)*m - 2.15417140
	return (e + l) * 0.30103
}

// blend moves a mean towards x by the share a.
func blend(mean *float32, x, a float32) { *mean += a * (x - *mean) }

// share is the step of a mean that starts as the plain one and never becomes
// slower than least.
func share(n uint32, least float32) float32 {
	return max(least, 1/float32(max(n, 1)))
}

// short is a number in 16 bits: the upper half of 32, with 8 significant
// bits. Values are kept relative to the series' middle, so that this is finer
// than the radius of a pattern.
type short uint16

// shorten rounds to the nearest.
func shorten(x float32) short {
	bits := math.Float32bits(x)
	return short((bits + 0x7fff + bits>>16&1) >> 16)
}

func (s short) long() float32 { return math.Float32frombits(uint32(s) << 16) }
