package fix

import (
	"fmt"
	"slices"
	"strings"
)

// hunk is a range of lines of a text, counted from 0, and the range of another
// text that stands in its place.
type hunk struct{ a0, a1, b0, b1 int }

// maxEdits bounds one search for the shortest difference: its memory grows with
// the square. Beyond it the search goes on from the farthest point it reached.
const maxEdits = 256

// hunks returns where two texts differ, by Myers' greedy algorithm (An O(ND)
// Difference Algorithm and Its Variations, 1986).
func hunks(a, b []string) []hunk { return hunksWithin(a, b, maxEdits) }

func hunksWithin(a, b []string, edits int) []hunk {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	if start == endA && start == endB {
		return nil
	}
	var out []hunk
	for a0, b0 := start, start; a0 < endA || b0 < endB; {
		part, x, y := shortest(a[a0:endA], b[b0:endB], edits)
		for _, h := range part {
			h = hunk{h.a0 + a0, h.a1 + a0, h.b0 + b0, h.b1 + b0}
			if n := len(out) - 1; n >= 0 && out[n].a1 == h.a0 && out[n].b1 == h.b0 {
				out[n].a1, out[n].b1 = h.a1, h.b1
			} else {
				out = append(out, h)
			}
		}
		a0, b0 = a0+x, b0+y
	}
	return out
}

// shortest returns the shortest difference between the first x lines of a and
// the first y of b: all of them unless that takes more than so many edits.
func shortest(a, b []string, edits int) (found []hunk, x, y int) {
	n, m := len(a), len(b)
	limit := min(n+m, edits)
	v := make([]int, 2*limit+2)
	var trace [][]int
	farX, farY := 0, 0
	for d := 0; d <= limit; d++ {
		trace = append(trace, slices.Clone(v))
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				if k == -d || k != d && v[limit+k-1] < v[limit+k+1] {
					x = v[limit+k+1]
				} else {
					x = v[limit+k-1] + 1
				}
			}
			y := x - k
			for x < n && y < m && y >= 0 && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[limit+k] = x
			if x >= n && y >= m {
				return backtrack(trace, limit, n, m), n, m
			}
			if d == limit && x <= n && y <= m && x+y > farX+farY {
				farX, farY = x, y
			}
		}
	}
	if farX+farY == 0 {
		return []hunk{{0, n, 0, m}}, n, m
	}
	return backtrack(trace, limit, farX, farY), farX, farY
}

// backtrack reads the way that was found from its end.
func backtrack(trace [][]int, limit, x, y int) []hunk {
	var out []hunk
	for d := len(trace) - 1; d > 0; d-- {
		v, k := trace[d], x-y
		from := k - 1
		if k == -d || k != d && v[limit+k-1] < v[limit+k+1] {
			from = k + 1
		}
		px := v[limit+from]
		py := px - from
		h := hunk{px, px, py, py}
		if from == k+1 {
			h.b1++
		} else {
			h.a1++
		}
		if len(out) > 0 && out[0].a0 == h.a1 && out[0].b0 == h.b1 {
			out[0].a0, out[0].b0 = h.a0, h.b0
		} else {
			out = append([]hunk{h}, out...)
		}
		x, y = px, py
	}
	return out
}

func lines(text []byte) []string {
	all := strings.SplitAfter(string(text), "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// diffContext is how many unchanged lines surround a change.
const diffContext = 3

// Diff returns the unified diff between two texts of a file, as git apply and
// patch -p1 read it; "" if they are the same.
func Diff(path string, before, after []byte) string {
	a, b := lines(before), lines(after)
	all := hunks(a, b)
	if len(all) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n", path, path)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].a0-all[n-1].a1 <= 2*diffContext {
			n++
		}
		writeHunk(&out, a, b, all[:n])
		all = all[n:]
	}
	return out.String()
}

func writeHunk(out *strings.Builder, a, b []string, group []hunk) {
	first, last := group[0], group[len(group)-1]
	lead := min(diffContext, first.a0)
	tail := min(diffContext, len(a)-last.a1)
	a0, b0 := first.a0-lead, first.b0-lead
	na, nb := last.a1+tail-a0, last.b1+tail-b0
	fmt.Fprintf(out, "@@ -%s +%s @@\n", lineRange(a0, na), lineRange(b0, nb))
	at := a0
	for _, h := range group {
		write(out, ' ', a[at:h.a0])
		write(out, '-', a[h.a0:h.a1])
		write(out, '+', b[h.b0:h.b1])
		at = h.a1
	}
	write(out, ' ', a[at:last.a1+tail])
}

func lineRange(from, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, n)
}

func write(out *strings.Builder, sign byte, some []string) {
	for _, l := range some {
		out.WriteByte(sign)
		out.WriteString(l)
		if !strings.HasSuffix(l, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
