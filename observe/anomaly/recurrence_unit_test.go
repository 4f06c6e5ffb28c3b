package anomaly

import (
	"math"
	"testing"
	"time"
)

// TestHoursThatCame: what came at an hour is remembered by how many weeks ago that was,
// whatever the clock does: it is put forward or back, goes by half hours, or nobody
// measures for hours or weeks.
func TestHoursThatCame(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	berlin, lordHowe, kolkata := zone("Europe/Berlin"), zone("Australia/Lord_Howe"), zone("Asia/Kolkata")
	for _, c := range []struct {
		name   string
		where  *time.Location
		from   time.Time // when it came
		to     time.Time // when it is looked
		missed time.Duration
		came   int // of how many hours before it is remembered
	}{
		{"the day before", berlin, time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 13, 2, 0, 0, 0, berlin), 0, 24},
		{"within the hour", berlin, time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 12, 2, 40, 0, 0, berlin), 0, 0},
		{"the clock is put back", berlin, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), 0, 0},
		{"a week after it was put back", berlin, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 11, 1, 2, 0, 0, 0, berlin), 0, 168},
		{"put forward, there is no such hour", berlin, time.Date(2026, 3, 22, 2, 0, 0, 0, berlin), time.Date(2026, 4, 5, 2, 0, 0, 0, berlin), 0, 336},
		{"put back by half an hour", lordHowe, time.Date(2026, 4, 4, 14, 40, 0, 0, time.UTC), time.Date(2026, 4, 12, 1, 30, 0, 0, lordHowe), 0, 168},
		{"half hours", kolkata, time.Date(2026, 1, 12, 2, 10, 0, 0, kolkata), time.Date(2026, 1, 19, 2, 50, 0, 0, kolkata), 0, 168},
		{"two weeks without samples", berlin, time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 26, 2, 0, 0, 0, berlin), 13 * 24 * time.Hour, 336},
		{"a day without samples", berlin, time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 19, 2, 0, 0, 0, berlin), 30 * time.Hour, 168},
		{"minutes without samples", berlin, time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 12, 2, 50, 0, 0, berlin), 40 * time.Minute, 0},
		{"a year without samples", berlin, time.Date(2025, 1, 12, 2, 0, 0, 0, berlin), time.Date(2026, 1, 12, 2, 0, 0, 0, berlin), 360 * 24 * time.Hour, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := Default()
			set.Location = c.where
			var s Series
			see := func(at time.Time) { s.year.see(at.UnixMilli(), 1, 1, &set) }
			see(c.from)
			r, hour := &s.year.recurrence, s.year.hour
			r.set(hour, r.times(hour)|1)
			for at := c.from.Add(10 * time.Minute); at.Before(c.to); at = at.Add(10 * time.Minute) {
				if at.Sub(c.from) > 10*time.Minute && c.missed > 0 {
					at = at.Add(c.missed)
					s.tear()
					c.missed = 0
				}
				see(at)
			}
			see(c.to)
			for before := range daysBack * 24 {
				if got, want := s.year.recurrence.at(int(s.year.hour), before), before == c.came; got != want {
					t.Errorf("%d hours before: %v", before, got)
				}
			}
		})
	}
}

// TestClockJumps: times as far apart as can be are no trouble.
func TestClockJumps(t *testing.T) {
	set := Default()
	set.Location = time.UTC
	var s season
	for _, at := range []int64{0, math.MaxInt64, math.MinInt64, 1, math.MaxInt64, 1 << 40, 1<<40 - 2*hourMs} {
		s.see(at, 1, 1, &set)
		s.recurrence.spell = max(1, s.recurrence.spell)
		if s.hour >= hoursOfWeek || !s.recurrence.sound() {
			t.Fatalf("at %d: %+v", at, s)
		}
	}
}

// TestEvidenceUnit: a series that is kept in another unit has the range that it had.
func TestEvidenceUnit(t *testing.T) {
	var s Series
	s.in.unit, s.scale.width = 1, 7
	s.evidence.measured(7)
	s.evidence.sum = 5
	s.rebase(100, 4)
	s.evidence.measured(s.scale.width)
	if s.evidence.sum != 5 || s.evidence.pause != 0 {
		t.Errorf("in another unit, evidence is lost: %+v", s.evidence)
	}
}

// TestSoundOfWhatCameTogether: a snapshot with a right checksum that no series made is
// refused.
func TestSoundOfWhatCameTogether(t *testing.T) {
	for name, spoil := range map[string]func(*Series){
		"less evidence than none":   func(s *Series) { s.evidence.sum = -1 },
		"a spread below 0":          func(s *Series) { s.evidence.spread = -evidenceUnit },
		"a range below 0":           func(s *Series) { s.evidence.width = -1 },
		"a range that is no number": func(s *Series) { s.evidence.width = float32(math.NaN()) },
		"a longer spell":            func(s *Series) { s.year.recurrence.spell = 255 },
		"farther than far":          func(s *Series) { s.year.recurrence.far[3] = -128 },
		"a reach farther than far":  func(s *Series) { s.year.recurrence.reach = -128 },
	} {
		var s, into Series
		spoil(&s)
		if _, err := into.Restore(s.Snapshot(nil)); err == nil {
			t.Errorf("%s is taken up", name)
		}
	}
	var s Series // of which nothing is known: it has no range
	if far := s.farAs(0); far != 0 {
		t.Errorf("where there is no range, the middle is %d off", far)
	}
}
