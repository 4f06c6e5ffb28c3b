package anomaly

import (
	"math"
	"time"
)

// season knows what is usual at which hour of the week, from the mean of each
// hour; what is usual at an hour of the day follows from it. Hours are kept
// relative to the level of the last days, so that growth is no broken habit.
type season struct {
	mean       [hoursOfWeek]short // from the level
	seen       hourly             // how often, up to weeks
	recurrence recurrence
	until      int64 // when the hour ends, ms; 0 before the first
	hour       uint8 // of the week
	holiday    bool
	n          uint32 // samples of the hour
	sum        float32
	// Errors, as means: of the plain middle, the day's and the week's habit.
	plain, level    float32
	dayErr, weekErr float32
	hours           uint32
	// What the hour that goes on foretells; see foretell.
	habit habit
}

// habit is what is expected of an hour, the usual error of that, and how far
// it is trusted.
type habit struct{ x, err, trust float32 }

const (
	hoursOfWeek = 168
	hourMs      = 3600 * 1000
	// weeks is how many weeks the mean of an hour reaches back.
	weeks = 8
)

// hourly is a number of up to 15 for each hour of the week, in half a byte.
type hourly [hoursOfWeek / 2]uint8

func (h *hourly) at(hour uint8) uint8 { return h[hour/2] >> (hour % 2 * 4) & 15 }

func (h *hourly) set(hour, n uint8) {
	half := hour % 2 * 4
	h[hour/2] = h[hour/2]&^(15<<half) | n<<half
}

// passed is what an hour that ended deviated, in units of the habit's usual
// error; negative where there is no habit.
type passed struct{ day, week float32 }

// see takes a sample. When it begins a new hour, the one that ended is judged
// and learned.
func (s *season) see(at int64, x, width float32, set *Settings) (p passed, ended bool) {
	p = passed{-1, -1}
	if at >= s.until || at < s.until-hourMs {
		if s.n > 0 && s.until > 0 {
			p, ended = s.close(width), true
		}
		s.open(at, set)
	}
	s.sum += x
	s.n++
	return p, ended
}

// open finds the hour of the week on the users' clock. Where the clock is put
// back, an hour of the week lasts two; where it is put forward, one is missing.
func (s *season) open(at int64, set *Settings) {
	t := time.UnixMilli(at).In(set.Location)
	hour := uint8(int(t.Weekday())*24 + t.Hour())
	s.recurrence.open(s.hour, s.hoursTo(hour, at))
	s.hour = hour
	s.until = at - at%hourMs + hourMs
	if _, offset := t.Zone(); offset%3600 != 0 {
		past := (int64(t.Minute())*60+int64(t.Second()))*1000 + int64(t.Nanosecond()/1e6)
		s.until = at - past + hourMs
	}
	s.holiday = false
	if set.Holiday != nil {
		y, m, d := t.Date()
		s.holiday = set.Holiday(time.Date(y, m, d, 0, 0, 0, 0, set.Location))
	}
	s.sum, s.n = 0, 0
	s.foretell()
}

// hoursTo is how many hours of the week there are from the one that is open to one that
// begins: the clock of the users says which it is, and the time how many weeks later.
func (s *season) hoursTo(hour uint8, at int64) int {
	hours := (int(hour) - int(s.hour) + hoursOfWeek) % hoursOfWeek
	if s.until == 0 {
		return hours
	}
	past := (float64(at) - float64(s.until)) / hourMs
	later := math.Round((past + 1 - float64(hours)) / hoursOfWeek)
	return hours + hoursOfWeek*int(max(-1, min(later, weeks+1)))
}

func (s *season) close(width float32) passed {
	x := s.sum / float32(s.n)
	s.hours++
	if s.hours == 1 {
		s.level = x
	}
	x -= s.level
	blend(&s.level, s.level+x, share(s.hours, 0.005))
	blend(&s.plain, abs(x), share(s.hours/2, 0.01))
	p, room := passed{day: -1, week: -1}, largest
	if habit, ok := s.day(s.hour % 24); ok {
		p.day = s.judge(x-habit, &s.dayErr, width, s.hours-24)
		room = roomOf(s.dayErr, width)
	}
	if s.seen.at(s.hour) >= 2 {
		p.week = s.judge(x-s.mean[s.hour].long(), &s.weekErr, width, s.hours-2*hoursOfWeek)
		room = roomOf(s.weekErr, width)
	}
	if s.holiday {
		// A holiday may be like a Sunday, and is not what the weekday is like.
		if sunday := s.hour % 24; s.seen.at(sunday) > 0 {
			p.week = min(p.week, s.judge(x-s.mean[sunday].long(), &s.weekErr, width, s.hours))
		}
		return p
	}
	mean := s.mean[s.hour].long()
	if s.seen.at(s.hour) > 0 {
		x = mean + max(-room, min(x-mean, room))
	}
	times := min(s.seen.at(s.hour)+1, weeks)
	s.seen.set(s.hour, times)
	blend(&mean, x, 1/float32(times))
	s.mean[s.hour] = toShort(mean)
	return p
}

// roomOf is how far from a habit with the usual error an hour may be to be
// learned as it is: one that is farther is learned as if it were that far, so
// that what breaks a habit does not become one at once.
func roomOf(usual, width float32) float32 { return 4*usual + 0.1*width }

// judge compares an hour with a habit and learns how good the habit is, as the
// n-th such comparison. A habit that foretells no better than the middle says
// nothing.
func (s *season) judge(off float32, mean *float32, width float32, n uint32) float32 {
	e := abs(off)
	usual := *mean
	blend(mean, min(e, roomOf(usual, width)), share(n, 0.01))
	gate := trust(usual, s.plain)
	return gate * bounded(e/(usual+0.05*width))
}

// trust is 0 for a habit whose error is hardly less than that of the plain
// middle and 1 for one that explains most of it.
func trust(err, plain float32) float32 {
	skill := 1 - err/max(plain, smallest)
	return max(0, min(1, (skill-0.2)/0.4))
}

// weekday tells whether the hour is of Monday to Friday.
func (s *season) weekday() bool { return s.hour >= 24 && s.hour < 144 }

// day is what is usual at an hour of the day, from the level: the mean of the
// week's.
func (s *season) day(hour uint8) (float32, bool) {
	var sum, n float32
	for i := int(hour); i < hoursOfWeek; i += 24 {
		if s.seen.at(uint8(i)) > 0 {
			sum += s.mean[i].long()
			n++
		}
	}
	return sum / max(n, 1), n >= 2
}

// foretell finds the habit of the current hour that is trusted most. It holds
// until the hour ends: samples need not look at the whole week.
func (s *season) foretell() {
	var h habit
	if s.seen.at(s.hour) >= 2 {
		h = habit{s.level + s.mean[s.hour].long(), s.weekErr, trust(s.weekErr, s.plain)}
	}
	if day, ok := s.day(s.hour % 24); ok {
		if c := trust(s.dayErr, s.plain); c > h.trust {
			h = habit{s.level + day, s.dayErr, c}
		}
	}
	s.habit = h
}
