package plot

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"github.com/autoecoops/autoecoops/observe"
)

// Terminal draws a chart in characters, columns wide and lines high without the
// axis. Words carry the meaning: colour only helps.
func Terminal(c Chart, columns, lines int, color bool) (string, error) {
	e, err := c.extent()
	if err != nil {
		return "", err
	}
	zone := c.Location
	if zone == nil {
		zone = time.UTC
	}
	columns = max(20, min(columns-14, 160))
	data := resample(c.Points, e, columns)
	graphs := []asciigraph.AnsiColor{asciigraph.Default, asciigraph.Default, asciigraph.Default}
	if color {
		graphs = []asciigraph.AnsiColor{asciigraph.DimGray, asciigraph.DimGray, asciigraph.DodgerBlue}
	}
	dots := asciigraph.CreateCharSet("·")
	text := asciigraph.PlotMany(data[:], asciigraph.Height(lines), asciigraph.Width(0),
		asciigraph.LowerBound(e.low), asciigraph.UpperBound(e.high), asciigraph.SeriesColors(graphs...),
		asciigraph.SeriesChars(dots, dots, asciigraph.DefaultCharSet),
		asciigraph.YAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%10s", observe.Quantity(v, c.Unit)) }))
	at := func(t time.Time) int {
		return int(math.Round(float64(t.Sub(e.from)) / float64(e.to.Sub(e.from)) * float64(columns-1)))
	}
	// Where the graph begins: behind the axis.
	margin := 11
	for l := range strings.Lines(text) {
		if i := strings.IndexAny(l, "┤┼"); i >= 0 {
			margin = len([]rune(l[:i])) + 1
			break
		}
	}
	pad := strings.Repeat(" ", margin)
	var b strings.Builder
	b.WriteString(text + "\n")
	if len(c.Abnormal) > 0 {
		row := []rune(strings.Repeat(" ", columns))
		for _, s := range c.Abnormal {
			to := s.To
			if to.IsZero() || to.After(e.to) {
				to = e.to
			}
			for i := max(0, at(s.From)); i <= at(to) && i < columns; i++ {
				row[i] = '▔'
			}
		}
		b.WriteString(strings.TrimRight(pad+string(row), " ") + "  abnormal\n")
	}
	for _, m := range c.Marks {
		if i := at(m.At); i >= 0 && i < columns {
			b.WriteString(pad + beside(i, columns, m.At.In(zone).Format("15:04:05")+" "+m.Text) + "\n")
		}
	}
	from, to := e.from.In(zone).Format("2 Jan 15:04:05"), e.to.In(zone).Format("2 Jan 15:04:05")
	b.WriteString(pad + from + strings.Repeat(" ", max(1, columns-len(from)-len(to))) + to + "\n")
	return b.String(), nil
}

// beside writes a word beside an arrow at a column, on the side where there is room for
// it; what there is no room for is cut.
func beside(at, columns int, word string) string {
	n := len([]rune(word))
	if right := columns - at - 2; n <= right || right >= at-1 {
		return strings.Repeat(" ", at) + "↑ " + short(word, right)
	}
	word = short(word, at-1)
	return strings.Repeat(" ", at-1-len([]rune(word))) + word + " ↑"
}

// resample makes one value a column: of those that fall into it the one furthest
// from what was expected, for it is what one looks for. Columns without one are
// NaN, which are not drawn.
func resample(points []point, e extent, columns int) [3][]float64 {
	var out [3][]float64
	for i := range out {
		out[i] = make([]float64, columns)
		for j := range out[i] {
			out[i][j] = math.NaN()
		}
	}
	span := float64(e.to.Sub(e.from))
	for _, p := range points {
		if !finite(p.Value) {
			continue
		}
		i := int(math.Round(float64(time.UnixMilli(p.At).Sub(e.from)) / span * float64(columns-1)))
		if i < 0 || i >= columns {
			continue
		}
		middle := (p.Low + p.High) / 2
		if old := out[2][i]; math.IsNaN(old) || finite(middle) && math.Abs(p.Value-middle) > math.Abs(old-middle) {
			out[2][i] = p.Value
		}
		if finite(middle) {
			out[0][i], out[1][i] = max(p.Low, e.low), min(p.High, e.high)
		}
	}
	return out
}
