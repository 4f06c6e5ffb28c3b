package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func options() Options {
	return Options{Version: "v0.0.0-test", Excerpt: excerpt, Catalogue: catalogue()}
}

func render(t *testing.T, format string, rep *assess.Report, o Options) string {
	t.Helper()
	write, ok := For(format)
	if !ok {
		t.Fatalf("no format %q", format)
	}
	var b bytes.Buffer
	if err := write(&b, rep, o); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	colored, verbose := options(), options()
	colored.Color, colored.Width = true, 80
	verbose.Verbose = true
	clean := sample()
	clean.Findings, clean.Notices, clean.Inputs, clean.Practices = nil, nil, nil, nil
	clean.Summary = assess.Summary{Coverage: assess.Coverage{Percent: 100}}
	for _, format := range Formats() {
		for _, c := range []struct {
			name string
			rep  *assess.Report
			o    Options
		}{
			{format, sample(), options()},
			{format + "-empty", clean, Options{}},
			{format + "-color", sample(), colored},
			{format + "-verbose", sample(), verbose},
		} {
			if (strings.HasSuffix(c.name, "-color") || strings.HasSuffix(c.name, "-verbose")) && format != "table" {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				got := render(t, format, c.rep, c.o)
				if again := render(t, format, c.rep, c.o); again != got {
					t.Fatal("two runs differ")
				}
				golden(t, c.name, got)
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from %s; if that is meant, run the test with -update", name, file)
	}
}

// TestVisible holds for every format: nothing in it can steer a terminal or
// turn text around, and a secret's value is never in it.
func TestVisible(t *testing.T) {
	for _, format := range Formats() {
		for _, verbose := range []bool{false, true} {
			o := options()
			o.Verbose = verbose
			got := render(t, format, sample(), o)
			for i, r := range got {
				if r != '\n' && r != '\t' && !visible(r) || strings.HasPrefix(got[i:], "\xff") {
					t.Errorf("%s: invisible character %q at byte %d: %q", format, r, i, got[max(0, i-40):i])
					break
				}
			}
			if strings.Contains(got, "must-not-show") || strings.Contains(got, "aHVudGVyMg") {
				t.Errorf("%s shows a secret's value", format)
			}
			if format != "html" && !strings.HasSuffix(got, "\n") {
				t.Errorf("%s does not end with a line feed", format)
			}
		}
	}
}

func TestUnchanged(t *testing.T) {
	rep := sample()
	before, _ := json.Marshal(rep)
	for _, format := range Formats() {
		render(t, format, rep, options())
	}
	if after, _ := json.Marshal(rep); !bytes.Equal(before, after) {
		t.Error("a writer changed the report")
	}
}

func TestJSONReadsBack(t *testing.T) {
	var rep assess.Report
	if err := json.Unmarshal([]byte(render(t, "json", sample(), Options{})), &rep); err != nil {
		t.Fatal(err)
	}
	if got, want := len(rep.Findings), len(sample().Findings); got != want {
		t.Errorf("%d findings, want %d", got, want)
	}
	if got, want := rep.Findings[6].Message, strings.ToValidUTF8(hostile, "\ufffd"); got != want {
		t.Errorf("message came back as %q, want %q", got, want)
	}
	if rep.Findings[0].Object != sample().Findings[0].Object || rep.Findings[0].Line != 21 {
		t.Errorf("finding came back as %+v", rep.Findings[0])
	}
	if strings.Contains(render(t, "json", &assess.Report{}, Options{}), "null") {
		t.Error("an empty report has a null")
	}
}

func TestTableWidth(t *testing.T) {
	for _, width := range []int{40, 60, 80, 100, 200} {
		got := render(t, "table", many(200), Options{Width: width, Verbose: true})
		for line := range strings.SplitSeq(got, "\n") {
			if columns(line) > width {
				t.Errorf("width %d: a line of %d columns: %q", width, columns(line), line)
				break
			}
		}
	}
}

func TestTableCollapses(t *testing.T) {
	rep := many(1000)
	got := render(t, "table", rep, Options{})
	if n := strings.Count(got, "\n"); n > 4000 {
		t.Errorf("%d lines for 1,000 findings", n)
	}
	if shown, want := strings.Count(got, "  MEDIUM    ")+strings.Count(got, "  HIGH      ")+strings.Count(got, "  CRITICAL  "), rep.Summary.Findings.Critical+rep.Summary.Findings.High+rep.Summary.Findings.Medium; shown != want {
		t.Errorf("%d findings of medium and above are written out, want all %d", shown, want)
	}
	if !strings.Contains(got, "Also found") {
		t.Error("low and unknown ones are not counted")
	}
}
