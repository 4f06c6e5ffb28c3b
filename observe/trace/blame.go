package trace

// blame finds the failures that are nobody else's: of spans that failed though
// nothing failed that they waited for. A failure passes through spans inside a
// service that do not say so. One that was made good, by a later sibling of the
// same name, is not the reason why the parent failed.
func (t *Trace) blame() {
	down := make([]bool, len(t.Spans))
	for i := len(t.Spans) - 1; i >= 0; i-- {
		n := &t.Spans[i]
		below := t.failedBelow(i, down)
		n.Blamed = n.Failed && !below
		down[i] = n.Failed || below && n.Entry != i && (n.Kind == Internal || n.Kind == Unspecified)
	}
}

// failedBelow reports whether a child failed that i waited for, for good.
func (t *Trace) failedBelow(i int, down []bool) bool {
	type call struct {
		name string
		kind Kind
	}
	n := &t.Spans[i]
	failed := false
	for j := n.first; j < n.first+n.children; j++ {
		failed = failed || down[j]
	}
	if !failed {
		return false
	}
	// The start of the last good one of each call.
	good := map[call]int64{}
	for j := n.first; j < n.first+n.children; j++ {
		c := &t.Spans[j]
		if k := (call{c.Name, c.Kind}); !down[j] {
			if at, ok := good[k]; !ok || c.Start > at {
				good[k] = c.Start
			}
		}
	}
	for j := n.first; j < n.first+n.children; j++ {
		c := &t.Spans[j]
		if !down[j] || t.async(c) {
			continue
		}
		if at, ok := good[call{c.Name, c.Kind}]; !ok || at < c.End {
			return true
		}
	}
	return false
}
