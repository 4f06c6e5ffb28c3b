package score_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"testing"

	"github.com/autoecoops/autoecoops/bench/nab/score"
)

// benchmark is NAB's folder, which is no part of this project.
func benchmark(t *testing.T) fs.FS {
	t.Helper()
	dir := os.Getenv("AEO_NAB")
	if dir == "" {
		t.Skip("AEO_NAB names no folder with NAB's data")
	}
	return os.DirFS(dir)
}

// table reads a gzipped CSV file and returns its columns by name.
func table(t *testing.T, dir fs.FS, name string) map[string][]string {
	t.Helper()
	f, err := dir.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return columns
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range head {
			columns[h] = append(columns[h], rec[i])
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestReference reproduces what NAB's own scorer said of two detectors: each
// row's worth, each series' score and rows, and the totals.
func TestReference(t *testing.T) {
	dir := benchmark(t)
	c, err := score.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Series) != 58 || c.Windows() != 116 || len(c.Folders()) != 7 {
		t.Fatalf("%d series, %d windows, %d folders", len(c.Series), c.Windows(), len(c.Folders()))
	}
	for _, name := range []string{"ARTime", "numenta"} {
		scores := reference(t, dir, c, name)
		for _, p := range score.Profiles() {
			perSeries(t, dir, c, name, p, scores)
		}
	}
	published(t, dir, c)
}

// reference reads a detector's scores and checks the worth of its rows.
func reference(t *testing.T, dir fs.FS, c *score.Corpus, name string) [][]float64 {
	t.Helper()
	all := make([][]float64, len(c.Series))
	for n, s := range c.Series {
		columns := table(t, dir, path.Join("results", name, s.Folder(), name+"_"+path.Base(s.Name)+".gz"))
		for _, x := range columns["anomaly_score"] {
			all[n] = append(all[n], number(t, x))
		}
		if name != "ARTime" {
			continue // its files hold the worth of detections, an older form
		}
		worth, window := s.Worth()
		for _, p := range score.Profiles() {
			for i, x := range columns["S(t)_"+p.Name] {
				want := number(t, x)
				got := worth[i] * p.FP
				if window[i] >= 0 {
					got = worth[i] * p.TP
				}
				if math.Abs(got-want) > 1e-9 {
					t.Fatalf("%s row %d, %s: worth %v, NAB says %v", s.Name, i, p.Name, got, want)
				}
			}
		}
	}
	return all
}

func perSeries(t *testing.T, dir fs.FS, c *score.Corpus, name string, p score.Profile, scores [][]float64) {
	t.Helper()
	columns := table(t, dir, path.Join("results", name, name+"_"+p.Name+"_scores.csv.gz"))
	row := map[string]int{}
	for i, f := range columns["File"] {
		row[f] = i
	}
	checked := 0
	for n, s := range c.Series {
		i, ok := row[s.Name]
		if !ok {
			t.Errorf("%s has no reference for %s", name, s.Name)
			continue
		}
		threshold := number(t, columns["Threshold"][i])
		if name == "numenta" {
			threshold -= 1e-12 // the file keeps twelve digits of it
		}
		got := s.At(p, scores[n], threshold)
		if want := number(t, columns["Score"][i]); math.Abs(got.Score-want) > 1e-9 {
			t.Errorf("%s %s %s: %.12f, NAB says %.12f", name, p.Name, s.Name, got.Score, want)
		}
		if fp, tp := number(t, columns["FP"][i]), number(t, columns["TP"][i]); float64(got.FP) != fp || float64(got.TP) != tp {
			t.Errorf("%s %s %s: %d and %d rows, NAB says %v and %v", name, p.Name, s.Name, got.TP, got.FP, tp, fp)
		}
		checked++
	}
	if checked != 58 {
		t.Errorf("%d series checked", checked)
	}
}

// published compares the totals and thresholds that NAB publishes.
func published(t *testing.T, dir fs.FS, c *score.Corpus) {
	t.Helper()
	text, err := fs.ReadFile(dir, "results/final_results.json")
	if err != nil {
		t.Fatal(err)
	}
	var final map[string]map[string]float64
	if err := json.Unmarshal(text, &final); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ARTime", "numenta"} {
		e := c.Evaluate(reference(t, dir, c, name))
		for i, p := range score.Profiles() {
			got, want := e.Official()[i], final[name][p.Name]
			if name == "numenta" && p.Name == "reward_low_FP_rate" {
				// NAB's search of that time stopped at a local optimum.
				if math.Abs(got-63.21) > 0.005 {
					t.Errorf("%s %s: %v, not the optimum", name, p.Name, got)
				}
				continue
			}
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("%s %s: %.10f, NAB publishes %.10f", name, p.Name, got, want)
			}
		}
		t.Logf("%s: official %.2f, threshold held out %.2f", name, e.Official(), e.HeldOut())
	}
}

