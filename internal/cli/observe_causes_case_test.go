package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// TestKeptCase keeps a case for the user alone and judges it again, asking nobody.
func TestKeptCase(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.case")
	of, _ := component("shop/orders")
	c := cause.Case{At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s := cause.Series{Of: of, ID: "x", What: "duration", Unit: "s", Golden: watch.Duration, Direction: anomaly.Above}
	for i := range 240 {
		v := 0.1 + 0.001*float64(i%7)
		if i > 225 {
			v = 2
		}
		s.At, s.Values = append(s.At, c.At.Add(time.Duration(i-239)*15*time.Second).UnixMilli()), append(s.Values, v)
	}
	c.Series = []cause.Series{s}
	if err := (&keptCase{to: file}).save(c); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		s := &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
		code := Main(t.Context(), nil, s, Build{}, append([]string{"observe", "causes"}, args...))
		return code, out.String(), errs.String()
	}
	code, out, errs := run("--case", file)
	if code != 1 || !strings.Contains(out, "1. shop/orders") || !strings.Contains(errs, "1 series") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	again := filepath.Join(dir, "b.case")
	if code, out, _ := run("--case", file, "-o", "json", "--save-case", again); code != 1 || strings.Contains(out, "survey") || !strings.Contains(out, `"orders"`) {
		t.Errorf("%d %s", code, out)
	}
	a, _ := os.ReadFile(file)
	if b, err := os.ReadFile(again); err != nil || !bytes.Equal(a, b) {
		t.Error("a case that is kept again differs", err)
	}
	if err := (&keptCase{to: file}).save(cause.Case{At: c.At}); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run("--case", file); code != 3 || !strings.Contains(out, "Nothing can be said") {
		t.Errorf("%d %s", code, out)
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--prometheus":         {"--case", file, "--prometheus", "http://x"},
		"is no format":         {"--case", file, "-o", "x"},
		"it is a folder":       {"--case", again, "--save-case", dir},
		"it is no case":        {"--case", broken},
		"no such file":         {"--case", filepath.Join(dir, "none")},
		"At\" is no time zone": {"--case", file, "--time-zone", "Nowhere/At"},
		"Local\" is no time":   {"--case", file, "--time-zone", "Local"},
		"--case;":              {"--case", ""},
		"--save-case;":         {"--case", file, "--save-case", ""},
		"not a directory":      {"--case", again, "--save-case", filepath.Join(again, "x")},
		"is no regular file;":  {"--case", dir},
	} {
		if code, _, errs := run(args...); code != 2 && want != "not a directory" || !strings.Contains(strings.ReplaceAll(errs, "\n", ";"), want) {
			t.Errorf("%s: %d %s", want, code, errs)
		}
	}
}
