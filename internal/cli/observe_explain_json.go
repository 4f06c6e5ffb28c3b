package cli

import (
	"io"
	"time"

	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
)

// jsonPoint is the JSON of a sample.
type jsonPoint struct {
	At    time.Time `json:"at"`
	Value *float64  `json:"value"`
	Low   *float64  `json:"expectedLow"`
	High  *float64  `json:"expectedHigh"`
}

// jsonMark is the JSON of a change.
type jsonMark struct {
	At        time.Time        `json:"at"`
	Kind      cause.ChangeKind `json:"kind"`
	Of        cause.Component  `json:"of"`
	Text      string           `json:"text"`
	Reference string           `json:"reference,omitempty"`
}

// jsonTrace is the JSON of a trace; its duration is in seconds.
type jsonTrace struct {
	ID       string    `json:"id"`
	Root     string    `json:"root"`
	Start    time.Time `json:"start"`
	Duration float64   `json:"duration"`
	Failed   bool      `json:"failed"`
	Partial  bool      `json:"partial"`
	FoundBy  spans.How `json:"foundBy"`
	Why      string    `json:"why"`
}

// jsonExplained is the JSON of a signal that is explained. What nobody was asked for, or
// could not be, is null.
type jsonExplained struct {
	jsonStanding
	Anomalies []jsonAnomaly `json:"anomalies"`
	Points    []jsonPoint   `json:"points"`
	Marks     []jsonMark    `json:"marks"`
	Templates []jsonChange  `json:"templates"`
	Traces    []jsonTrace   `json:"traces"`
}

func explainJSON(w io.Writer, all []explained, notes []string) error {
	out := struct {
		Signals []jsonExplained `json:"signals"`
		Notes   []string        `json:"notes"`
	}{[]jsonExplained{}, some(notes)}
	for i := range all {
		s := &all[i]
		x := jsonExplained{jsonStanding: standingJSON(&s.Standing), Anomalies: []jsonAnomaly{}, Points: []jsonPoint{}}
		for _, a := range s.Anomalies {
			x.Anomalies = append(x.Anomalies, anomalyOf(a))
		}
		for _, p := range s.Points {
			x.Points = append(x.Points, jsonPoint{time.UnixMilli(p.At).UTC(), number(p.Value), number(p.Low), number(p.High)})
		}
		if s.marks.known {
			x.Marks = []jsonMark{}
			for _, c := range s.marks.all {
				x.Marks = append(x.Marks, jsonMark{c.At.UTC(), c.Kind, c.Of, c.Text, c.Reference})
			}
		}
		if s.templates.asked && s.templates.from != nil {
			x.Templates = []jsonChange{}
			for i := range s.templates.found {
				x.Templates = append(x.Templates, changeJSON(&s.templates.found[i]))
			}
		}
		if s.traces.asked && s.traces.err == nil {
			x.Traces = []jsonTrace{}
			for _, t := range s.traces.Traces {
				x.Traces = append(x.Traces, jsonTrace{t.ID.String(), tame(t.Root), t.Start.UTC(), t.Duration.Seconds(), t.Failed, t.Partial, t.How, tame(t.Why)})
			}
		}
		if s.traces.err != nil {
			out.Notes = append(out.Notes, "blind: traces could not be asked for: "+tame(s.traces.err.Error()))
		}
		out.Signals = append(out.Signals, x)
	}
	return structured(w, "json", out)
}
