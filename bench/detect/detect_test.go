package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/bench/detect/made"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/fault"
)

func TestDetect(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
	var b strings.Builder
	b.WriteString("timestamp,value\r\n")
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var stamps []string
	for i := range 2000 {
		stamp := at.Add(time.Duration(i) * 5 * time.Minute).Format(time.RFC3339)
		if i%2 == 1 {
			stamp = at.Add(time.Duration(i) * 5 * time.Minute).Format("2006-01-02 15:04:05")
		}
		if i == 700 {
			stamp = stamps[600] // late
		}
		stamps = append(stamps, stamp)
		value := strconv.FormatFloat(10+math.Sin(float64(i)/20), 'g', -1, 64)
		switch i {
		case 900:
			value = "NaN"
		case 901:
			value = ""
		case 1500, 1501, 1502, 1503, 1504, 1505:
			value = "30"
		case 1700:
			value = "1e400" // beyond what a number can be
		}
		fmt.Fprintf(&b, "%s,%s\r\n", stamp, value)
	}
	if err := os.WriteFile(in, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := detectFile(in, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	lines.Scan()
	if lines.Text() != "timestamp,score" {
		t.Errorf("header %q", lines.Text())
	}
	best, top, n := -1, 0.0, 0
	for ; lines.Scan(); n++ {
		stamp, score, _ := strings.Cut(lines.Text(), ",")
		x, err := strconv.ParseFloat(score, 64)
		if n >= len(stamps) || stamp != stamps[n] || err != nil || !(x >= 0 && x <= 1) {
			t.Fatalf("row %d: %q", n, lines.Text())
		}
		if x > top {
			best, top = n, x
		}
	}
	if n != len(stamps) || best < 1500 || best > 1506 || top < 0.6 {
		t.Errorf("%d rows, the highest score is %v in row %d", n, top, best)
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"empty":   {"", ":1: the file is empty"},
		"header":  {"time,value\n", `:1: the header is "time,value"`},
		"columns": {"timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:05:00Z\n", ":3: "},
		"three":   {"timestamp,value\n2026-01-01T00:00:00Z,1,2\n", "has not two columns"},
		"time":    {"timestamp,value\nyesterday,1\n", `:2: "yesterday" is no time`},
		"number":  {"timestamp,value\n2026-01-01T00:00:00Z,many\n", `:2: "many" is no number`},
		"long":    {"timestamp,value\n" + strings.Repeat("x", 1<<20), "x..."},
	} {
		in, out := filepath.Join(dir, name+".csv"), filepath.Join(dir, name+".out")
		if err := os.WriteFile(in, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := detectFile(in, out)
		if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
			t.Errorf("%s: %v was left", name, left)
		}
	}
	if err := detectFile(filepath.Join(dir, "none"), filepath.Join(dir, "o")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	in := filepath.Join(dir, "ok.csv")
	if err := os.WriteFile(in, []byte("timestamp,value\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := detectFile(in, filepath.Join(dir, "no", "folder")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	if err := detectFile(in, filepath.Join(dir, "header.only")); err != nil {
		t.Error(err)
	}
}

// TestMade holds the detector to what it can do on made series: to order
// samples far better than simple methods do, and to be quiet.
func TestMade(t *testing.T) {
	run, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	var ours, z float64
	events, found := 0, 0
	series := made.Disturbed(3, 1, 28)
	for _, s := range series {
		scores, onsets := run(s)
		ours += s.Precision(scores) / float64(len(series))
		simple, _ := robust(s)
		z += s.Precision(simple) / float64(len(series))
		for _, e := range s.Events {
			events++
			for _, at := range onsets {
				if at >= e[0] && at <= e[1]+late {
					found++
					break
				}
			}
		}
	}
	if ours < 1.5*z {
		t.Errorf("mean precision %.3f, robust z %.3f", ours, z)
	}
	if found*3 < events {
		t.Errorf("%d of %d events found", found, events)
	}
	ours, z = 0, 0
	varied := made.Varied(5, 81)
	still, flat := 0, 0
	for _, s := range varied {
		scores, onsets := run(s)
		ours += made.Volume(scores, s.Events, buffer) / float64(len(varied))
		simple, _ := robust(s)
		z += made.Volume(simple, s.Events, buffer) / float64(len(varied))
		if strings.HasSuffix(s.Name, "/flat line") {
			found, _ := hits(s, onsets)
			still, flat = still+found, flat+len(s.Events)
		}
	}
	if ours < 2*z {
		t.Errorf("varied series: volume %.3f, robust z %.3f", ours, z)
	}
	if still*3 < flat*2 {
		t.Errorf("%d of %d flat lines found", still, flat)
	}
	incidents, days := 0, 0.0
	for _, s := range made.Undisturbed(4, 28, 30) {
		_, onsets := run(s)
		incidents += len(onsets)
		days += s.Days()
	}
	if rate := float64(incidents) / days * 1000; rate > 5 {
		t.Errorf("%.1f incidents in 1,000 series-days of nothing", rate)
	}
}

func TestReports(t *testing.T) {
	var b strings.Builder
	if err := speed(&b, 20, record.New()); err != nil || !strings.Contains(b.String(), "samples a second") {
		t.Errorf("%v, %s", err, b.String())
	}
	run, err := detector()
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := curve(&b, 7, 10); err != nil || strings.Count(b.String(), "\n") != 12 {
		t.Errorf("%v, %s", err, b.String())
	}
	b.Reset()
	quiet(&b, "undisturbed", run, made.Undisturbed(2, 14, 3))
	if !strings.Contains(b.String(), "undisturbed: ") {
		t.Error(b.String())
	}
	b.Reset()
	various(&b, made.Varied(3, 20), []method{{"detector", run}, {"robust z", robust}})
	if !strings.Contains(b.String(), "  flat line ") || !strings.Contains(b.String(), "on day ") || !strings.Contains(b.String(), "all varied") {
		t.Error(b.String())
	}
}
