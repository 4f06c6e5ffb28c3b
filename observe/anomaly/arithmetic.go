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

// short is a number in 16 bits as IEEE 754 has it: 11 significant bits and up
// to 65504. Values are kept relative to the middle of their series and in a
// unit near its range, where this is far finer than patterns are told apart.
type short uint16

// toShort rounds to the nearest, and what is too large to the largest.
func toShort(x float32) short {
	bits := math.Float32bits(x)
	sign := short(bits >> 16 & 0x8000)
	magnitude := math.Float32frombits(bits&0x7fffffff) * 0x1p-112
	m := math.Float32bits(min(magnitude, 65504*0x1p-112))
	return sign | short((m+0xfff+m>>13&1)>>13)
}

func (s short) long() float32 {
	return math.Float32frombits(uint32(s&0x8000)<<16|uint32(s&0x7fff)<<13) * 0x1p112
}
