package report

import (
	"bufio"
	"cmp"
	"io"
	"slices"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/ops"
)

// Options are what a writer needs besides the report. The zero value is good.
type Options struct {
	// Version is the program's version, "" for a development build.
	Version string
	// Color allows ANSI colours, in formats for terminals.
	Color bool
	// Width is the terminal's width in columns; 0 means DefaultWidth.
	Width int
	// Excerpt returns the lines from to to (counted from 1, both included) of
	// a file, or fewer where the file ends. It is nil when the source is not
	// at hand.
	Excerpt func(file string, from, to int) []string
	// Catalogue is the checks whose pages explain the findings.
	Catalogue []*check.Check
	// Verbose shows everything that is otherwise collapsed into counts.
	Verbose bool
}

// DefaultWidth is the width of the table where no terminal says another.
const DefaultWidth = 100

// Writer writes a report in one format. Errors are those of w.
type Writer func(w io.Writer, rep *assess.Report, o Options) error

var formats = []struct {
	name  string
	write Writer
}{
	{"table", Table},
	{"json", JSON},
	{"sarif", SARIF},
	{"junit", JUnit},
	{"markdown", Markdown},
	{"github", GitHub},
	{"html", HTML},
}

// Formats lists the names of all formats, the default one first.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// For returns the writer of a format, and whether there is one.
func For(name string) (Writer, bool) {
	for _, f := range formats {
		if f.name == name {
			return f.write, true
		}
	}
	return nil, false
}

// out is a buffered writer whose first error sticks, so that a format is
// written as a sequence of plain calls and checked once.
type out struct{ *bufio.Writer }

func newOut(w io.Writer) out { return out{bufio.NewWriterSize(w, 64<<10)} }

func (o out) put(parts ...string) {
	for _, p := range parts {
		_, _ = o.WriteString(p) // bufio keeps the first error for Flush
	}
}

// byHarm orders findings for people: fails first, the most harmful first,
// then by place.
func byHarm(a, b *ops.Finding) int {
	return cmp.Or(
		cmp.Compare(statusRank(a.Status), statusRank(b.Status)),
		cmp.Compare(b.Severity, a.Severity),
		byPlace(a, b),
	)
}

// byPlace is a total order by file, line, check and object.
func byPlace(a, b *ops.Finding) int {
	return cmp.Or(
		a.Position.Compare(b.Position),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Object.String(), b.Object.String()),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Fingerprint, b.Fingerprint),
		cmp.Compare(a.Message, b.Message),
	)
}

func statusRank(s ops.Status) int {
	return slices.Index([]ops.Status{ops.Fail, ops.Unknown, ops.Excepted, ops.Pass}, s)
}

// sorted returns pointers to the findings that keep wants, in an order of
// their own; the report stays as it is.
func sorted(rep *assess.Report, keep func(*ops.Finding) bool, order func(a, b *ops.Finding) int) []*ops.Finding {
	fs := make([]*ops.Finding, 0, len(rep.Findings))
	for i := range rep.Findings {
		if f := &rep.Findings[i]; keep(f) {
			fs = append(fs, f)
		}
	}
	slices.SortStableFunc(fs, order)
	return fs
}

func hasStatus(s ops.Status) func(*ops.Finding) bool {
	return func(f *ops.Finding) bool { return f.Status == s }
}

// unknownInputs returns the inputs that could not be evaluated.
func unknownInputs(rep *assess.Report) []assess.Input {
	var ins []assess.Input
	for _, in := range rep.Inputs {
		if in.Status == assess.Unevaluated {
			ins = append(ins, in)
		}
	}
	return ins
}
