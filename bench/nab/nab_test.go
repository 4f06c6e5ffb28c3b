package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/bench/nab/score"
	"github.com/autoecoops/autoecoops/bench/nab/trial"
	"github.com/autoecoops/autoecoops/fault"
)

// corpus writes a small benchmark of our own: two folders, one event each.
func corpus(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	windows := map[string][][2]string{}
	for n, name := range []string{"a/x.csv", "b/y.csv", "b/z.csv"} {
		var b strings.Builder
		b.WriteString("timestamp,value\n")
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		stamp := func(i int) string { return at.Add(time.Duration(i) * 5 * time.Minute).Format("2006-01-02 15:04:05") }
		for i := range 3000 {
			v := 50 + 20*math.Sin(2*math.Pi*float64(i)/288) + float64((i*7919+n*31)%13)/10
			if n < 2 && i >= 2000 && i < 2050 {
				v = 150
			}
			fmt.Fprintf(&b, "%s,%v\n", stamp(i), v)
		}
		put(t, filepath.Join(dir, "data", name), b.String())
		windows[name] = [][2]string{}
		if n < 2 {
			windows[name] = append(windows[name], [2]string{stamp(1980) + ".000000", stamp(2100) + ".000000"})
		}
	}
	text, err := json.Marshal(windows)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "labels", "combined_windows.json"), string(text))
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	dir := corpus(t)
	var out bytes.Buffer
	r := run{data: dir, results: filepath.Join(dir, "results"), record: filepath.Join(dir, "trials.csv"), search: 2, seed: 1, out: &out}
	for range 2 {
		if err := r.run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if text := out.String(); !strings.Contains(text, "settings ever scored: 3, of them 3") || !strings.Contains(text, "reward_low_FN_rate") {
		t.Error(text)
	}
	c, err := score.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	scores := make([][]float64, len(c.Series))
	for n, s := range c.Series {
		head, rows := csvFile(t, filepath.Join(dir, "results", detector, s.Folder(), detector+"_"+filepath.Base(s.Name)))
		if strings.Join(head, ",") != "timestamp,value,anomaly_score,label,S(t)_standard,S(t)_reward_low_FP_rate,S(t)_reward_low_FN_rate" || len(rows) != 3000 {
			t.Fatalf("%v, %d rows", head, len(rows))
		}
		for _, row := range rows {
			x, err := strconv.ParseFloat(row[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			scores[n] = append(scores[n], x)
		}
	}
	// What is written scores what is claimed.
	e := c.Evaluate(scores)
	var final map[string]map[string]float64
	text, err := os.ReadFile(filepath.Join(dir, "results", "final_results.json"))
	if err != nil || json.Unmarshal(text, &final) != nil {
		t.Fatal(err)
	}
	for i, p := range score.Profiles() {
		if got := final[detector][p.Name]; math.Abs(got-e.Official()[i]) > 1e-9 || got < 80 {
			t.Errorf("%s: %v is written, %v is scored", p.Name, got, e.Official()[i])
		}
		_, rows := csvFile(t, filepath.Join(dir, "results", detector, detector+"_"+p.Name+"_scores.csv"))
		if len(rows) != 4 || rows[3][0] != "Totals" {
			t.Errorf("%v", rows)
		}
		if sum, err := strconv.ParseFloat(rows[3][4], 64); err != nil || math.Abs(sum-e.Raw[i]) > 1e-9 {
			t.Errorf("total %v, want %v", rows[3], e.Raw[i])
		}
	}
}

func csvFile(t *testing.T, file string) ([]string, [][]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

func TestBadInput(t *testing.T) {
	for name, breakIt := range map[string]func(dir string){
		"no labels": func(dir string) { os.RemoveAll(filepath.Join(dir, "labels")) },
		"not JSON":  func(dir string) { put(t, filepath.Join(dir, "labels", "combined_windows.json"), "{") },
		"no series": func(dir string) { os.Remove(filepath.Join(dir, "data", "a", "x.csv")) },
		"a bad value": func(dir string) {
			put(t, filepath.Join(dir, "data", "a", "x.csv"), "timestamp,value\n2026-01-01 00:00:00,x\n")
		},
		"other data": func(dir string) {
			put(t, filepath.Join(dir, "data", "a", "x.csv"), "timestamp,value\n2026-01-01 00:00:00,1\n")
		},
		"backwards": func(dir string) {
			put(t, filepath.Join(dir, "labels", "combined_windows.json"), `{"a/x.csv": [["2026-01-02 00:00:00", "2026-01-01 00:00:00"]]}`)
		},
		"no time": func(dir string) {
			put(t, filepath.Join(dir, "labels", "combined_windows.json"), `{"a/x.csv": [["soon", "later"]]}`)
		},
	} {
		dir := corpus(t)
		breakIt(dir)
		r := run{data: dir, record: filepath.Join(dir, "trials.csv"), out: &bytes.Buffer{}}
		if err := r.run(context.Background()); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (run{}).run(context.Background()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no folder: %v", err)
	}
	dir := corpus(t)
	for _, bad := range []string{"x\n", "design,settings,1,2,3,4,5,six\n"} {
		put(t, filepath.Join(dir, "trials.csv"), bad)
		r := run{data: dir, record: filepath.Join(dir, "trials.csv"), out: &bytes.Buffer{}}
		if err := r.run(context.Background()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("record %q: %v", bad, err)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	r := run{data: dir, record: filepath.Join(dir, "new.csv"), out: &bytes.Buffer{}}
	if err := r.run(gone); err == nil {
		t.Error("a run that was cancelled reports success")
	}
}

// TestRecord holds the record in the repository to its form.
func TestRecord(t *testing.T) {
	all, err := trial.Read("trials.csv")
	if err != nil {
		t.Fatal(err)
	}
	shipped := 0
	for _, p := range all {
		if p.Design == trial.Design {
			shipped++
		}
	}
	if shipped == 0 || len(all) < 100 {
		t.Errorf("%d settings, %d of the shipped design", len(all), shipped)
	}
}

// TestShipped scores the shipped detector where the benchmark is at hand: it
// is to stay what the record says.
func TestShipped(t *testing.T) {
	dir := os.Getenv("AEO_NAB")
	if dir == "" {
		t.Skip("AEO_NAB names no folder with NAB's data")
	}
	var out bytes.Buffer
	r := run{data: dir, record: filepath.Join(t.TempDir(), "trials.csv"), out: &out}
	if err := r.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	all, err := trial.Read(r.record)
	if err != nil || len(all) != 1 {
		t.Fatal(err)
	}
	if got := all[0].Evaluation.Official(); got[0] < 71 {
		t.Errorf("official %v", got)
	}
}
