package anomaly

// vectors tells whether the processor can compare eight patterns at once:
// AVX2 and conversions of 16-bit numbers, with the system's consent.
var vectors = canVector()

// nearestLevel is the level nearest to x of the first n, at least one; room
// holds its distance. Of several it is the first.
func nearestLevel(levels *[knownLevels]short, n int, x float32, room *distances) (at int) {
	if !vectors {
		return plainLevel(levels, n, x, room)
	}
	return vectorLevel(levels, n, x, room)
}

// nearestPattern is the pattern nearest to m of the first n, at least one; room
// holds its squared distance. Of several it is the first.
func nearestPattern(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) (at int) {
	if !vectors {
		return plainPattern(levels, n, m, room)
	}
	return vectorPattern(levels, n, m, room)
}

// allPatterns fills room with the squared distances of the first n patterns,
// at least one.
func allPatterns(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) {
	if !vectors {
		plainPatterns(levels, n, m, room)
		return
	}
	vectorPattern(levels, n, m, room)
}

// vectorLevel fills room with all distances and finds the least.
//
//go:noescape
func vectorLevel(levels *[knownLevels]short, n int, x float32, room *distances) (at int)

// vectorPattern fills room with all distances and finds the least.
//
//go:noescape
func vectorPattern(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) (at int)

func canVector() bool

// prefetch asks for what every sample touches.
//
//go:noescape
func prefetch(s *Series)

// prefetchKnown asks for all that is known of the blocks of a length.
//
//go:noescape
func prefetchKnown(k *known)
