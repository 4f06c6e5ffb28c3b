package stream

import (
	"math"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// End is the value that marks the end of a series, as Prometheus writes it. Any other
// that is no number is one that is absent.
const End = 0x7ff0000000000002

// Sample is one value of a series.
type Sample[K any] struct {
	Name  K
	Hash  uint64
	At    int64 // milliseconds since 1970
	Value float64
	// Place is where the series was found, if it was.
	Place Place
	// Kind is what the sender says that the series is.
	Kind Kind
}

// Batch is samples that are judged together. The zero value is empty, and so is one that
// was fed: it can be filled again, and takes no new memory for as many.
type Batch[K any] struct {
	samples []Sample[K]
	order   []uint32
	rows    []uint32
	ends    [parts + 1]uint32
	turns   []Turn
}

// most is how many samples a batch keeps the room of.
const most = 1 << 15

// Add adds a sample.
func (b *Batch[K]) Add(s Sample[K]) { b.samples = append(b.samples, s) }

// Len is how many samples there are.
func (b *Batch[K]) Len() int { return len(b.samples) }

// Reset empties the batch.
func (b *Batch[K]) Reset() {
	if cap(b.samples) > most {
		*b = Batch[K]{}
		return
	}
	clear(b.samples) // others' names are not to be held
	clear(b.turns)
	b.samples, b.turns = b.samples[:0], b.turns[:0]
}

// sort puts the samples of each shard together, in the order in which they came.
func (b *Batch[K]) sort() {
	n := len(b.samples)
	if cap(b.order) < n {
		b.order, b.rows = make([]uint32, n, cap(b.samples)), make([]uint32, n, cap(b.samples))
	}
	b.order, b.rows, b.ends = b.order[:n], b.rows[:n], [parts + 1]uint32{}
	for i := range b.samples {
		b.ends[b.samples[i].Hash%parts+1]++
	}
	for i := range parts {
		b.ends[i+1] += b.ends[i]
	}
	next := b.ends
	for i := range b.samples {
		p := &next[b.samples[i].Hash%parts]
		b.order[*p] = uint32(i)
		*p++
	}
}

// Feed judges the samples of a batch, and empties it.
func (t *Table[K]) Feed(b *Batch[K], now time.Time) {
	b.sort()
	first, minute := int(t.first.Add(1)), uint32(now.Unix()/60)
	for i := range parts {
		part := (first + i) % parts
		if from, to := b.ends[part], b.ends[part+1]; from < to {
			t.shards[part].feed(b, b.order[from:to], b.rows[from:to], minute)
		}
	}
	if len(b.turns) > 0 {
		t.options.Turned(b.turns)
	}
	b.Reset()
}

// feed finds the series of all samples first, and judges them then, each next one on its
// way from memory meanwhile.
func (s *shard[K]) feed(b *Batch[K], order, rows []uint32, minute uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range order {
		x := &b.samples[n]
		at := s.look(x)
		if at == none && s.of.options.Naming.Picked(x.Name) {
			if at = s.add(x.Hash, x.Name, x.Kind); at == none {
				s.count.Left++
				s.left.add(x.Hash)
			}
		}
		rows[i] = at
	}
	for i, at := range rows {
		if i+1 < len(rows) && rows[i+1] != none {
			s.known(rows[i+1]).Prefetch()
		}
		if at != none {
			b.turns = s.judge(b.turns, at, &b.samples[order[i]], minute)
		}
	}
}

// judge judges a sample, and adds what became of its series to turns.
func (s *shard[K]) judge(turns []Turn, at uint32, x *Sample[K], minute uint32) []Turn {
	r, known := s.row(at), s.known(at)
	if math.Float64bits(x.Value) == End {
		s.count.Ends++
		return s.hush(turns, at)
	}
	r.seen = minute
	if s.says(r, x.Kind) { // it is another series than was thought
		turns = s.close(turns, at, Unknown)
		s.stand(r, observe.Learning)
		r.kind, *known = x.Kind, anomaly.Series{}
	}
	sample := anomaly.Sample{At: x.At, Value: x.Value}
	if planned := s.of.groups.at(r.group).planned.Load(); planned != nil {
		sample.Muted = (*planned)(time.UnixMilli(x.At))
	}
	d := s.of.detectors[r.kind]
	v := d.Observe(known, sample)
	s.count.Samples[v.State]++
	state := observe.Normal
	switch v.State {
	case anomaly.Absent, anomaly.Late, anomaly.Restarted:
		return turns
	case anomaly.Learning:
		state = observe.Learning
	case anomaly.Abnormal:
		state = observe.Abnormal
	}
	if state == observe.Abnormal {
		turns = s.goOn(turns, at, &v)
	} else if r.state == observe.Abnormal {
		turns = s.close(turns, at, Ended)
	}
	if r.state != state {
		s.stand(r, state)
	}
	return turns
}

// goOn takes a sample of an anomaly, with which that may have begun.
func (s *shard[K]) goOn(turns []Turn, at uint32, v *anomaly.Verdict) []Turn {
	p, goesOn := s.open[at]
	if !goesOn {
		x := s.of.detectors[s.row(at).kind].Explain(s.known(at))
		s.open[at] = peak{v.Value, x.Low, x.High, v.Probability}
		return append(turns, Turn{Began, s.told(at)})
	}
	further := math.Abs(v.Value-(p.low+p.high)/2) > math.Abs(p.value-(p.low+p.high)/2)
	if further || v.Probability > p.probability {
		if further {
			p.value = v.Value
		}
		p.probability = max(p.probability, v.Probability)
		s.open[at] = p
	}
	return turns
}

// close ends the anomaly of a series, if there is one.
func (s *shard[K]) close(turns []Turn, at uint32, how What) []Turn {
	if _, goesOn := s.open[at]; !goesOn {
		return turns
	}
	turns = append(turns, Turn{how, s.told(at)})
	delete(s.open, at)
	return turns
}

// hush notes that a series is not measured any more.
func (s *shard[K]) hush(turns []Turn, at uint32) []Turn {
	r := s.row(at)
	if r.state == observe.Silent {
		return turns
	}
	turns = s.close(turns, at, Unknown)
	s.stand(r, observe.Silent)
	return turns
}
