package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
	"github.com/autoecoops/autoecoops/ops"
)

// TestGate walks the whole table: what was found × what was asked for.
func TestGate(t *testing.T) {
	severities := append(ops.Severities(), 0) // 0: no finding
	statuses := []ops.Status{ops.Fail, ops.Unknown, ops.Excepted, ops.Pass}
	failOn := map[string]ops.Severity{"critical": ops.Critical, "high": ops.High, "medium": ops.Medium, "low": ops.Low, "never": ops.Critical + 1}
	for _, severity := range severities {
		for _, status := range statuses {
			for name, least := range failOn {
				for _, percent := range []int{100, 90, 89} {
					for _, unknowns := range []bool{false, true} {
						for _, strict := range []bool{false, true} {
							rep := &assess.Report{}
							if severity > 0 {
								rep.Findings = []ops.Finding{{Severity: severity, Status: status}}
							}
							rep.Summary.Coverage.Percent = percent
							if unknowns {
								rep.Summary.Coverage.Unknown = 1
							}
							rep.Count()
							want := 0
							switch {
							case severity >= least && status == ops.Fail:
								want = 1
							case percent < 90, strict && (unknowns || severity > 0 && status == ops.Unknown):
								want = 3
							}
							s := config.Default()
							s.FailOn, s.FailCoverageBelow, s.FailOnUnknown = name, 90, strict
							var said bytes.Buffer
							err := gate(rep.Summary, s, &said)
							got := 0
							if a, ok := errors.AsType[answer](err); ok {
								got = a.code
							} else if err != nil {
								t.Fatal(err)
							}
							if got != want || (said.Len() > 0) != (want == 3) {
								t.Errorf("%s %s, fail on %s, coverage %d, unknowns %v, strict %v: %d, want %d (%s)", severity, status, name, percent, unknowns, strict, got, want, said.String())
							}
						}
					}
				}
			}
		}
	}
	if err := gate(assess.Summary{}, config.Assess{FailOn: "sometimes"}, io.Discard); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}

func TestParseOutputs(t *testing.T) {
	sinks, err := parseOutputs([]string{"table", "json=a=b.json", "sarif=x"})
	if err != nil || len(sinks) != 3 || sinks[0].file != "" || sinks[1].file != "a=b.json" || sinks[1].carriesEdits() || !sinks[2].carriesEdits() {
		t.Errorf("%+v, %v", sinks, err)
	}
	if sinks, err := parseOutputs(nil); err != nil || len(sinks) != 1 || sinks[0].format != "table" {
		t.Errorf("%+v, %v", sinks, err)
	}
	for _, bad := range [][]string{{"yaml"}, {""}, {"table", "json"}, {"json=-", "table"}} {
		if _, err := parseOutputs(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWriteToIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	holds := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if err := writeTo(name, nil, text("one")); err != nil {
		t.Fatal(err)
	}
	holds("one")
	err := writeTo(name, nil, func(w io.Writer) error { return errors.Join(text("half")(w), io.ErrShortWrite) })
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	holds("one")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("out", link); err != nil {
		t.Fatal(err)
	}
	if err := writeTo(link, nil, text("two")); err != nil {
		t.Fatal(err)
	}
	holds("two")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("files are left: %v", list)
	}
	if err := writeTo(filepath.Join(dir, "new", "x"), nil, text("x")); err != nil {
		t.Errorf("the folder is not made: %v", err)
	}
	if err := writeTo(filepath.Join(name, "x"), nil, text("x")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a file took the place of a folder: %v", err)
	}
	if err := writeTo(dir, nil, text("x")); err == nil {
		t.Error("a folder was written")
	}
	// What is no regular file, as /dev/null or /dev/stdout, is written to and
	// never replaced.
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, err := os.ReadFile(pipe)
		read <- fmt.Sprint(string(text), err)
	}()
	if err := writeTo(pipe, nil, text("piped")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Fatal("a pipe was replaced by a file")
	}
	if got := <-read; got != "piped<nil>" {
		t.Errorf("%q came through the pipe", got)
	}
	var out bytes.Buffer
	if err := writeTo("", &out, text("stdout")); err != nil || out.String() != "stdout" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
