package anomaly

import (
	"fmt"
	"strings"
)

// Channel is one way in which a series can be unusual.
type Channel uint8

// String names the channel for people.
func (c Channel) String() string {
	switch {
	case c < 2*spans && c%2 == 0:
		return fmt.Sprintf("new level (blocks of %d)", lengths[c/2])
	case c < 2*spans:
		return fmt.Sprintf("new pattern (blocks of %d)", lengths[c/2])
	case c == chVariation:
		return "variation"
	case c == chDay:
		return "hour of the day"
	case c == chWeek:
		return "hour of the week"
	case c == chResidual:
		return "sudden step"
	case c == chStill:
		return "stands still"
	}
	return "unknown"
}

// Channels is how many there are.
const Channels = tails

// Evidence is one channel's part.
type Evidence struct {
	Channel Channel
	// Surprise is the decimal logarithm of one over how often the channel's
	// deviation was as large before: 3 is once in a thousand.
	Surprise float32
	// Share is the channel's part of the whole, in [0, 1]; 0 for the sudden
	// step, which opens no incident.
	Share float32
}

// Explanation says why an incident was opened.
type Explanation struct {
	// Since is when it began, in ms since 1970; 0 if there was none yet.
	Since int64
	// Open is whether it still goes on.
	Open bool
	// Direction is on which side of the expected the value was.
	Direction Direction
	// Low and High bounded the expected values then.
	Low, High float64
	// Evidence is the channels, the strongest share first.
	Evidence [Channels]Evidence
	// Nearest is the known pattern most like what was seen, as levels of
	// blocks of Block samples, and Seen how often it had been seen, up to 15;
	// 0 when none was known.
	Nearest [blocks]float64
	Block   int
	Seen    int
}

// Explain says why the open incident, or else the last one, was opened.
func (d *Detector) Explain(s *Series) Explanation {
	e := &s.event.why
	x := Explanation{
		Since: e.since, Open: s.event.open, Direction: e.direction,
		Low: s.in.absolute(e.low), High: s.in.absolute(e.high),
		Block: int(lengths[e.nearSpan]), Seen: int(e.near.seen),
	}
	for i, level := range e.near.levels {
		x.Nearest[i] = s.in.absolute(level)
	}
	part := d.parts(e)
	var sum float32
	for _, p := range part {
		sum += p
	}
	for i := range x.Evidence {
		ev := Evidence{Channel: Channel(i), Surprise: e.surprise[i]}
		if sum > 0 {
			ev.Share = part[i] / sum
		}
		at := i
		for at > 0 && x.Evidence[at-1].Share < ev.Share {
			x.Evidence[at] = x.Evidence[at-1]
			at--
		}
		x.Evidence[at] = ev
	}
	return x
}

// parts is what each channel had in the strength of an incident's alarm: its
// part of the mean, and what it said beyond that by itself.
func (d *Detector) parts(e *reason) (part [tails]float32) {
	var mean float32
	for i := range d.weight {
		part[i] = d.weight[i] * e.surprise[i] / d.total
		mean += part[i]
	}
	part[chStill] = max(0, stillAlone(e.surprise[chStill])-mean)
	habit := e.surprise[chDay]
	if e.surprise[chWeek] > 0 {
		habit = min(habit, e.surprise[chWeek])
	}
	part[chDay] += max(0, habitAlone*habit-mean)
	return part
}

// String tells the explanation in one sentence.
func (x Explanation) String() string {
	if x.Since == 0 {
		return "no incident yet"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s the expected %.4g to %.4g", x.Direction, x.Low, x.High)
	if x.Direction == Either {
		b.Reset()
		fmt.Fprintf(&b, "unlike the expected %.4g to %.4g", x.Low, x.High)
	}
	for i, ev := range x.Evidence[:3] {
		if ev.Share <= 0 {
			break
		}
		sep := ", "
		if i == 0 {
			sep = "; "
		}
		fmt.Fprintf(&b, "%s%s %.0f %%", sep, ev.Channel, 100*ev.Share)
	}
	if x.Seen > 0 {
		fmt.Fprintf(&b, "; nearest known pattern %.4g", x.Nearest)
	}
	return b.String()
}
