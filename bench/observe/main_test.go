package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/bench/record"
)

// TestAdd: what was left out this time is not measured, whatever results of another day
// say, nor is what has none.
func TestAdd(t *testing.T) {
	dir := t.TempDir()
	before := record.New()
	before.AtLeast("official", 80, "", 78)
	before.Note("held out", 70, "")
	file := filepath.Join(dir, "nab.json")
	if err := before.Write(file); err != nil {
		t.Fatal(err)
	}
	left := skipped("nab=no NAB=DIR was given,logs=no CORPORA=DIR was given")
	r := record.New()
	for _, name := range []string{"nab", "logs", "slo"} {
		if err := add(r, name, filepath.Join(dir, name+".json"), left[name]); err != nil {
			t.Fatal(err)
		}
	}
	want := "0 of 0 goals that were measured are met, 0 are missed; not measured: official (no NAB=DIR was given), held out (no NAB=DIR was given), logs (no CORPORA=DIR was given), slo (there are no results of it)"
	if got := r.Summary(); got != want {
		t.Error(got)
	}
	out := filepath.Join(dir, "observe.json")
	if err := r.Write(out); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || strings.Count(string(text), "notMeasured") != 4 || strings.Contains(string(text), `"value": 80`) {
		t.Errorf("%s, error %v", text, err)
	}
	r = record.New()
	if err := add(r, "nab", file, ""); err != nil || !strings.HasPrefix(r.Summary(), "1 of 1 goals") {
		t.Errorf("%s, error %v", r.Summary(), err)
	}
}
