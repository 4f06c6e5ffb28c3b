package logs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
)

// play gives n(i) lines of a kind in each minute from..to.
func play(m *logs.Miner, line string, from, to int64, n func(i int64) int) {
	for i := from; i < to; i++ {
		for k := range n(i) {
			m.Add(fmt.Appendf(nil, line, i*100+int64(k)), i*minute+int64(k))
		}
	}
}

func constant(n int) func(int64) int { return func(int64) int { return n } }

func TestNewTemplate(t *testing.T) {
	m := miner(t, nil)
	m.Add([]byte("ERROR one that was there from the start"), 1)
	play(m, "INFO request %d done", 0, 30, constant(5))
	if got := m.Signals(30 * minute); len(got) != 0 {
		t.Fatalf("nothing is new: %+v", got)
	}
	m.Add([]byte("ERROR cannot reach the database at 10.0.0.1:5432"), 30*minute+5)
	m.Add([]byte("ERROR cannot reach the database at 10.0.0.2:5432"), 31*minute)
	m.Add([]byte("INFO something new but harmless"), 31*minute)
	got := m.Signals(32 * minute)
	if len(got) != 1 || got[0].Kind != logs.NewTemplate || got[0].Since != 30*minute+5 || got[0].Lines != 2 || got[0].Template.Text != "ERROR cannot reach the database at <*>" || got[0].Template.Example != "ERROR cannot reach the database at 10.0.0.1:5432" {
		t.Fatalf("%+v", got)
	}
	if got := m.Signals(61 * minute); len(got) != 0 {
		t.Errorf("it is old: %+v", got)
	}
}

