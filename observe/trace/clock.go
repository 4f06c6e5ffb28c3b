package trace

import "time"

// async reports whether the parent of c does not wait for it.
func (t *Trace) async(c *Node) bool {
	return c.Kind == Consumer || c.Parent >= 0 && t.Spans[c.Parent].Kind == Producer
}

// align moves spans whose clock differs from their parent's. That a call began
// before it was made, or after its caller had its answer, is the evidence; that
// it ended later is none, for not everybody waits. Where it fits it is put into
// the middle of its caller's span, as if both ways had taken equally long.
func (t *Trace) align() {
	for i := range t.Spans {
		n := &t.Spans[i]
		if n.Parent < 0 {
			continue
		}
		p := &t.Spans[n.Parent]
		if sameClock(p, n) {
			n.Shift = p.Shift
		} else if !t.async(n) {
			n.Shift = skew(p, n)
		}
		if n.Shift == 0 {
			continue
		}
		n.Start, n.End = addTime(n.Start, n.Shift), addTime(n.End, n.Shift)
		t.Flaws.Skewed++
		if n.Shift.Abs() > t.Flaws.Skew {
			t.Flaws.Skew = n.Shift.Abs()
		}
	}
}

// skew is what has to be added to the times of n, whose parent p is corrected.
func skew(p, n *Node) time.Duration {
	early := n.Start < p.Start
	late := n.Start > p.End && p.Kind == Client && n.Kind == Server && !p.Failed
	switch room := p.Duration() - n.Duration(); {
	case !early && !late:
		return 0
	case room >= 0:
		return between(n.Start, addTime(p.Start, room/2))
	default:
		return between(n.Start, p.Start)
	}
}

// between is the time from a to b, without overflow.
func between(a, b int64) time.Duration {
	d := b - a
	if (b > a) != (d > 0) && d != 0 {
		if b > a {
			return 1<<63 - 1
		}
		return -1 << 63
	}
	return time.Duration(d)
}

// addTime is t + d, without overflow.
func addTime(t int64, d time.Duration) int64 {
	s := t + int64(d)
	switch {
	case d > 0 && s < t:
		return 1<<63 - 1
	case d < 0 && s > t:
		return -1 << 63
	}
	return s
}

func sameClock(p, n *Node) bool {
	a, b := p.identity(), n.identity()
	return a == b || a.Instance != "" && a.Instance == b.Instance && a.KubeNamespace == b.KubeNamespace
}
