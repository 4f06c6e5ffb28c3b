package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSkip: what was not measured is neither met nor missed, is drawn nowhere, and is
// written as not measured.
func TestSkip(t *testing.T) {
	r := &Results{}
	r.AtMost("small", 1, "s", 2)
	r.AtLeast("large", 1, "s", 2)
	if got := r.Summary(); got != "1 of 2 goals that were measured are met, 1 are missed; not measured: nothing" {
		t.Error(got)
	}
	r.Skip("nab", "no NAB=DIR was given")
	r.Add(Figure{Name: "lines", Goal: "≤ 0", NotMeasured: "no Loki"})
	if got := r.Summary(); got != "1 of 2 goals that were measured are met, 1 are missed; not measured: nab (no NAB=DIR was given), lines (no Loki)" {
		t.Error(got)
	}
	if _, drawn := shareOf(r.figures[3]); drawn {
		t.Error("what was not measured is drawn")
	}
	file := filepath.Join(t.TempDir(), "x.json")
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), `"notMeasured": "no `) != 2 {
		t.Errorf("%s, error %v", text, err)
	}
}
