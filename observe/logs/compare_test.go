package logs

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// quarter is the last quarter of an hour, against the hour before.
func quarter(t testing.TB, whole bool) *Comparison {
	t.Helper()
	c, err := NewComparison(Default(), Windows{From: noon.Add(-75 * time.Minute).UnixMilli(), Mid: noon.Add(-15 * time.Minute).UnixMilli(), To: noon.UnixMilli()}, whole)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// told finds the change of a source's template that has a word.
func told(all []Change, source, word string) *Change {
	for i := range all {
		if all[i].Source == source && strings.Contains(all[i].Template.Text, word) {
			return &all[i]
		}
	}
	return nil
}

// TestComparison has a template of each kind, in lines that come in no order.
func TestComparison(t *testing.T) {
	type at struct {
		minute int
		source string
		text   string
	}
	var lines []at
	for m := -75; m < 0; m++ {
		for i := range 4 {
			lines = append(lines, at{m, "shop/web", fmt.Sprintf("request %d served in %d ms", m*7+i, 3+i)})
		}
		if m < -15 {
			lines = append(lines, at{m, "shop/web", "cache warmed with entries"}, at{m, "shop/orders", "order placed by someone"})
		} else {
			lines = append(lines, at{m, "shop/web", fmt.Sprintf("ERROR order %d was lost: disk full trace_id=4bf92f3577b34da6a3ce929d0e0e47%02x", m, m+75)})
			for range 20 {
				lines = append(lines, at{m, "shop/orders", "order placed by someone"})
			}
			lines = append(lines, at{m, "shop/young", "hello from a young workload"})
		}
	}
	lines = append(lines, at{-90, "shop/web", "an old one"}, at{3, "shop/web", "one of tomorrow"}, at{-3, "shop/web", "nul\x00 here"}, at{-3, "shop/web", "   "}, at{-3, "shop/web", "served by Jos\xe9 himself"})
	var first []Change
	for seed := range 5 {
		rand.New(rand.NewSource(int64(seed))).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		c := quarter(t, true)
		for _, l := range lines {
			c.Add(Line{At: noon.Add(time.Duration(l.minute) * time.Minute).UnixMilli(), Text: []byte(l.text), Source: l.source})
		}
		got := c.Changes(3)
		lost := told(got, "shop/web", "was lost")
		if lost == nil || lost.Kind != Appeared || lost.Before != 0 || lost.After != 15 || !lost.Bad() || lost.Since != noon.Add(-15*time.Minute).UnixMilli() || lost.Last != noon.Add(-time.Minute).UnixMilli() || len(lost.Traces) != 3 || !strings.HasPrefix(lost.Traces[0], "4bf92f35") {
			t.Fatalf("seed %d: %+v", seed, lost)
		}
		if got[0].Template.ID != lost.Template.ID {
			t.Errorf("the error is not first: %+v", got[0])
		}
		if x := told(got, "shop/web", "cache warmed"); x == nil || x.Kind != Vanished || x.Before != 60 || x.Expected != 15 || x.Since != noon.Add(-16*time.Minute).UnixMilli() || x.Bad() {
			t.Errorf("%+v", x)
		}
		if x := told(got, "shop/orders", "order placed"); x == nil || x.Kind != More || x.Before != 60 || x.After != 300 || x.Expected != 15 {
			t.Errorf("%+v", x)
		}
		if x := told(got, "shop/young", "hello"); x == nil || x.Kind != Unjudged || x.After != 15 {
			t.Errorf("%+v", x)
		}
		if x := told(got, "shop/web", "request"); x != nil {
			t.Errorf("nothing changed: %+v", x)
		}
		n := c.Counted()
		if n.Lines != uint64(len(lines)) || n.Older != 1 || n.Newer != 1 || n.Binary != 1 || n.Empty != 1 || n.Invalid != 1 || n.Lost != 0 || n.Before+n.After != n.Lines-2 {
			t.Errorf("%+v", n)
		}
		if w := c.Without(); !slices.Equal(w, []string{"shop/young"}) || c.Sources() != 3 || c.Templates() < 5 {
			t.Errorf("%v, %d sources, %d templates", w, c.Sources(), c.Templates())
		}
		if first == nil {
			first = got
		}
	}
	if !slices.IsSortedFunc(first, func(a, b Change) int { return b.weight() - a.weight() }) {
		t.Error("not in the order of weight")
	}
}

// TestComparisonSince tells when in the later window the rate changed, to a part of
// it.
func TestComparisonSince(t *testing.T) {
	for _, when := range []int{-15, -12, -8, -3} {
		for _, many := range []int{0, 60} { // lines a minute from then on, 10 before
			c := quarter(t, true)
			for m := -75; m < 0; m++ {
				n := 10
				if m >= when {
					n = many
				}
				for i := range n {
					c.Add(Line{At: noon.Add(time.Duration(m)*time.Minute + time.Duration(i)*time.Second).UnixMilli(), Text: []byte("tick of the clock"), Source: "a"})
				}
			}
			got := c.Changes(1)
			if len(got) != 1 {
				t.Fatalf("%d %d: %+v", when, many, got)
			}
			off := time.UnixMilli(got[0].Since).Sub(noon.Add(time.Duration(when) * time.Minute))
			if got[0].Kind == Vanished && many == 0 && when == -15 {
				continue // it is told by its last line
			}
			if off.Abs() > time.Minute {
				t.Errorf("%d, %d lines: %s since %v off", when, many, got[0].Kind, off)
			}
		}
	}
}

// TestComparisonOfPart takes a source's time before from its first line, where
// older ones may be gone: ten lines in ten minutes are the rate of before.
func TestComparisonOfPart(t *testing.T) {
	for _, whole := range []bool{false, true} {
		c := quarter(t, whole)
		for m := -25; m < 0; m++ {
			c.Add(Line{At: noon.Add(time.Duration(m) * time.Minute).UnixMilli(), Text: []byte("tick of the clock"), Source: "a"})
		}
		got := c.Changes(3)
		if whole != (len(got) == 1) {
			t.Errorf("whole %v: %+v", whole, got)
		}
	}
}

// TestComparisonBounds has too many sources and too many kinds.
func TestComparisonBounds(t *testing.T) {
	c := quarter(t, true)
	const lines = 120_000
	for i := range lines {
		word := ""
		for n := i; n > 0; n /= 20 {
			word += string(rune('a' + n%20))
		}
		c.Add(Line{At: noon.Add(-time.Duration(i%70+1) * time.Minute).UnixMilli(), Text: []byte("w" + word + " x y"), Source: fmt.Sprint("s", i%5000)})
	}
	got := c.Changes(0)
	if c.Sources() > MaxSources+1 || len(c.tallies) > MaxTallies {
		t.Errorf("%d sources, %d tallies", c.Sources(), len(c.tallies))
	}
	var sum uint64
	for k := range c.tallies {
		sum += c.tallies[k].before + c.tallies[k].after
	}
	if n := c.Counted(); n.Lines != lines || sum+n.Lost+n.Empty != lines {
		t.Errorf("%+v: %d counted", n, sum)
	}
	if len(got) == 0 {
		t.Error("nothing is told")
	}
}

// TestComparisonGap leaves out what is between the windows, and compares with the
// part of the time before that was read: ten minutes of it.
func TestComparisonGap(t *testing.T) {
	at := func(minute int) int64 { return noon.Add(time.Duration(minute) * time.Minute).UnixMilli() }
	c, err := NewComparison(Default(), Windows{From: at(-40), Mid: at(-10), To: at(0), Gap: 20 * 60_000}, true)
	if err != nil {
		t.Fatal(err)
	}
	for m := -40; m < 0; m++ {
		c.Add(Line{At: at(m), Text: []byte("tick of the clock"), Source: "a"})
	}
	if n := c.Counted(); n.Before != 10 || n.After != 10 || n.Older != 20 {
		t.Errorf("%+v", n)
	}
	if got := c.Changes(0.1); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	// Had the lines of the first minute of the later window been read only, they
	// would be far more than usual.
	c.Narrow(at(-30), at(-9))
	c.Narrow(at(-50), at(-11))
	if got := c.Changes(0.1); len(got) != 1 || got[0].Kind != More || got[0].Expected != 1 {
		t.Errorf("%+v", got)
	}
}

func TestComparisonWindows(t *testing.T) {
	for _, w := range []Windows{{}, {1, 1, 2, 0}, {1, 2, 2, 0}, {3, 2, 1, 0}, {1, 3, 5, 2}, {1, 3, 5, -1}} {
		if _, err := NewComparison(Default(), w, true); err == nil {
			t.Errorf("%+v is taken", w)
		}
	}
	if _, err := NewComparison(Settings{}, Windows{From: 1, Mid: 2, To: 3}, true); err == nil {
		t.Error("bad settings are taken")
	}
}

// TestComparisonRedacts hides what looks like a credential, also behind colours.
func TestComparisonRedacts(t *testing.T) {
	c := quarter(t, true)
	c.Add(Line{At: noon.Add(-30 * time.Minute).UnixMilli(), Text: []byte("fine"), Source: "a"})
	c.Add(Line{At: noon.Add(-time.Minute).UnixMilli(), Text: []byte("ERROR login password=\x1b[31mhunter2 pass\x1b[0mword=hunter2 bearer abcdefhunter2"), Source: "a", Trace: "\x1b]0;x\a"})
	got := c.Changes(0)
	x := told(got, "a", "login")
	if x == nil || strings.Contains(fmt.Sprintf("%+v", *x), "hunter2") || strings.ContainsRune(x.Template.Example, 0x1b) || len(x.Traces) != 0 {
		t.Errorf("%+v", x)
	}
}

// TestStampedJSON reads a line of JSON behind the moment of who passed it on.
func TestStampedJSON(t *testing.T) {
	m, err := New(Default())
	if err != nil {
		t.Fatal(err)
	}
	bare := m.Add([]byte(`{"level":"error","msg":"disk full"}`), 1)
	if got := m.Add([]byte(`2026-03-01T11:59:03.123456789Z {"level":"error","msg":"disk full"}`), 2); got.ID != bare.ID || got.Level != Error {
		t.Errorf("%+v, not %+v", got, bare)
	}
}

func TestMomentOf(t *testing.T) {
	want := time.Date(2026, 2, 28, 11, 22, 33, 0, time.UTC)
	for line, plus := range map[string]time.Duration{
		"2026-02-28T11:22:33Z served":                                    0,
		"2026-02-28T11:22:33.5Z served":                                  500 * time.Millisecond,
		"2026-02-28 11:22:33,250 served":                                 250 * time.Millisecond,
		"2026/02/28 11:22:33 served":                                     0,
		"[2026-02-28T12:22:33.123456789+01:00] served":                   123 * time.Millisecond,
		"2026-02-28 12:22:33 +0100 served":                               0,
		"\x1b[2m2026-02-28T11:22:33Z\x1b[0m served":                      0,
		"E0228 11:22:33.000000       1 a.go:1] served":                   0,
		"Feb 28 11:22:33 host sshd[1]: served":                           0,
		`{"level":"info","ts":1772277753.25,"msg":"served"}`:             250 * time.Millisecond,
		`{"time":"2026-02-28T11:22:33Z","msg":"served"}`:                 0,
		`{"@timestamp": "2026-02-28T11:22:33.007Z"}`:                     7 * time.Millisecond,
		`time="2026-02-28T11:22:33Z" level=info msg=served`:              0,
		`level=info ts=2026-02-28T11:22:33.1Z msg=served`:                100 * time.Millisecond,
		`10.0.0.1 - - [28/Feb/2026:12:22:33 +0100] "GET / HTTP/1.1" 200`: 0,
		"1772277753 served":                                              0,
		"1772277753042 served":                                           42 * time.Millisecond,
		`{"timestamp":1772277753042000000,"a":1}`:                        42 * time.Millisecond,
		`{"timestamp":1772277753042000,"a":1}`:                           42 * time.Millisecond,
	} {
		at, ok := MomentOf([]byte(line), noon)
		if !ok || !time.UnixMilli(at).Equal(want.Add(plus)) {
			t.Errorf("%q: %v %v", line, time.UnixMilli(at).UTC(), ok)
		}
	}
	for _, line := range []string{"", "served", "2026-13-40T11:22:33Z", "Abc 99 11:22:33 x", "12345", "1772277753x", "0001-01-01T00:00:00Z x", "E9999 11:22:33.000000 x", "runtime=1772277753", "at time= yesterday"} {
		if at, ok := MomentOf([]byte(line), noon); ok {
			t.Errorf("%q: %v", line, time.UnixMilli(at).UTC())
		}
	}
	// One without a year is of last year, if this year's is still to come.
	if at, ok := MomentOf([]byte("Dec 31 23:59:59 host x"), noon); !ok || time.UnixMilli(at).UTC().Year() != 2025 {
		t.Errorf("%v %v", time.UnixMilli(at).UTC(), ok)
	}
	if at, ok := MomentOf([]byte("Feb 29 23:59:59 host x"), time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)); !ok || time.UnixMilli(at).UTC().Year() != 2024 {
		t.Errorf("%v %v", time.UnixMilli(at).UTC(), ok)
	}
}

func TestTraceOf(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, line := range []string{`{"trace_id":"` + id + `"}`, "x traceId=" + id + " y", `{\"traceID\": \"` + id + `\"}`, "traceparent: 00-" + id + "-00f067aa0ba902b7-01", "trace.id=" + strings.ToUpper(id)} {
		if got := TraceOf([]byte(line)); got != id {
			t.Errorf("%q: %q", line, got)
		}
	}
	for _, line := range []string{"", "trace_id=", "trace_id=xyz", "stacktrace_id=12", "trace_id=" + id + "00", "span_id=00f067aa0ba902b7"} {
		if got := TraceOf([]byte(line)); got != "" {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func FuzzMomentOf(f *testing.F) {
	for _, s := range []string{"2026-02-28T11:22:33.5+01:00", "[", "E0228 11:22:33.0 ", `{"ts":1772277753.2`, "x [28/Feb/2026:12:22:33 +0100]", "trace_id=4bf92f3577b34da6", "Jan  2 03:04:05 x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		at, ok := MomentOf(line, noon)
		if !ok && at != 0 {
			t.Errorf("%d without a moment", at)
		}
		if id := TraceOf(line); id != harmless(id) {
			t.Errorf("trace %q", id)
		}
	})
}
