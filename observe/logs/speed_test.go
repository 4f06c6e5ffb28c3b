package logs_test

import (
	"testing"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/observe/logs"
)

func BenchmarkAdd(b *testing.B) {
	lines := corpus.LogLines(4096)
	m, err := logs.New(logs.Default())
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range lines {
		m.Add(l, 0)
	}
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		m.Add(lines[i&4095], int64(i))
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	if testing.Verbose() {
		for _, t := range m.Templates() {
			b.Log(t.Count, t.Text)
		}
	}
}

// flood is what a program writes that has gone mad, or means harm: words that
// are always new, in lines of the same shape.
func flood(n int) [][]byte {
	out := make([][]byte, n)
	x := uint64(1)
	for i := range out {
		var l []byte
		for range 8 {
			for range 6 {
				x = x*6364136223846793005 + 1442695040888963407
				l = append(l, 'a'+byte(x>>40%26))
			}
			l = append(l, ' ')
		}
		out[i] = l
	}
	return out
}

func BenchmarkFlood(b *testing.B) {
	lines := flood(100_000)
	m, err := logs.New(logs.Default())
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		m.Add(lines[i%len(lines)], int64(i))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
