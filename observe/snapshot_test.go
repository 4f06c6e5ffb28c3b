package observe

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// TestSurveySnapshot goes on from a snapshot, taken at any time, as if it had never
// stopped: with what is open, learning or silent.
func TestSurveySnapshot(t *testing.T) {
	const n = 1500
	o := Options{Step: step, From: began.Add(n * step), MaxSignals: 3}
	feed := func(s *Survey, from, to int) {
		t.Helper()
		for name, value := range map[string]func(int) float64{"calm": noisy(1, 0, 0), "slow": noisy(2, 700, 10), "gone": noisy(3, 0, 0)} {
			w, labels := latency(name)
			at, values := story(n, value)
			end := to
			if name == "gone" {
				end = max(from, min(to, 600))
			}
			if err := s.Feed(w, labels, at[from:end], values[from:end]); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole := NewSurvey(o)
	feed(whole, 0, n)
	want := whole.Report(began.Add(n * step))
	for _, cut := range []int{1, 50, 300, 705, 740, n} {
		s := NewSurvey(o)
		feed(s, 0, cut)
		at := began.Add(time.Duration(cut) * step)
		b, err := s.Snapshot(at)
		if err != nil {
			t.Fatal(err)
		}
		again, until, err := RestoreSurvey(b, o)
		if err != nil || !until.Equal(at) {
			t.Fatalf("%d: %s, %v", cut, until, err)
		}
		if cut == 740 {
			if open := again.Report(at).Anomalies(); len(open) != 1 || open[0].Signal.Workload() != "slow" || !open[0].Open() {
				t.Errorf("open: %+v", open)
			}
		}
		feed(again, cut, n)
		got := again.Report(began.Add(n * step))
		byName := func(a, b Standing) int { return compare(a.Signal.ID(), b.Signal.ID()) }
		slices.SortFunc(got.Signals, byName)
		slices.SortFunc(want.Signals, byName)
		for i, x := range got.Signals {
			y := want.Signals[i]
			x.Value, y.Value = 0, 0 // NaN
			if !reflect.DeepEqual(x.Anomalies, y.Anomalies) || x.State != y.State || !x.At.Equal(y.At) || x.Surprise != y.Surprise || math.Abs(x.Low-y.Low) > 1e-12 {
				t.Errorf("cut at %d:\n%+v\nnot\n%+v", cut, x, y)
			}
		}
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestSurveySnapshotOfAnother learns anew what means something else by now, and refuses
// what is damaged, of a later program or of other steps.
func TestSurveySnapshotOfAnother(t *testing.T) {
	o := Options{Step: step}
	s := NewSurvey(o)
	w, labels := latency("web")
	at, values := story(300, noisy(1, 0, 0))
	if err := s.Feed(w, labels, at, values); err != nil {
		t.Fatal(err)
	}
	b, err := s.Snapshot(began)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expr string
		want State
	}{{w.Expr, Normal}, {"another", Learning}} {
		again, _, err := RestoreSurvey(b, o)
		if err != nil {
			t.Fatal(err)
		}
		if all := again.Signals(w.Name); len(all) != 1 || all[0].Watch != w {
			t.Errorf("%+v", all)
		}
		now := w
		now.Expr = c.expr
		last := began.Add(300 * step)
		if err := again.Feed(now, labels, []int64{last.UnixMilli()}, values[:1]); err != nil {
			t.Fatal(err)
		}
		if r := again.Report(last); len(r.Signals) != 1 || r.Signals[0].State != c.want || r.Signals[0].Signal.Watch != now {
			t.Errorf("%q: %+v", c.expr, r.Signals)
		}
	}
	later := append([]byte(nil), b...)
	binary.LittleEndian.PutUint16(later[4:], 2)
	flipped := append([]byte(nil), b...)
	flipped[len(b)/2] ^= 1
	for name, bad := range map[string][]byte{"empty": nil, "short": b[:5], "cut": b[:len(b)-9], "later": later, "flipped": flipped, "another": []byte("a text of some length")} {
		if _, _, err := RestoreSurvey(bad, o); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := RestoreSurvey(b, Options{Step: time.Minute}); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("other steps: %v", err)
	}
}

// FuzzRestoreSurvey reads anything.
func FuzzRestoreSurvey(f *testing.F) {
	s := NewSurvey(Options{Step: step})
	w, labels := latency("web")
	at, values := story(200, noisy(1, 0, 0))
	if err := s.Feed(w, labels, at, values); err != nil {
		f.Fatal(err)
	}
	b, err := s.Snapshot(began)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:len(b)-snapshotSum])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint32(b, snapshotCheck(b)) // behind the checksum
		if s, _, err := RestoreSurvey(b, Options{Step: step}); err == nil {
			s.Report(began)
		} else if fault.KindOf(err) != fault.Invalid {
			t.Error(err)
		}
	})
}

// TestForgetSilent drops what had no sample for long, and makes room.
func TestForgetSilent(t *testing.T) {
	s := NewSurvey(Options{Step: step, From: began.Add(time.Hour), MaxSignals: 2})
	feed := func(name string, from, to int) {
		t.Helper()
		w, labels := latency(name)
		at, values := story(to, noisy(1, 0, 0))
		if err := s.Feed(w, labels, at[from:], values[from:]); err != nil {
			t.Fatal(err)
		}
	}
	feed("gone", 0, 200)
	feed("stays", 0, 300)
	feed("left", 0, 300)
	s.ForgetSilent(began.Add(250 * step))
	r := s.Report(began.Add(300 * step))
	if len(r.Signals) != 1 || r.Signals[0].Signal.Workload() != "stays" || r.Left != 0 {
		t.Errorf("%+v", r)
	}
	feed("left", 299, 301)
	if r = s.Report(began.Add(300 * step)); len(r.Signals) != 2 || r.Left != 0 {
		t.Errorf("%+v", r)
	}
}

// TestHolidays asks of the days of where the users are whether they are as usual.
func TestHolidays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	s := NewSurvey(Options{Step: step, Location: berlin, Holiday: func(day time.Time) bool {
		asked[day.Format(time.RFC3339)] = true
		return false
	}})
	w, labels := latency("web")
	at, values := story(3000, noisy(1, 0, 0))
	if err := s.Feed(w, labels, at, values); err != nil {
		t.Fatal(err)
	}
	if !asked["2026-03-02T00:00:00+01:00"] || !asked["2026-03-03T00:00:00+01:00"] {
		t.Errorf("asked of %v", asked)
	}
}
