package cause

import (
	"fmt"
	"testing"
)

// BenchmarkRank judges a case of a thousand series of an hour at
// 15 s each.
func BenchmarkRank(b *testing.B) {
	var list []string
	for i := range 167 {
		list = append(list, fmt.Sprint("s", i))
	}
	c := newBuilder(list...).calls(list[:40]...).slow(faultAt, list[:40]...).made()
	c.Series = c.Series[:1000]
	for i := range c.Series {
		s := &c.Series[i]
		s.At, s.Values = s.At[len(s.At)-240:], s.Values[len(s.Values)-240:]
	}
	b.ReportAllocs()
	for b.Loop() {
		Rank(c)
	}
}
