package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/fault"
)

func TestHolidays(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		name := filepath.Join(dir, "days")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	is, err := Holidays(write("# ours\n2026-04-03\r\n\n 12-25 # Christmas\n02-29\n"), "--holidays")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]bool{"2026-04-03": true, "2027-04-03": false, "2026-12-25": true, "2031-12-25": true, "2028-02-29": true, "2026-01-01": false} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if is(at) != want {
			t.Errorf("%s: %v", day, !want)
		}
	}
	for text, where := range map[string]string{
		"2026-04-03\nsoon": "days:2", "2026-02-30": "days:1", "13-01": "days:1", "2026-4-3": "days:1", "\x00": "days:1", strings.Repeat("x", 100_000): "too long",
	} {
		if _, err := Holidays(write(text), "--holidays"); fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), where) || len(err.Error()) > 500 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := Holidays(filepath.Join(dir, "none"), "--holidays"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, err := Holidays(dir, "--holidays"); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Holidays(pipe, "--holidays"); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if is, err := Holidays("", "--holidays"); is != nil || err != nil {
		t.Errorf("%v", err)
	}
}

func TestZone(t *testing.T) {
	for name, good := range map[string]bool{"": true, "UTC": true, "Europe/Berlin": true, "Local": false, "Mars/North": false, "../etc/passwd": false} {
		if _, err := Zone(name, "--zone"); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
