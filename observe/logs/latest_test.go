package logs

import (
	"testing"
	"time"
)

// TestMomentsLast: lines with a wrong clock do not say when a log ends, but its last ones
// do, however few the log has.
func TestMomentsLast(t *testing.T) {
	type run struct {
		minute, lines int // from noon on, one each second
	}
	end := func(r run) int64 {
		return noon.Add(time.Duration(r.minute)*time.Minute + time.Duration(r.lines-1)*time.Second).UnixMilli()
	}
	const week = 7 * 24 * 60
	body := run{0, 640}
	for name, x := range map[string]struct {
		runs   []run
		window time.Duration
		last   run
		stray  *run
	}{
		"all in a row":               {[]run{body}, time.Hour, body, nil},
		"one of a week later":        {[]run{body, {week, 1}}, 15 * time.Minute, body, &run{week, 1}},
		"some of other wrong times":  {[]run{{week, 2}, body, {2 * week, 1}}, 15 * time.Minute, body, &run{2 * week, 1}},
		"enough to be a log":         {[]run{body, {week, 5}}, 15 * time.Minute, run{week, 5}, nil},
		"a hundredth of a small one": {[]run{{0, 90}, {week, 1}}, 15 * time.Minute, run{week, 1}, nil},
		"soon after":                 {[]run{body, {70, 1}}, 15 * time.Minute, run{70, 1}, nil},
		"within a long window":       {[]run{body, {600, 1}}, 24 * time.Hour, run{600, 1}, nil},
		"only one line":              {[]run{{5, 1}}, time.Minute, run{5, 1}, nil},
	} {
		var m Moments
		for _, r := range x.runs {
			for i := range r.lines {
				m.Add(noon.Add(time.Duration(r.minute)*time.Minute + time.Duration(i)*time.Second).UnixMilli())
			}
		}
		want := int64(0)
		if x.stray != nil {
			want = end(*x.stray)
		}
		if last, stray := m.Last(x.window); last != end(x.last) || stray != want {
			t.Errorf("%s: %v, stray %v", name, time.UnixMilli(last).UTC(), time.UnixMilli(stray).UTC())
		}
	}
	if last, stray := new(Moments).Last(time.Minute); last != 0 || stray != 0 {
		t.Errorf("none: %d %d", last, stray)
	}
}
