package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/report"
	"github.com/autoecoops/autoecoops/ops"
)

// shelf is a memory that forgets nothing.
type shelf map[string]kept

type kept struct {
	summary assess.Summary
	text    []byte
}

// open is a remembered text that is read once.
type open struct{ *bytes.Reader }

func (open) Close() error { return nil }

func (s shelf) Recall(view string) (assess.Summary, Text, bool) {
	k, ok := s[view]
	return k.summary, open{bytes.NewReader(k.text)}, ok
}

func (s shelf) Keep(view string, sum assess.Summary, w io.Writer, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(io.MultiWriter(w, &b)); err != nil {
		return err
	}
	s[view] = kept{sum, b.Bytes()}
	return nil
}

func sinks(t *testing.T, specs ...string) []sink {
	t.Helper()
	all, err := parseOutputs(specs)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOutputsAreRecalledTogetherOrNotAtAll(t *testing.T) {
	rep := &assess.Report{Findings: []ops.Finding{{Check: "x", Severity: ops.High, Status: ops.Fail, Message: "m"}}}
	rep.Count()
	file := filepath.Join(t.TempDir(), "out.json")
	var stdout bytes.Buffer
	p := &printer{stdout: &stdout, memory: shelf{}, opts: report.Options{Color: true, Width: 70}}
	both := sinks(t, "table", "json="+file)
	if _, ok, err := p.recall(both); ok || err != nil {
		t.Errorf("an empty memory recalls: %v, %v", ok, err)
	}
	if err := p.print(both[0], rep); err != nil {
		t.Fatal(err)
	}
	table := stdout.String()
	stdout.Reset()
	if _, ok, err := p.recall(both); ok || err != nil || stdout.Len() > 0 {
		t.Errorf("one of two is written: %v, %v, %q", ok, err, stdout.String())
	}
	if err := p.print(both[1], rep); err != nil {
		t.Fatal(err)
	}
	json, err := os.ReadFile(file)
	if err := errors.Join(err, os.Remove(file)); err != nil {
		t.Fatal(err)
	}
	sum, ok, err := p.recall(both)
	again, readErr := os.ReadFile(file)
	if !ok || errors.Join(err, readErr) != nil || sum.Findings.High != 1 || stdout.String() != table || !bytes.Equal(again, json) {
		t.Errorf("%+v %v %v %q %q", sum, ok, errors.Join(err, readErr), stdout.String(), again)
	}
	// What cannot be written is an error, not a reason to judge.
	if _, ok, err := p.recall(sinks(t, "json="+filepath.Join(file, "x"))); !ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
	p.memory = nil
	if _, ok, err := p.recall(both); ok || err != nil {
		t.Errorf("no memory recalls: %v, %v", ok, err)
	}
	stdout.Reset()
	if err := p.print(both[0], rep); err != nil || stdout.String() != table {
		t.Errorf("%v %q", err, stdout.String())
	}
}

// TestAViewIsAllThatAnOutputDependsOn changes one thing after the other.
func TestAViewIsAllThatAnOutputDependsOn(t *testing.T) {
	seen := map[string]string{}
	for what, p := range map[string]printer{
		"nothing": {}, "version": {opts: report.Options{Version: "2"}}, "colour": {opts: report.Options{Color: true}},
		"width": {opts: report.Options{Width: 80}}, "verbose": {opts: report.Options{Verbose: true}}, "baseline": {known: "x"},
	} {
		for _, format := range report.Formats() {
			v := p.view(sink{format: format})
			if other, found := seen[v]; found {
				t.Errorf("%s of %s is seen as %s", format, what, other)
			}
			seen[v] = format + " of " + what
		}
	}
	// A file is the same whatever the terminal.
	plain, wide := printer{}, printer{opts: report.Options{Color: true, Width: 200}}
	if s := (sink{format: "table", file: "x"}); plain.view(s) != wide.view(s) {
		t.Error("a file depends on the terminal")
	}
}
