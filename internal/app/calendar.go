package app

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // images of programs and many machines have no zones

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/fault"
)

// Zone returns a time zone by its name, as in Europe/Berlin; "" is UTC. Flag is the one to
// change where there is none of that name.
func Zone(name, flag string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // what that is differs from machine to machine
		return nil, fault.New(fault.Invalid, "read the settings", flag+" "+name, "there is no such time zone", "write it as Europe/Berlin or UTC")
	}
	return zone, nil
}

// maxHolidays bounds a file of holidays.
const maxHolidays = 10_000

// Holidays reads the days of a file on which habits are not as usual: a day a line, as
// 2026-12-25, or as 12-25 for one of each year; what follows a # is a remark. It returns
// whether a day is one of them, nil for no file.
func Holidays(file, flag string) (func(day time.Time) bool, error) {
	if file == "" {
		return nil, nil
	}
	hint := "check the file given with " + flag + ": a day a line, as 2026-12-25, or as 12-25 for each year"
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would keep it waiting
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "read holidays", file, err, hint)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "read holidays", file, "it is no regular file", hint)
	}
	days := map[string]bool{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		_, once := time.Parse(time.DateOnly, text)
		_, yearly := time.Parse(time.DateOnly, "2024-"+text) // which has a 29th of February
		if once != nil && yearly != nil {
			return nil, fault.New(fault.Invalid, "read holidays", fmt.Sprintf("%s:%d", file, n), fmt.Sprintf("%.40q is no day", text), hint)
		}
		if days[text] = true; len(days) > maxHolidays {
			return nil, fault.New(fault.Invalid, "read holidays", file, fmt.Sprintf("there are more than %d", maxHolidays), hint)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "read holidays", file, err, hint)
	}
	return func(day time.Time) bool { return days[day.Format(time.DateOnly)] || days[day.Format("01-02")] }, nil
}
