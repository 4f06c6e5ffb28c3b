package anomaly

// recurrence remembers at which hours evidence came together. What is large and
// meant comes by the clock: a job each night, a report each Monday. Patterns alone
// do not know that: what is there for an hour of each day is seldom, and is
// learned anew when its patterns had to make room. So what came at an hour on days
// before opens no incident there again, unless it goes farther than it did then.
type recurrence struct {
	// came has for each hour of the week, two in a byte, in which of its last four times
	// evidence came together: the lowest bit is the newest.
	came [hoursOfWeek / 2]uint8
	// far is for each hour of the day how far the level then went, as reached tells.
	far [24]int8
	// reach is how far the level goes in the hour that goes on, which is compared with
	// the days before.
	reach int8
	// spell is for how many hours evidence is there without a break, 0 for none.
	spell uint8
}

const (
	// On so many of the daysBack that are remembered, or at the same hour of so many
	// weeks, something must have come to be expected.
	recurring, recurringWeeks, daysBack = 3, 2, 27
	// leastAnHour is how many samples an hour must have to be told from the next.
	leastAnHour = 4
	// longestSpell is how many hours may be one thing that comes by the clock:
	// what lasts longer does not come at each of its hours.
	longestSpell = 12
	// together is the part of the evidence for an incident from which it counts.
	together = 0.5
	// farther is by how many eighths of a doubling a level must go beyond what it did
	// at that hour to be something else.
	farther = 8
	// farAsARule is how far an hour must be as a rule for that to be something that
	// comes by the clock: four times as far as the usual range.
	farAsARule = 16
)

// open begins the hour of the week that is so many hours after another: 0 where the clock
// is put back and the hour goes on, or below that. What came in hours that were missed
// meanwhile is not known, and counts as nothing; older than weeks, all is forgotten.
func (r *recurrence) open(last uint8, after int) {
	if after == 0 {
		return
	}
	if r.times(last)&1 == 1 {
		r.far[last%24] = r.reach
	}
	r.reach = 0
	if after > weeks*hoursOfWeek {
		clear(r.came[:])
	} else {
		for i := 1; i <= after; i++ {
			hour := uint8((int(last) + i) % hoursOfWeek)
			r.set(hour, r.times(hour)<<1&15)
		}
	}
	if r.spell > 0 && after > 0 {
		r.spell = uint8(min(int(r.spell)+after, longestSpell+1))
	}
}

// times is in which of the last times of an hour evidence came together.
func (r *recurrence) times(hour uint8) uint8 { return r.came[hour/2] >> (hour % 2 * 4) & 15 }

func (r *recurrence) set(hour, times uint8) {
	at, half := &r.came[hour/2], hour%2*4
	*at = *at&^(15<<half) | times<<half
}

// recall notes that evidence is there, if it is.
func (s *Series) recall(evidence float32) {
	r, hour := &s.year.recurrence, s.year.hour
	if s.evidence.sum == 0 {
		r.spell = 0
		return
	}
	if s.evidence.sum < together*evidence || s.in.interval*leastAnHour > hourMs {
		return
	}
	r.spell = max(r.spell, 1)
	if r.spell > longestSpell {
		return
	}
	if far := s.reached(); max(far, -far) > max(r.reach, -r.reach) {
		r.reach = far
	}
	r.set(hour, r.times(hour)|1)
}

// reached is how far the series is from its usual middle, by its level and by its last
// value: after a jump the level, which follows trends, goes too far for a while.
func (s *Series) reached() int8 {
	level, last := s.farAs(s.local.level), s.farAs(s.local.last)
	if level < 0 != (last < 0) {
		return 0
	}
	if level < 0 {
		return max(level, last)
	}
	return min(level, last)
}

// farAs is how far a level is from the usual middle: above 0 if it is higher, in
// eighths of a doubling of the usual range; 0 within that.
func (s *Series) farAs(level float32) int8 {
	off := (level - s.scale.middle) / max(s.scale.width, smallest)
	if abs(off) <= 1 {
		return 0
	}
	far := int8(min(8*3.3219*log10(abs(off)), 127))
	if off < 0 {
		return -far
	}
	return far
}

// recurs tells whether what goes on came at the same time on days before, an hour
// sooner or later, and went as far; or whether such an hour is as far as a rule. What
// comes by the clock also ends: back at the usual level it may still be news.
func (s *Series) recurs() bool {
	far, low, high := int(s.reached()), 0, 0
	came, weeks := 0, 0
	for day := 1; day <= daysBack; day++ {
		here := false
		for _, later := range [...]int{-1, 0, 1} {
			if s.year.recurrence.at(int(s.year.hour), 24*day-later) {
				here = true
				then := int(s.year.recurrence.far[(int(s.year.hour)+later+24)%24])
				low, high = min(low, then), max(high, then)
			}
		}
		if here {
			came++
			if day%7 == 0 {
				weeks++
			}
		}
	}
	if (came >= recurring || weeks >= recurringWeeks) && (far == 0 || far <= high+farther && far >= low-farther) {
		return true
	}
	low, high = s.asARule()
	return max(high, -low) >= farAsARule && far <= high+farther && far >= low-farther
}

// asARule is how far the hour that goes on, the one before and the one after are as
// a rule: by the habits of the day and of the week.
func (s *Series) asARule() (low, high int) {
	y := &s.year
	for _, later := range [...]int{-1, 0, 1} {
		hour := uint8((int(y.hour) + later + hoursOfWeek) % hoursOfWeek)
		if day, ok := y.day(hour % 24); ok {
			far := int(s.farAs(y.level + day))
			low, high = min(low, far), max(high, far)
		}
		if y.seen.at(hour) >= 2 {
			far := int(s.farAs(y.level + y.mean[hour].long()))
			low, high = min(low, far), max(high, far)
		}
	}
	return low, high
}

// at tells whether evidence came together so many hours before an hour of the week
// that goes on.
func (r *recurrence) at(hour, before int) bool {
	newest := before % hoursOfWeek
	at := (hour - newest + hoursOfWeek) % hoursOfWeek
	return r.times(uint8(at))>>(before/hoursOfWeek)&1 == 1
}
