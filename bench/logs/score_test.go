package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/observe/logs"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// TestScore has a case computed by hand: four true templates of 3, 2, 1 and 2
// lines. The first is found but for its text, the second and third are one
// group, the fourth is right.
func TestScore(t *testing.T) {
	truth := []string{"a <*>", "a <*>", "a <*>", "b x", "b x", "b y", "c", "c"}
	group := []string{"1", "1", "1", "2", "2", "2", "3", "3"}
	text := []string{"a", "a", "a", "b x", "b x", "b x", "c", "c"}
	s := score(group, text, truth)
	if !near(s.GA, 5.0/8) || !near(s.PA, 4.0/8) || s.Found != 3 || s.True != 4 {
		t.Errorf("%+v", s)
	}
	// 2 of 3 groups and 2 of 4 templates; 1 of 3 texts and 1 of 4 templates.
	if !near(s.FGA, 4.0/7) || !near(s.FTA, 2.0/7) {
		t.Errorf("%+v", s)
	}
	if s := score(truth, truth, truth); s.GA != 1 || s.FGA != 1 || s.PA != 1 || s.FTA != 1 {
		t.Errorf("%+v", s)
	}
	if s := score([]string{"1", "1"}, []string{"x", "x"}, []string{"a", "b"}); s.GA != 0 || s.FGA != 0 || s.PA != 0 || s.FTA != 0 {
		t.Errorf("%+v", s)
	}
}

// TestOwnCorpora parses two small corpora of our own: a few lines that are all
// right, and lines as containers write them.
func TestOwnCorpora(t *testing.T) {
	all, err := load("testdata")
	if err != nil || len(all) != 2 || all[0].name != "Containers" || len(all[0].content) != 407 || all[1].name != "Own" {
		t.Fatalf("%d corpora, %v", len(all), err)
	}
	for i, least := range []scores{{GA: 0.99, FTA: 0.95}, {GA: 1, FTA: 1}} {
		group, text, err := mine(all[i], logs.Default())
		if err != nil {
			t.Fatal(err)
		}
		if s := score(group, text, all[i].truth); s.GA < least.GA || s.FTA < least.FTA {
			var b strings.Builder
			explain(&b, group, text, all[i].truth)
			t.Errorf("%s: %+v\n%s", all[i].name, s, b.String())
		}
	}
}

func TestExplain(t *testing.T) {
	var b strings.Builder
	explain(&b, []string{"1", "1", "2"}, []string{"a", "a", "b"}, []string{"a", "c", "b"})
	if got := b.String(); got != "    1  a\n        2  a\n    1  c\n        2  a\n" {
		t.Errorf("%q", got)
	}
}

func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "logs.json")
	if err := run("testdata", "", 1000, out); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || !strings.Contains(string(text), "mean grouping accuracy") {
		t.Errorf("%s %v", text, err)
	}
	for _, folder := range []string{"", t.TempDir(), "nowhere"} {
		if err := run(folder, "", 1, out); err == nil {
			t.Errorf("%q is no folder of corpora", folder)
		}
	}
	if err := run("testdata", "Other", 1, out); err == nil {
		t.Error("there is no such corpus")
	}
	if err := run("testdata", "Own", 1, out); err != nil {
		t.Error(err)
	}
	broken := filepath.Join(t.TempDir(), "X"+suffix)
	if err := os.WriteFile(broken, []byte("LineId,Text\n1,a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Dir(broken), "", 1, out); err == nil || !strings.Contains(err.Error(), "Content") {
		t.Error(err)
	}
}