// small is a corpus of our own: two folders, one window each.
func small() *score.Corpus {
	mk := func(name string, left int) *score.Series {
		s := &score.Series{Name: name, Windows: []score.Window{{Left: left, Right: left + 9}}}
		for i := range 100 {
			s.Values = append(s.Values, float64(i))
			s.Times = append(s.Times, int64(i)*60)
			s.Stamps = append(s.Stamps, "")
		}
		return s
	}
	return &score.Corpus{Series: []*score.Series{mk("a/x.csv", 40), mk("b/y.csv", 60)}}
}

func TestEvaluate(t *testing.T) {
	c := small()
	null := [][]float64{make([]float64, 100), make([]float64, 100)}
	if e := c.Evaluate(null); e.Official() != [3]float64{} || e.HeldOut() != [3]float64{} {
		t.Errorf("detecting nothing scores %v and %v", e.Official(), e.HeldOut())
	}
	perfect := [][]float64{make([]float64, 100), make([]float64, 100)}
	perfect[0][40], perfect[1][60] = 0.9, 0.8
	e := c.Evaluate(perfect)
	if want := [3]float64{100, 100, 100}; e.Official() != want {
		t.Errorf("perfect detection scores %v", e.Official())
	}
	// Folder b's best threshold, 0.8, finds the window of a; a's misses b's.
	if want := [3]float64{50, 50, 50}; e.HeldOut() != want {
		t.Errorf("held out %v, want %v", e.HeldOut(), want)
	}
	late := [][]float64{make([]float64, 100), make([]float64, 100)}
	late[0][49], late[1][69] = 0.9, 0.9
	l := c.Evaluate(late)
	if got := l.Official()[0]; math.Abs(got-100*(1+math.Tanh(0.25)/math.Tanh(2.5))/2) > 1e-9 {
		t.Errorf("detection in the last rows scores %v", got)
	}
	all, chosen := score.Nested([]*score.Evaluation{l, e})
	if len(chosen) != 2 || chosen[0] != 1 || chosen[1] != 1 || all != e.HeldOut() {
		t.Errorf("nested %v, chosen %v", all, chosen)
	}
}

func TestWorth(t *testing.T) {
	s := small().Series[0]
	worth, window := s.Worth()
	if worth[40] != 1 || window[40] != 0 || window[39] != -1 || window[50] != -1 {
		t.Errorf("%v %v", worth[38:52], window[38:52])
	}
	if worth[0] != -1 || worth[39] != -1 || worth[50] > -0.2 || worth[50] < -0.3 || worth[90] != -1 {
		t.Errorf("outside: %v", worth)
	}
	for i := 41; i < 50; i++ {
		if worth[i] >= worth[i-1] || worth[i] <= 0 {
			t.Errorf("row %d is worth %v after %v", i, worth[i], worth[i-1])
		}
	}
	got := s.At(score.Profiles()[0], make([]float64, 100), 0)
	if got.TP != 10 || got.FP != 75 || got.TN != 0 || got.FN != 0 {
		t.Errorf("%+v", got)
	}
}
