package slo

import (
	"fmt"
	"time"
)

// Calendar is a unit of the calendar that a budget may be counted by.
type Calendar uint8

// The units of a period.
const (
	// Rolling periods have no beginning: the last 30 days.
	Rolling Calendar = iota
	Day
	// Week begins on Monday.
	Week
	Month
	Quarter
	Year
)

var calendarNames = [...]string{"rolling", "day", "week", "month", "quarter", "year"}

// String returns the unit's name.
func (c Calendar) String() string { return calendarNames[c] }

// Period is the time over which the target is promised.
type Period struct {
	// Calendar is Rolling, or the unit that begins anew.
	Calendar Calendar
	// Rolling is the length of a rolling period.
	Rolling time.Duration
	// Zone is where a calendar's days begin; nil is UTC.
	Zone *time.Location
}

// The bounds of a rolling period.
const (
	MinPeriod = time.Hour
	MaxPeriod = 400 * 24 * time.Hour
)

const day = 24 * time.Hour

// Length is the period's length; for a calendar's unit, which varies, the usual
// figure that burn rates are computed with.
func (p Period) Length() time.Duration {
	switch p.Calendar {
	case Day:
		return day
	case Week:
		return 7 * day
	case Month:
		return 30 * day
	case Quarter:
		return 90 * day
	case Year:
		return 365 * day
	}
	return p.Rolling
}

// longest is the most that a period can last.
func (p Period) longest() time.Duration {
	switch p.Calendar {
	case Day:
		return 25 * time.Hour // the day on which summer time ends
	case Week:
		return 7*day + time.Hour
	case Month:
		return 31*day + time.Hour
	case Quarter:
		return 92*day + time.Hour
	case Year:
		return 366*day + time.Hour
	}
	return p.Rolling
}

// Begin is when the period that now lies in began.
func (p Period) Begin(now time.Time) time.Time {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	y, m, d := local.Date()
	switch p.Calendar {
	case Day:
	case Week:
		d -= (int(local.Weekday()) + 6) % 7
	case Month:
		d = 1
	case Quarter:
		m, d = m-(m-1)%3, 1
	case Year:
		m, d = time.January, 1
	default:
		return now.Add(-p.Rolling)
	}
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// String is the period in words.
func (p Period) String() string {
	if p.Calendar == Rolling {
		return FormatDuration(p.Rolling)
	}
	return "calendar " + p.Calendar.String()
}

func (p Period) problem() string {
	switch {
	case int(p.Calendar) >= len(calendarNames):
		return "it is of no known kind"
	case p.Calendar == Rolling:
		return RollingProblem(p.Rolling)
	case p.Rolling != 0:
		return "it is both rolling and of the calendar"
	}
	return ""
}

// RollingProblem says what is wrong with the length of a rolling period, "" for nothing.
func RollingProblem(d time.Duration) string {
	wrong := "not a whole number of seconds"
	switch {
	case d < MinPeriod:
		wrong = "too short"
	case d > MaxPeriod:
		wrong = "too long"
	case d%time.Second == 0:
		return ""
	}
	return fmt.Sprintf("%s is %s: write 30d, or another from %s to %s", FormatDuration(d), wrong, FormatDuration(MinPeriod), FormatDuration(MaxPeriod))
}
