package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/bench/cause/recorded"
	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
)

// TestSimulation holds cases to what the figures rest on: they come out the same
// again, differ by seed, are noticed after the fault, and a late notice only adds.
func TestSimulation(t *testing.T) {
	for k, kind := range faults {
		a, b, other := simulate(7, k), simulate(7, k), simulate(8, k)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: a seed gave two cases", kind)
		}
		if reflect.DeepEqual(a.whole, other.whole) {
			t.Errorf("%s: two seeds gave one case", kind)
		}
		soon, later := a.at(0), a.at(late)
		fault := zero.Add(faultAt * every)
		if !soon.At.After(fault) || later.At.Sub(soon.At) != late {
			t.Errorf("%s: noticed at %v and %v, the fault was at %v", kind, soon.At, later.At, fault)
		}
		for i, s := range soon.Series {
			n := len(s.At)
			if n > 0 && s.At[n-1] > soon.At.UnixMilli() {
				t.Errorf("%s: %s tells what came later", kind, s.ID)
			}
			if l := later.Series[i]; len(l.At) < n || n > 0 && l.Values[n-1] != s.Values[n-1] {
				t.Errorf("%s: a late notice changed the past of %s", kind, s.ID)
			}
		}
	}
}

func TestScore(t *testing.T) {
	var s score
	for _, place := range []int{0, 1, 2, 3, -1} {
		s.add(place)
	}
	if s.top1() != 0.2 || s.top3() != 0.6 {
		t.Errorf("got %v and %v, want 0.2 and 0.6", s.top1(), s.top3())
	}
}

func TestLargest(t *testing.T) {
	s := simulate(7, 0)
	all := largest(s.at(0))
	seen := map[cause.Component]bool{}
	for _, p := range all {
		if seen[p] {
			t.Errorf("%s is ranked twice", p)
		}
		seen[p] = true
	}
	if len(all) < 5 {
		t.Errorf("%d components", len(all))
	}
}

func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "cause.json")
	dir := t.TempDir()
	for n, k := range []int{0, 5} {
		s := simulate(3, k)
		names := []string{filepath.Join(dir, faults[k]+".soon"), filepath.Join(dir, faults[k]+".late")}
		for i, c := range []cause.Case{s.at(0), s.at(late)} {
			f, err := os.Create(names[i])
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(casefile.Write(f, c), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if err := recorded.WriteLabel(dir, n, recorded.Label{Kind: faults[k], Truth: s.truth, Abnormal: n, Soon: filepath.Base(names[0]), Late: filepath.Base(names[1])}); err != nil {
			t.Fatal(err)
		}
	}
	packed := filepath.Join(dir, "packed")
	if err := pack(dir, packed); err != nil {
		t.Fatal(err)
	}
	if err := run(1, 3, out, "node", packed); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var figures []record.Figure
	if !strings.Contains(string(text), `"recorded: share in which anything was abnormal",
    "value": 0.5`) {
		t.Error("the recorded faults are not counted")
	}
	if err := run(1, 3, "", "", filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there is taken")
	}
	if err := json.Unmarshal(text, &figures); err != nil || len(figures) < 20 || figures[0].Value != float64(len(faults)) {
		t.Errorf("%d figures, error %v", len(figures), err)
	}
}
