package store

import (
	"cmp"
	"context"
	"slices"
)

// Query says which lines are wanted.
type Query struct {
	// Match chooses streams by their labels, Keep lines by their bytes; nil chooses
	// all.
	Match func(labels map[string]string) bool
	Keep  func(line []byte) bool
	// From is the first moment and To the one after the last, in nanoseconds since
	// 1970.
	From, To int64
}

// Line is a line that is kept.
type Line struct {
	// Labels are those of its stream. They must not be changed.
	Labels map[string]string
	At     int64
	Text   string
}

// part is a chunk to be read, and whose it is.
type part struct {
	chunk
	labels map[string]string
}

// parts returns the chunks that may have lines of a query. Sealed ones are never
// changed; of open ones the data so far is not.
func (s *Store) parts(q Query) []part {
	s.mu.RLock()
	defer s.mu.RUnlock()
	wanted := map[*Stream]bool{}
	for _, st := range s.streams {
		wanted[st] = q.Match == nil || q.Match(st.labels)
	}
	var out []part
	take := func(c *chunk) {
		if wanted[c.stream] && c.last >= q.From && c.first < q.To {
			out = append(out, part{*c, c.stream.labels})
		}
	}
	for _, c := range s.sealed {
		take(c)
	}
	for st := range wanted {
		if st.open != nil {
			take(st.open)
		}
	}
	return out
}

// Each hands the lines of a query, those of a stream in their order, to what use
// returns for the labels of some of them. Their bytes are valid during the call only.
// It ends early when ctx does.
func (s *Store) Each(ctx context.Context, q Query, use func(labels map[string]string) func(at int64, line []byte)) error {
	var buffer []byte
	for _, p := range s.parts(q) {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := p.unpacked(buffer)
		if err != nil {
			return err
		}
		if p.packed {
			buffer = data
		}
		hand := use(p.labels)
		each(data, func(at int64, line []byte) bool {
			if at >= q.From && at < q.To && (q.Keep == nil || q.Keep(line)) {
				hand(at, line)
			}
			return true
		})
	}
	return nil
}

// Lines returns the first lines of a query by time, or the last with backward, at
// most limit, in the order of time or, with backward, against it.
func (s *Store) Lines(ctx context.Context, q Query, limit int, backward bool) ([]Line, error) {
	if limit <= 0 {
		return nil, nil
	}
	parts := s.parts(q)
	order := func(a, b Line) int { return cmp.Compare(a.At, b.At) }
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.first, b.first) })
	if backward {
		order = func(a, b Line) int { return cmp.Compare(b.At, a.At) }
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.last, a.last) })
	}
	var out []Line
	full := false
	// beyond tells that what begins, or ends, there cannot be among the wanted.
	beyond := func(p part) bool {
		if !full {
			return false
		}
		worst := out[limit-1].At
		return !backward && p.first > worst || backward && p.last < worst
	}
	settle := func() {
		slices.SortStableFunc(out, order)
		if full = len(out) >= limit; full {
			out = out[:limit]
		}
	}
	var buffer []byte
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if beyond(p) {
			break
		}
		data, err := p.unpacked(buffer)
		if err != nil {
			return nil, err
		}
		if p.packed {
			buffer = data
		}
		each(data, func(at int64, line []byte) bool {
			if at >= q.From && at < q.To && (q.Keep == nil || q.Keep(line)) {
				out = append(out, Line{p.labels, at, string(line)})
				if len(out) >= 2*limit+chunkSize/16 {
					settle()
				}
			}
			return true
		})
		settle()
	}
	return out, nil
}
