package plot

import (
	"slices"
	"time"

	"github.com/go-analyze/charts/chartdraw"

	"github.com/autoecoops/autoecoops/observe"
)

type point = observe.Point

// plain is what all shapes have in common.
type plain struct{}

// GetName implements chartdraw.Series.
func (plain) GetName() string { return "" }

// GetYAxis implements chartdraw.Series.
func (plain) GetYAxis() chartdraw.YAxisType { return chartdraw.YAxisPrimary }

// GetStyle implements chartdraw.Series.
func (plain) GetStyle() chartdraw.Style { return chartdraw.Style{} }

// Validate implements chartdraw.Series.
func (plain) Validate() error { return nil }

// band is what was expected, where something was.
type band struct {
	plain
	points []point
}

// bands are the stretches in which something was expected.
func bands(points []point) []chartdraw.Series {
	var out []chartdraw.Series
	from := -1
	for i := 0; i <= len(points); i++ {
		known := i < len(points) && finite(points[i].Low) && finite(points[i].High)
		switch {
		case known && from < 0:
			from = i
		case !known && from >= 0:
			if i-from > 1 {
				out = append(out, band{points: points[from:i]})
			}
			from = -1
		}
	}
	return out
}

// Len implements chartdraw.BoundedValuesProvider.
func (b band) Len() int { return len(b.points) }

// GetBoundedValues implements chartdraw.BoundedValuesProvider.
func (b band) GetBoundedValues(i int) (x, low, high float64) {
	p := b.points[i]
	return chartdraw.TimeToFloat64(time.UnixMilli(p.At)), p.Low, p.High
}

// Render implements chartdraw.Series.
func (b band) Render(r chartdraw.Renderer, box chartdraw.Box, xs, ys chartdraw.Range, _ chartdraw.Style) {
	r.SetFillColor(expected)
	r.SetStrokeColor(expected)
	r.SetStrokeWidth(0)
	at := func(i int, value float64) (int, int) {
		x, _, _ := b.GetBoundedValues(i)
		value = min(max(value, ys.GetMin()), ys.GetMax())
		return box.Left + xs.Translate(x), box.Bottom - ys.Translate(value)
	}
	r.MoveTo(at(0, b.points[0].High))
	for i := range b.points {
		r.LineTo(at(i, b.points[i].High))
	}
	for i := len(b.points) - 1; i >= 0; i-- {
		r.LineTo(at(i, b.points[i].Low))
	}
	r.Close()
	r.Fill()
}

// area is a time in which something was abnormal.
type area struct {
	plain
	from, to time.Time
	within   extent
}

// Render implements chartdraw.Series.
func (a area) Render(r chartdraw.Renderer, box chartdraw.Box, xs, _ chartdraw.Range, _ chartdraw.Style) {
	from, to := a.from, a.to
	if from.Before(a.within.from) {
		from = a.within.from
	}
	if to.IsZero() || to.After(a.within.to) {
		to = a.within.to
	}
	if to.Before(from) {
		return
	}
	left, right := box.Left+xs.Translate(chartdraw.TimeToFloat64(from)), box.Left+xs.Translate(chartdraw.TimeToFloat64(to))
	right = max(right, left+2)
	r.SetFillColor(abnormal)
	r.SetStrokeWidth(0)
	r.MoveTo(left, box.Top)
	r.LineTo(right, box.Top)
	r.LineTo(right, box.Bottom)
	r.LineTo(left, box.Bottom)
	r.Close()
	r.Fill()
}

// moments are marks with their words.
type moments struct {
	plain
	all []Mark
}

// rowHeight is how far apart the rows of words are.
const rowHeight = 13

// Render implements chartdraw.Series. Words that would cover another stand in a row
// below it.
func (m moments) Render(r chartdraw.Renderer, box chartdraw.Box, xs, _ chartdraw.Range, defaults chartdraw.Style) {
	r.SetFont(defaults.GetFont())
	r.SetFontColor(ink)
	r.SetFontSize(9)
	var rows taken
	for _, x := range m.all {
		at := box.Left + xs.Translate(chartdraw.TimeToFloat64(x.At))
		r.SetStrokeColor(ink)
		r.SetStrokeWidth(1)
		r.SetStrokeDashArray([]float64{4, 3})
		r.MoveTo(at, box.Top)
		r.LineTo(at, box.Bottom)
		r.Stroke()
		r.SetStrokeDashArray(nil)
		// At the right edge the word stands before the line.
		long, from := r.MeasureText(x.Text).Width(), at+4
		if from+long > box.Right {
			from = at - 4 - long
		}
		if row := rows.place(from, from+long); box.Top+12+row*rowHeight < box.Bottom {
			r.Text(x.Text, from, box.Top+12+row*rowHeight)
		}
	}
}

// taken are the stretches of each row in which a word stands.
type taken [][][2]int

// place finds the first row with room for a word, and takes it.
func (t *taken) place(from, to int) (row int) {
	for row = range *t {
		if !slices.ContainsFunc((*t)[row], func(x [2]int) bool { return from < x[1]+4 && x[0] < to+4 }) {
			(*t)[row] = append((*t)[row], [2]int{from, to})
			return row
		}
	}
	*t = append(*t, [][2]int{{from, to}})
	return len(*t) - 1
}
