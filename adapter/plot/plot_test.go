package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// chart is an hour of a signal that doubles, with a gap, two samples that are no
// number, and hostile words.
func chart() Chart {
	c := Chart{Title: "shop/<script>alert(1)</script>: mean \x1b[31m & \"more\"", Unit: "s"}
	for i := range 120 {
		at := began.Add(time.Duration(i) * 30 * time.Second)
		v := 0.02 + 0.001*math.Sin(float64(i))
		if i > 100 {
			v *= 3
		}
		p := observe.Point{At: at.UnixMilli(), Value: v, Low: 0.018, High: 0.022}
		switch {
		case i < 10:
			p.Low, p.High = math.NaN(), math.NaN()
		case i == 20:
			p.Value = math.NaN()
		case i == 21:
			p.Value = math.Inf(1)
		case i > 40 && i < 50:
			continue
		}
		c.Points = append(c.Points, p)
	}
	c.Abnormal = []Span{{From: began.Add(50 * time.Minute)}, {From: began.Add(-time.Hour), To: began.Add(2 * time.Minute)}}
	c.Marks = []Mark{{began.Add(49 * time.Minute), "release <b>orders</b> abc1234"}, {began.Add(59*time.Minute + 20*time.Second), "scaled"}, {began.Add(-time.Hour), "before"}}
	return c
}

func TestSVG(t *testing.T) {
	var b bytes.Buffer
	if err := SVG(&b, chart()); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(&b)
	var text strings.Builder
	paths := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			if x.Name.Local == "script" || x.Name.Local == "b" {
				t.Errorf("a word became an element: %s", x.Name.Local)
			}
			if x.Name.Local == "path" {
				paths++
			}
		case xml.CharData:
			text.Write(x)
		}
	}
	for _, word := range []string{"<script>alert(1)</script>", "release <b>orders</b>", "scaled", "09:00", "ms"} {
		if !strings.Contains(text.String(), word) {
			t.Errorf("%q is not told in %q", word, text.String())
		}
	}
	if strings.Contains(text.String(), "before") {
		t.Error("what was before is shown")
	}
	if paths < 5 {
		t.Errorf("%d paths", paths)
	}
}

func TestPNG(t *testing.T) {
	var b bytes.Buffer
	if err := PNG(&b, chart()); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	red, blue := 0, 0
	for y := range height {
		for x := range width {
			r, g, b, _ := picture.At(x, y).RGBA()
			if r > g+0x1000 && r > b+0x1000 {
				red++
			}
			if b > r+0x4000 {
				blue++
			}
		}
	}
	if red < 1000 || blue < 200 {
		t.Errorf("%d red and %d blue points", red, blue)
	}
}

func TestTerminal(t *testing.T) {
	for _, color := range []bool{false, true} {
		text, err := Terminal(chart(), 100, 12, color)
		if err != nil {
			t.Fatal(err)
		}
		if color != strings.Contains(text, "\x1b[") {
			t.Errorf("color %v:\n%s", color, text)
		}
		for _, word := range []string{"ms", "▔", "abnormal", "09:49:00 release <b>orders</b> abc1234 ↑", "2 Mar 09:00:00", "·"} {
			if !strings.Contains(text, word) {
				t.Errorf("%q is missing in\n%s", word, text)
			}
		}
	}
}

// TestBeside has no word reach out of the plot, wherever its mark is.
func TestBeside(t *testing.T) {
	for _, c := range []struct {
		at   int
		word string
		want string
	}{
		{3, "short", "   ↑ short"}, {18, "short", "            short ↑"}, {0, strings.Repeat("x", 40), "↑ " + strings.Repeat("x", 17) + "…"},
		{19, strings.Repeat("x", 40), strings.Repeat("x", 17) + "… ↑"}, {10, strings.Repeat("x", 10), strings.Repeat(" ", 10) + "↑ xxxxxxx…"},
	} {
		got := beside(c.at, 20, c.word)
		if n := len([]rune(got)); n > 20 || c.at != 10 && got != c.want {
			t.Errorf("%d: %q of %d, want %q", c.at, got, n, c.want)
		}
		if i := slices.Index([]rune(got), '↑'); i != c.at {
			t.Errorf("the arrow is at %d, not %d", i, c.at)
		}
	}
}

// TestWordsOfMarksDoNotOverlap draws changes of one minute below each other.
func TestWordsOfMarksDoNotOverlap(t *testing.T) {
	c := chart()
	c.Marks = nil
	for i := range 8 {
		c.Marks = append(c.Marks, Mark{began.Add(30*time.Minute + time.Duration(i)*5*time.Second), "scaling: Scaled up replica set " + string(rune('a'+i))})
	}
	c.Marks = append(c.Marks, Mark{began.Add(2 * time.Minute), "scaling: Scaled up replica set far"})
	var b bytes.Buffer
	if err := SVG(&b, c); err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`<text x="(\d+)" y="(\d+)"[^>]*>([^<]*replica set[^<]*)<`).FindAllStringSubmatch(b.String(), -1) {
		if before, ok := rows[m[2]]; ok && !strings.HasSuffix(m[3], "far") && !strings.HasSuffix(before, "far") {
			t.Errorf("%q and %q stand in one row", before, m[3])
		}
		rows[m[2]] = m[3]
	}
	if len(rows) != 8 || strings.Count(b.String(), "replica set") != 9 {
		t.Errorf("%d rows: %v", len(rows), rows)
	}
}

func TestNothingToDraw(t *testing.T) {
	one := chart()
	one.Points = one.Points[:1]
	for _, c := range []Chart{{}, one, {Points: []observe.Point{{At: 1, Value: math.NaN()}, {At: 2, Value: math.Inf(1)}}}} {
		if err := SVG(io.Discard, c); fault.KindOf(err) != fault.NotFound {
			t.Error(err)
		}
		if _, err := Terminal(c, 80, 10, false); fault.KindOf(err) != fault.NotFound {
			t.Error(err)
		}
	}
	flat := Chart{Points: []observe.Point{{At: 1, Value: 0}, {At: 60_001, Value: 0}}}
	if err := SVG(io.Discard, flat); err != nil {
		t.Error(err)
	}
	if text, err := Terminal(flat, 5, 3, false); err != nil || text == "" {
		t.Error(err)
	}
}

// TestTicks has every length of time get few moments.
func TestTicks(t *testing.T) {
	for span := time.Second; span < 400*24*time.Hour; span = span*3/2 + time.Second {
		n := len(ticks(extent{from: began, to: began.Add(span)}, time.UTC))
		if n < 2 || n > 16 {
			t.Errorf("%s has %d moments", span, n)
		}
	}
}
