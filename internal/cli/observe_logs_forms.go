package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// maxLogRows is how many changes a table shows.
const maxLogRows = 40

// logsTable writes the changes, with an example of those that are told first.
func (o *logsOptions) logsTable(out io.Writer, found *ComparedLogs) error {
	shown := found.Changes
	if !o.all {
		shown = nil
		for _, c := range found.Changes {
			if c.Kind != logs.Unjudged || c.Template.Level >= logs.Error {
				shown = append(shown, c)
			}
		}
	}
	if len(shown) == 0 {
		text := "Nothing changed in the logs"
		if !found.comparable() {
			text = "Nothing can be said of the logs"
		}
		_, err := fmt.Fprintf(out, "%s of %s to %s.\n", text, instant(found.Mid), instant(found.To))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "CHANGE\tLEVEL\tSOURCE\tBEFORE\tAFTER\tSINCE\tFIRST\tLAST\tTEMPLATE")
	rows := shown[:min(len(shown), maxLogRows)]
	for i := range rows {
		c := &rows[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", kindText(c), or(c.Template.Level.String(), "-"), clean(cut(c.Source, 40)),
			beforeText(c), c.After, sinceText(c), stamped(c.First), stamped(c.Last), cut(clean(c.Template.Text), 100))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := len(shown) - len(rows); n > 0 {
		if _, err := fmt.Fprintf(out, "and %d more: -o json has them all\n", n); err != nil {
			return err
		}
	}
	for i := range rows[:min(len(rows), 5)] {
		c := &rows[i]
		text := ""
		if i == 0 {
			text = "\nExamples, without what looks like a credential:\n"
		}
		first, _, _ := strings.Cut(c.Template.Example, "\n")
		text += "  " + c.Template.ID.String() + "  " + cut(clean(first), 160) + "\n"
		if len(c.Traces) > 0 {
			text += "    traces: " + clean(strings.Join(c.Traces, ", ")) + "\n"
		}
		if _, err := fmt.Fprint(out, text); err != nil {
			return err
		}
	}
	return nil
}

// kindText is the kind in the words of a table.
func kindText(c *logs.Change) string {
	if c.Kind == logs.Unjudged {
		return "first seen"
	}
	return string(c.Kind)
}

// beforeText is how many lines there were before, and how many that would be in a
// window as long as the later one, if that is another number.
func beforeText(c *logs.Change) string {
	switch {
	case c.Kind == logs.Unjudged:
		return "unknown"
	case c.Before == 0 || math.Abs(c.Expected-float64(c.Before)) < 0.5:
		return fmt.Sprint(c.Before)
	}
	return fmt.Sprintf("%d (usual %.3g)", c.Before, c.Expected)
}

// sinceText is since when: that of rates is known to a sixteenth of the window.
func sinceText(c *logs.Change) string {
	if c.Kind == logs.More || c.Kind == logs.Fewer {
		return "~" + time.UnixMilli(c.Since).UTC().Format("15:04")
	}
	return time.UnixMilli(c.Since).UTC().Format("15:04:05")
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func stamped(ms int64) string { return time.UnixMilli(ms).UTC().Format("2 Jan 15:04:05") }

// comparable reports whether some source has lines from before.
func (f *ComparedLogs) comparable() bool { return f.Counted.Before > 0 && f.Counted.After > 0 }

// remarks tells on standard error what was read and what was not. It returns the
// error that makes the exit code.
func (o *logsOptions) remarks(f *ComparedLogs) error {
	e := o.streams.Err
	fmt.Fprintf(e, "%s read from %s: %d in the window, %d before it, %s in %s\n", count(int(f.Read.Lines), "line"), clean(f.Source), f.Counted.After, f.Counted.Before, count(f.Templates, "template"), count(f.Sources, "source"))
	for _, x := range []struct {
		n    uint64
		text string
	}{
		{f.Read.Joined, "belong to the line before, as in stack traces"},
		{f.Read.Cut + f.Counted.Cut, "were too long, and used as far as they are read"},
		{f.Read.Undated, "do not say when they were written: they are taken with the line before"},
		{f.Read.Unplaced, "do not say when they were written, nor does one before: they were left out"},
		{f.Counted.Older + f.Counted.Newer, "are of before or after what is compared"},
		{f.Counted.Binary, "are no text: they were left out"},
		{f.Counted.Invalid, "hold bytes that are no UTF-8"},
		{f.Counted.Empty, "have no word"},
		{f.Counted.Lost, "are of kinds that there was no room for: they are not counted"},
	} {
		if x.n > 0 {
			fmt.Fprintf(e, "note: %d %s\n", x.n, x.text)
		}
	}
	if n := len(f.Without); n > 0 && f.comparable() {
		text := strings.Join(f.Without[:min(n, 5)], ", ")
		if n > 5 {
			text += fmt.Sprintf(" and %d more", n-5)
		}
		fmt.Fprintln(e, "note: no line from before of "+clean(text)+": what is new there is not known")
	}
	for _, n := range f.Notes {
		fmt.Fprintln(e, "note: "+clean(n))
	}
	for _, p := range f.Failed[:min(len(f.Failed), 20)] {
		fmt.Fprintf(e, "blind: %s could not be read: %s\n", clean(p.Source), clean(because(p.Err)))
	}
	if n := len(f.Failed) - 20; n > 0 {
		fmt.Fprintf(e, "blind: %d more could not be read\n", n)
	}
	if !f.comparable() {
		which, hint := "in the window", "is it the right source and time? --at and --since choose it"
		if f.Counted.After > 0 {
			which, hint = "from before it", "a shorter --since or a longer --before may help"
		}
		fmt.Fprintf(e, "blind: there is no line %s: %s\n", which, hint)
	}
	for i := range f.Changes {
		if f.Changes[i].Bad() {
			return answer{1}
		}
	}
	if !f.comparable() || len(f.Failed) > 0 || f.Counted.Lost > 0 || f.Read.Unplaced > 0 {
		return answer{3}
	}
	return nil
}

// because is the reason of an error in one line.
func because(err error) string {
	if f, ok := err.(*fault.Error); ok {
		text := f.Public
		if text == "" && f.Cause != nil {
			text = f.Cause.Error()
		}
		if text != "" && f.Hint != "" {
			text += "; " + f.Hint
		}
		if text != "" {
			return text
		}
	}
	return err.Error()
}

// jsonChange is the JSON of a change of logs.
type jsonChange struct {
	Change   logs.ChangeKind `json:"change"`
	Source   string          `json:"source"`
	ID       logs.ID         `json:"id"`
	Template string          `json:"template"`
	Level    string          `json:"level,omitempty"`
	// Before is null if no line of the source is known from before.
	Before   *uint64   `json:"before"`
	After    uint64    `json:"after"`
	Expected *float64  `json:"expected"`
	Score    *float64  `json:"score"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Since    time.Time `json:"since"`
	Example  string    `json:"example"`
	Traces   []string  `json:"traces"`
}

// jsonLines is the JSON of what was read.
type jsonLines struct {
	Source string     `json:"source"`
	From   *time.Time `json:"from"`
	Mid    time.Time  `json:"mid"`
	To     time.Time  `json:"to"`
	LinesRead
	Counted   logs.Counted `json:"counted"`
	Sources   int          `json:"sources"`
	Templates int          `json:"templates"`
	Without   []string     `json:"withoutBefore"`
	Failed    []string     `json:"failed"`
	Notes     []string     `json:"notes"`
}

func logsJSON(w io.Writer, f *ComparedLogs) error {
	out := struct {
		Changes []jsonChange `json:"changes"`
		Read    jsonLines    `json:"read"`
	}{[]jsonChange{}, jsonLines{Source: tame(f.Source), Mid: f.Mid.UTC(), To: f.To.UTC(), LinesRead: f.Read,
		Counted: f.Counted, Sources: f.Sources, Templates: f.Templates, Without: []string{}, Failed: []string{}, Notes: []string{}}}
	out.Read.Cut += f.Counted.Cut
	if !f.From.IsZero() {
		from := f.From.UTC()
		out.Read.From = &from
	}
	for _, s := range f.Without {
		out.Read.Without = append(out.Read.Without, tame(s))
	}
	for _, p := range f.Failed {
		out.Read.Failed = append(out.Read.Failed, tame(p.Source+": "+because(p.Err)))
	}
	for _, n := range f.Notes {
		out.Read.Notes = append(out.Read.Notes, tame(n))
	}
	for i := range f.Changes {
		out.Changes = append(out.Changes, changeJSON(&f.Changes[i]))
	}
	return structured(w, "json", out)
}

func changeJSON(c *logs.Change) jsonChange {
	x := jsonChange{Change: c.Kind, Source: tame(c.Source), ID: c.Template.ID, Template: tame(c.Template.Text), Level: c.Template.Level.String(), After: c.After,
		First: time.UnixMilli(c.First).UTC(), Last: time.UnixMilli(c.Last).UTC(), Since: time.UnixMilli(c.Since).UTC(), Example: tame(c.Template.Example), Traces: some(c.Traces)}
	if c.Kind != logs.Unjudged {
		x.Before, x.Expected, x.Score = &c.Before, number(c.Expected), number(c.Score)
	}
	return x
}

// tame takes out of a text what a terminal would obey, and keeps ends of lines.
func tame(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unseen(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
}
