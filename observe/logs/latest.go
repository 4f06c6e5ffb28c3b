package logs

import (
	"cmp"
	"slices"
	"time"
)

// Moments are when the lines of logs were written, to find the one at which they end.
// The zero value has none. Its memory is bounded.
type Moments struct {
	hours map[int64]*hour
	near  *hour // that of the last line
	lines uint64
}

// hour is the lines of one.
type hour struct {
	number, newest int64
	lines          uint64
}

const hourLength = int64(time.Hour / time.Millisecond)

// maxHours bounds the hours that are told apart: ten years of them.
const maxHours = 10 * 366 * 24

// Add takes the moment of a line, in milliseconds since 1970.
func (m *Moments) Add(at int64) {
	m.lines++
	n := at / hourLength
	if m.near == nil || m.near.number != n {
		h := m.hours[n]
		if h == nil {
			if m.hours == nil {
				m.hours = map[int64]*hour{}
			}
			if len(m.hours) >= maxHours {
				return
			}
			h = &hour{number: n, newest: at}
			m.hours[n] = h
		}
		m.near = h
	}
	m.near.lines++
	m.near.newest = max(m.near.newest, at)
}

// Last returns the newest moment that has company, 0 if there is none at all. Lines
// further than the window, and an hour, behind all others are none if they are fewer than
// few and than a hundredth of all: one wrong clock does not say when a log ends. stray is
// the newest of these, 0 if there are none.
func (m *Moments) Last(window time.Duration) (last, stray int64) {
	all := make([]*hour, 0, len(m.hours))
	for _, h := range m.hours {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *hour) int { return cmp.Compare(b.newest, a.newest) })
	apart := max(window.Milliseconds(), hourLength)
	for i := 0; i < len(all); {
		end, lines := i+1, all[i].lines
		for end < len(all) && all[end-1].newest-all[end].newest <= apart+hourLength {
			lines += all[end].lines
			end++
		}
		if end == len(all) || !Few(lines, m.lines) {
			return all[i].newest, stray
		}
		stray = cmp.Or(stray, all[i].newest)
		i = end
	}
	return 0, 0
}

// few is how many lines are none that one can judge by, beside hundreds of others.
const few = 5

// Few tells whether lines are almost none of all.
func Few(lines, all uint64) bool { return lines < few && lines*100 < all }
