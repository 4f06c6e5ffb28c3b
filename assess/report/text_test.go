package report

import (
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/assess"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"a\r\nb":             "a\nb",
		"\x1b[31m":           `\x1b[31m`,
		"\u009b1m":           `\x9b1m`,
		"\x9b":               `\x9b`,
		"\u202e\u2066\ufeff": `\u202e\u2066\ufeff`,
		"\U000e0041":         `\U000e0041`,
		"ü 日本 \ufffd":        "ü 日本 \ufffd",
		"a\tb\rc\x00":        "a\tb\\x0dc\\x00",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		got := plain(s)
		if !utf8.ValidString(got) {
			t.Fatalf("plain(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range got {
			if r != '\n' && r != '\t' && !visible(r) {
				t.Fatalf("plain(%q) has %q", s, r)
			}
		}
		if plain(got) != got {
			t.Fatalf("plain(%q) is not stable", s)
		}
		if err := xmlReads("<a b=\"" + xmlText(s) + "\">" + xmlText(s) + "</a>"); err != nil {
			t.Fatalf("XML of %q: %v", s, err)
		}
		if d := commandProperty(s); strings.ContainsAny(d, "\r\n:,") {
			t.Fatalf("commandProperty(%q) = %q", s, d)
		}
		for _, width := range []int{10, 40} {
			for _, l := range wrap(inline(s), width) {
				if columns(l) > width {
					t.Fatalf("wrap(%q, %d) has %q", s, width, l)
				}
			}
			if c := shorten(name(s), width); columns(c) > width {
				t.Fatalf("shorten(%q, %d) = %q", s, width, c)
			}
		}
	})
}

func xmlReads(s string) error {
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestJUnitIsXML(t *testing.T) {
	if err := xmlReads(render(t, "junit", sample(), options())); err != nil {
		t.Error(err)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestMarkdownFits(t *testing.T) {
	rep := many(3000)
	for i := range 200 {
		rep.Notices = append(rep.Notices, assess.Notice{Message: strings.Repeat(hostile, 3+i%2)})
		rep.Inputs = append(rep.Inputs, assess.Input{File: hostileFile, Status: assess.Unevaluated, Reason: strings.Repeat(hostile, 3)})
	}
	for i := range rep.Findings {
		if i%9 == 0 {
			rep.Findings[i].Message = strings.Repeat(hostile, 5)
		}
	}
	for _, verbose := range []bool{false, true} {
		got := render(t, "markdown", rep, Options{Verbose: verbose})
		if len(got) > maxMarkdown {
			t.Errorf("%d bytes", len(got))
		}
		if !regexp.MustCompile(`\*\*[\d,]+ more findings not shown\*\* \(`).MatchString(got) {
			t.Error("it does not say what is not shown")
		}
		for _, bad := range []string{"@team", " #1", "](http", "<script", "http://", "<img"} {
			if strings.Contains(got, bad) {
				t.Errorf("it has %q", bad)
			}
		}
	}
}

func TestGitHubLimits(t *testing.T) {
	got := render(t, "github", many(1000), Options{})
	for level, most := range map[string]int{"error": 10, "warning": 10, "notice": 10} {
		if n := strings.Count("\n"+got, "\n::"+level+" "); n != most {
			t.Errorf("%d annotations of level %s, want %d", n, level, most)
		}
	}
	if !strings.Contains(got, "Without an annotation: ") {
		t.Error("it does not count the rest")
	}
	for line := range strings.Lines(render(t, "github", sample(), Options{})) {
		if !regexp.MustCompile(`^(::(error|warning|notice) [^:]*::|aeo assess: )`).MatchString(line) {
			t.Errorf("line is neither a command of ours nor a plain one: %q", line)
		}
	}
}
