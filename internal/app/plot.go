package app

import (
	"fmt"
	"io"

	"github.com/autoecoops/autoecoops/adapter/plot"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// plotLines is how high a plot in a terminal is.
const plotLines = 14

// Plot implements cli.Observer.
func (b backend) Plot(w io.Writer, req cli.PlotRequest) error {
	s := req.Signal
	c := plot.Chart{
		Title: fmt.Sprintf("%s: %s", s.Signal.Of(), s.Signal.Watch.What), Unit: s.Signal.Watch.Unit,
		Points: s.Points, Location: req.Location,
	}
	for _, a := range s.Anomalies {
		c.Abnormal = append(c.Abnormal, plot.Span{From: a.Since, To: a.Until})
	}
	for _, m := range req.Marks {
		c.Marks = append(c.Marks, plot.Mark{At: m.At, Text: m.Text})
	}
	switch req.Format {
	case cli.SVG:
		return plot.SVG(w, c)
	case cli.PNG:
		return plot.PNG(w, c)
	}
	text, err := plot.Terminal(c, req.Columns, plotLines, req.Color)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}