func TestSurgingTemplate(t *testing.T) {
	m := miner(t, nil)
	quiet := func(i int64) int { return 4 + int(i*i%3) }
	play(m, "ERROR call %d to the shop failed", 0, 120, quiet)
	if got := m.Signals(120 * minute); len(got) != 0 {
		t.Fatalf("it is as always: %+v", got)
	}
	// It is told while the minute goes on.
	play(m, "ERROR call %d to the shop failed", 120, 121, constant(60))
	got := m.Signals(121 * minute)
	if len(got) != 1 || got[0].Kind != logs.SurgingTemplate || got[0].Since != 120*minute || got[0].Lines != 60 || got[0].Expected < 3 || got[0].Expected > 7 || got[0].Score < 6 {
		t.Fatalf("%+v", got)
	}
	play(m, "ERROR call %d to the shop failed", 121, 130, constant(60))
	if got := m.Signals(130 * minute); len(got) != 1 || got[0].Since != 120*minute || got[0].Lines != 600 {
		t.Fatalf("it goes on: %+v", got)
	}
	play(m, "ERROR call %d to the shop failed", 130, 137, quiet)
	if got := m.Signals(137 * minute); len(got) != 0 {
		t.Fatalf("it is over: %+v", got)
	}
	// Again within the hour is a surge again.
	play(m, "ERROR call %d to the shop failed", 137, 160, quiet)
	play(m, "ERROR call %d to the shop failed", 160, 161, constant(60))
	if got := m.Signals(161 * minute); len(got) != 1 || got[0].Since != 160*minute {
		t.Fatalf("it is back: %+v", got)
	}
	// Without lines it ends by Tick.
	m.Tick(170 * minute)
	if got := m.Signals(170 * minute); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

// TestFewLinesAreNoSurge has a floor, and habits.
func TestFewLinesAreNoSurge(t *testing.T) {
	m := miner(t, nil)
	play(m, "ERROR rare %d failed", 0, 200, func(i int64) int {
		if i%20 == 0 {
			return 1
		}
		return 0
	})
	play(m, "ERROR rare %d failed", 200, 201, constant(9))
	if got := m.Signals(201 * minute); len(got) != 0 {
		t.Errorf("nine lines: %+v", got)
	}
	// Something that fails fifty times at each full hour surges at first, and
	// does so by habit later.
	m = miner(t, nil)
	surges := 0
	for h := range int64(24) {
		play(m, "ERROR nightly %d failed", h*60, h*60+60, func(i int64) int {
			if i%60 == 30 {
				return 50
			}
			return int(i % 2)
		})
		m.Tick((h*60 + 31) * minute)
	}
	for h := int64(24); h < 34; h++ {
		play(m, "ERROR nightly %d failed", h*60, h*60+31, func(i int64) int {
			if i%60 == 30 {
				return 50
			}
			return int(i % 2)
		})
		surges += len(m.Signals((h*60 + 31) * minute))
		m.Tick((h*60 + 59) * minute)
	}
	if surges > 0 {
		t.Errorf("%d surges of a habit", surges)
	}
}

// TestTimeIsHostile: late lines, jumps back and far ahead.
func TestTimeIsHostile(t *testing.T) {
	m := miner(t, nil)
	play(m, "ERROR x %d failed", 1000, 1100, constant(3))
	m.Add([]byte("ERROR x 1 failed"), 1099*minute-5) // a little late
	m.Add([]byte("ERROR x 1 failed"), 5*minute)      // far back
	play(m, "ERROR x %d failed", 6, 100, constant(3))
	play(m, "ERROR x %d failed", 100, 101, constant(80))
	if got := m.Signals(101 * minute); len(got) != 1 || got[0].Since != 100*minute {
		t.Errorf("%+v", got)
	}
	m.Add([]byte("ERROR x 1 failed"), 1<<60)
	m.Add([]byte("ERROR x 1 failed"), -1<<60)
	if got := m.Signals(-1 << 60); len(got) > 1 {
		t.Errorf("%+v", got)
	}
	m.Tick(1 << 61)
}

// TestASurgeSurvivesGeneralising takes variants in that surge, too.
func TestASurgeSurvivesGeneralising(t *testing.T) {
	m := miner(t, nil)
	for i := range int64(60) {
		for range 3 {
			m.Add([]byte("ERROR job alpha broke down again"), i*minute)
			m.Add([]byte("ERROR job beta broke down again"), i*minute)
		}
	}
	for range 60 {
		m.Add([]byte("ERROR job alpha broke down again"), 60*minute)
	}
	before := m.Signals(60*minute + 1)
	for i := range 12 {
		m.Add([]byte("ERROR job "+string(rune('c'+i))+"x broke down again"), 60*minute+1)
	}
	after := m.Signals(60*minute + 2)
	if len(before) != 1 || len(after) != 1 || after[0].Template.Text != "ERROR job <*> broke down again" || after[0].Since != 60*minute || after[0].Template.Count != 6*60+72 {
		t.Errorf("%+v\n%+v", before, after)
	}
}

func TestShifts(t *testing.T) {
	m := miner(t, nil)
	a := m.Mark(0)
	play(m, "steady %d line", 0, 60, constant(10))
	play(m, "vanishing %d line", 0, 60, constant(5))
	m.Add([]byte("item apple was put away here"), 1)
	b := m.Mark(hour)
	play(m, "steady %d line", 60, 90, constant(10))
	play(m, "rising %d line", 60, 90, constant(8))
	m.Add([]byte("item pear was put away here"), hour)
	m.Add([]byte("item plum was put away here"), hour)
	c := m.Mark(hour + 30*minute)
	got, err := m.Shifts(a, b, c, 3)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if got[0].Template.Text != "rising <*> line" || got[0].After != 240 || got[0].Before != 0 || got[0].Score < 10 {
		t.Errorf("%+v", got[0])
	}
	if got[1].Template.Text != "vanishing <*> line" || got[1].After != 0 || got[1].Before != 300 || got[1].Expected != 150 || got[1].Score > -10 {
		t.Errorf("%+v", got[1])
	}
	// A template that became more general has the counts of both windows.
	got, err = m.Shifts(a, b, c, 0)
	if err != nil || len(got) != 3 && len(got) != 4 {
		t.Fatalf("%+v %v", got, err)
	}
	for _, s := range got {
		if s.Template.Text == "item <*> was put away here" && (s.Before != 1 || s.After != 2) {
			t.Errorf("%+v", s)
		}
	}
	if _, err := m.Shifts(b, a, c, 0); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestJoiner(t *testing.T) {
	for name, c := range map[string]struct{ lines, events []string }{
		"java": {
			[]string{"12:00 ERROR it failed", "java.lang.IllegalStateException: no", "\tat a.B.c(D.java:1)", "\t... 3 more", "Caused by: java.io.IOException: disk", "\tat x.Y.z(Q.java:2)", "12:01 INFO on we go"},
			[]string{"12:00 ERROR it failed\njava.lang.IllegalStateException: no\n\tat a.B.c(D.java:1)\n\t... 3 more\nCaused by: java.io.IOException: disk\n\tat x.Y.z(Q.java:2)", "12:01 INFO on we go"},
		},
		"an exception below something else": {
			[]string{"all is well", "java.lang.IllegalStateException: no", "\tat a.B.c(D.java:1)"},
			[]string{"all is well", "java.lang.IllegalStateException: no\n\tat a.B.c(D.java:1)"},
		},
		"go": {
			[]string{"panic: no map", "", "goroutine 1 [running]:", "main.f(...)", "\t/x/main.go:7", "main.main()", "\t/x/main.go:3 +0x1d", "exit status 2", "starting"},
			[]string{"panic: no map\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/x/main.go:7\nmain.main()\n\t/x/main.go:3 +0x1d\nexit status 2", "starting"},
		},
		"python": {
			[]string{"Traceback (most recent call last):", `  File "x.py", line 1, in <module>`, "    f()", "ValueError: bad", "next"},
			[]string{"ValueError: bad\nTraceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    f()", "next"},
		},
		"python, logged": {
			[]string{"ERROR:root:it failed", "Traceback (most recent call last):", "  File \"x.py\"", "ValueError: bad", "INFO:root:next"},
			[]string{"ERROR:root:it failed\nTraceback (most recent call last):\n  File \"x.py\"\nValueError: bad", "INFO:root:next"},
		},
		"python, cut":  {[]string{"Traceback (most recent call last):", "next"}, []string{"Traceback (most recent call last):", "next"}},
		"single lines": {[]string{"a", "", "ValueError: x", "b\r\n"}, []string{"a", "", "ValueError: x", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := logs.NewJoiner(4096)
			var got []string
			for i, l := range c.lines {
				if e, at, ok := j.Add([]byte(l), int64(i)); ok {
					if at >= int64(i) {
						t.Errorf("%q was at %d", e, at)
					}
					got = append(got, string(e))
				}
			}
			if e, _, ok := j.Flush(); ok {
				got = append(got, string(e))
			}
			if _, _, ok := j.Flush(); ok {
				t.Error("it holds what it gave")
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.events) {
				t.Errorf("\n got %q\nwant %q", got, c.events)
			}
		})
	}
	// A trace without an end is bounded.
	j := logs.NewJoiner(300)
	j.Add([]byte("start"), 0)
	events := 0
	for range 5000 {
		if e, _, ok := j.Add([]byte("\tat somewhere in the program"), 0); ok {
			events++
			if len(e) > 300 {
				t.Fatalf("%d bytes", len(e))
			}
		}
	}
	if joined, dropped := j.Joined(); events != 5 || joined < 4900 || dropped < 4900-20*5 {
		t.Errorf("%d events, %d joined, %d dropped", events, joined, dropped)
	}
}

func Example() {
	m, err := logs.New(logs.Default())
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for i := range int64(30) {
		m.Add(fmt.Appendf(nil, "INFO order %d was stored", i), start+i*60_000)
	}
	m.Add([]byte("ERROR order 31 was lost: disk full"), start+30*60_000)
	for _, s := range m.Signals(start + 31*60_000) {
		fmt.Println(s.Kind, s.Template.Level, s.Template.Text, s.Lines)
	}
	// Output: new error ERROR order <*> was lost: disk full 1
}
