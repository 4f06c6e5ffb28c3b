package plot

import (
	"io"
	"math"
	"time"

	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

// The size of pictures, in pixels.
const (
	width  = 1000
	height = 360
)

var (
	ink      = drawing.Color{R: 34, G: 34, B: 34, A: 255}
	pale     = drawing.Color{R: 120, G: 120, B: 120, A: 255}
	line     = drawing.Color{R: 31, G: 95, B: 170, A: 255}
	expected = drawing.Color{R: 31, G: 95, B: 170, A: 40}
	abnormal = drawing.Color{R: 210, G: 60, B: 50, A: 60}
	white    = drawing.Color{R: 255, G: 255, B: 255, A: 255}
)

// SVG draws a chart as SVG.
func SVG(w io.Writer, c Chart) error {
	return draw(w, c, chartdraw.SVG)
}

// PNG draws a chart as PNG.
func PNG(w io.Writer, c Chart) error {
	return draw(w, c, chartdraw.PNG)
}

func draw(w io.Writer, c Chart, renderer chartdraw.RendererProvider) error {
	e, err := c.extent()
	if err != nil {
		return err
	}
	zone := c.Location
	if zone == nil {
		zone = time.UTC
	}
	room := (e.high - e.low) * 0.08
	// Of what cannot be negative nothing below zero is shown.
	bottom := e.low - room
	if e.low >= 0 {
		bottom = max(0, bottom)
	}
	chart := chartdraw.Chart{
		Title: short(c.Title, 110), Width: width, Height: height,
		TitleStyle: chartdraw.Style{FontStyle: chartdraw.FontStyle{FontSize: 12, FontColor: ink}},
		Background: chartdraw.Style{Padding: chartdraw.Box{Top: 40, Left: 20, Right: 20, Bottom: 12, IsSet: true}, FillColor: white},
		Canvas:     chartdraw.Style{FillColor: white},
		XAxis: chartdraw.XAxis{
			Style: chartdraw.Style{FontStyle: chartdraw.FontStyle{FontColor: pale}},
			Range: &chartdraw.ContinuousRange{Min: chartdraw.TimeToFloat64(e.from), Max: chartdraw.TimeToFloat64(e.to)},
			Ticks: ticks(e, zone),
		},
		YAxisSecondary: chartdraw.YAxis{Style: chartdraw.Style{Hidden: true}},
		YAxis: chartdraw.YAxis{
			Style:          chartdraw.Style{FontStyle: chartdraw.FontStyle{FontColor: pale}},
			Range:          &chartdraw.ContinuousRange{Min: bottom, Max: e.high + room},
			ValueFormatter: func(v any) string { f, _ := v.(float64); return observe.Quantity(f, c.Unit) },
		},
	}
	for _, s := range c.Abnormal {
		chart.Series = append(chart.Series, area{from: s.From, to: s.To, within: e})
	}
	chart.Series = append(chart.Series, bands(c.Points)...)
	chart.Series = append(chart.Series, values(c.Points)...)
	var marks moments
	for _, m := range c.Marks {
		if !m.At.Before(e.from) && !m.At.After(e.to) {
			marks.all = append(marks.all, Mark{m.At, short(m.Text, 40)})
		}
	}
	chart.Series = append(chart.Series, marks)
	if err := chart.Render(renderer, w); err != nil {
		return fault.Wrap(fault.Internal, "draw", c.Title, err, "")
	}
	return nil
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// ticks are round moments, six or so.
func ticks(e extent, zone *time.Location) []chartdraw.Tick {
	span := e.to.Sub(e.from)
	step := 30 * 24 * time.Hour
	for _, s := range []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
	} {
		if span/s <= 8 {
			step = s
			break
		}
	}
	form := "15:04"
	switch {
	case step < time.Minute:
		form = "15:04:05"
	case span > 24*time.Hour:
		form = "2 Jan 15:04"
	}
	tick := func(at time.Time) chartdraw.Tick {
		return chartdraw.Tick{Value: chartdraw.TimeToFloat64(at), Label: at.In(zone).Format(form)}
	}
	_, offset := e.from.In(zone).Zone()
	shift := time.Duration(offset) * time.Second
	out := []chartdraw.Tick{tick(e.from)}
	for at := e.from.Add(shift).Truncate(step).Add(step - shift); at.Before(e.to) && len(out) < 40; at = at.Add(step) {
		if at.Sub(e.from) > span/12 && e.to.Sub(at) > span/12 {
			out = append(out, tick(at))
		}
	}
	return append(out, tick(e.to))
}

// values are the lines of what was measured, broken where samples are missing.
func values(points []point) []chartdraw.Series {
	var out []chartdraw.Series
	gap := 4 * usualStep(points)
	one := chartdraw.TimeSeries{}
	end := func() {
		if len(one.XValues) > 1 {
			one.Style = chartdraw.Style{StrokeColor: line, StrokeWidth: 1.5}
			out = append(out, one)
		}
		one = chartdraw.TimeSeries{}
	}
	for i, p := range points {
		if !finite(p.Value) || i > 0 && p.At-points[i-1].At > gap {
			end()
		}
		if finite(p.Value) {
			one.XValues, one.YValues = append(one.XValues, time.UnixMilli(p.At)), append(one.YValues, p.Value)
		}
	}
	end()
	return out
}

// usualStep is how far samples are apart mostly, in milliseconds.
func usualStep(points []point) int64 {
	least := int64(math.MaxInt64 / 8)
	for i := 1; i < len(points); i++ {
		least = min(least, max(1, points[i].At-points[i-1].At))
	}
	return least
}
