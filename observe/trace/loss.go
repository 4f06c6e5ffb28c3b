package trace

// Loss counts what was not kept or not fully used, by the reason.
type Loss struct {
	// Invalid spans had no id or no time.
	Invalid uint64 `json:"invalid,omitempty"`
	// Refused spans were turned away before they were read: too busy, too
	// large. The receiver tells of them.
	Refused uint64 `json:"refused,omitempty"`
	// Oversize spans were beyond what one trace may hold.
	Oversize uint64 `json:"oversize,omitempty"`
	// Late spans came after the costs of their trace were counted.
	Late uint64 `json:"late,omitempty"`
	// Evicted spans made room, before their time. Hurried ones did before their
	// trace was quiet, so that its costs may be counted in pieces.
	Evicted uint64 `json:"evicted,omitempty"`
	Hurried uint64 `json:"hurried,omitempty"`
	// Collapsed calls were counted without their operation, and Unplaced ones
	// without their parties: there were too many edges.
	Collapsed uint64 `json:"collapsed,omitempty"`
	Unplaced  uint64 `json:"unplaced,omitempty"`
}

// Any reports whether costs may be wrong: those of evicted traces are not, they
// were counted before, unless in a hurry.
func (l Loss) Any() bool {
	return l.Invalid|l.Refused|l.Oversize|l.Late|l.Hurried|l.Unplaced != 0
}

func (l *Loss) add(o Loss) {
	l.Invalid += o.Invalid
	l.Refused += o.Refused
	l.Oversize += o.Oversize
	l.Late += o.Late
	l.Evicted += o.Evicted
	l.Hurried += o.Hurried
	l.Collapsed += o.Collapsed
	l.Unplaced += o.Unplaced
}
