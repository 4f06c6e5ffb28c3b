//go:build !amd64

package anomaly

func nearestLevel(levels *[knownLevels]short, n int, x float32, room *distances) (at int) {
	return plainLevel(levels, n, x, room)
}

func nearestPattern(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) (at int) {
	return plainPattern(levels, n, m, room)
}

func allPatterns(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) {
	plainPatterns(levels, n, m, room)
}

func prefetch(*Series) {}

func prefetchKnown(*known) {}
