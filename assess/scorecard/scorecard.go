package scorecard

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Status is how far a practice is followed.
type Status string

// The statuses. Implemented needs positive evidence and no open finding;
// Partly has both; Missing has none though the subject is there.
const (
	Implemented   Status = "implemented"
	Partly        Status = "partly"
	Missing       Status = "missing"
	Unknown       Status = "unknown"
	NotApplicable Status = "not applicable"
	NotEvaluated  Status = "not evaluated"
)

// Judged is a practice with its verdict; its JSON form is part of the report.
type Judged struct {
	ID     string `json:"id"`
	Area   string `json:"area"`
	Title  string `json:"title"`
	Status Status `json:"status"`
	// Reason says in one sentence why, and for unknown where evidence would
	// be found.
	Reason string `json:"reason"`
	// Evidence are the places that show it, bad ones first, at most
	// MaxEvidence of them; Good and Bad count all.
	Evidence []Evidence `json:"evidence"`
	Good     int        `json:"good"`
	Bad      int        `json:"bad"`
}

// MaxEvidence bounds the places listed for one practice.
const MaxEvidence = 20

// Evidence is one place that speaks for or against a practice.
type Evidence struct {
	File   string      `json:"file"`
	Line   int         `json:"line"`
	Object string      `json:"object"`
	Check  ops.CheckID `json:"check"`
	// Status is pass for a place that speaks for the practice, fail for one
	// against it, unknown where it could not be told.
	Status ops.Status `json:"status"`
	// Note says what was seen, where no check says it.
	Note string `json:"note,omitempty"`
}

// Outcome is what one check said in the whole assessment.
type Outcome struct {
	Check     ops.CheckID
	Practices []string
	// Passed is how many objects were found in order, and Sample some of them.
	Passed int
	Sample []Evidence
	// Findings are its fails, unknowns and excepted ones.
	Findings []ops.Finding
}

// Facts are what the practices are judged from.
type Facts struct {
	// Outcomes has one entry per check that was evaluated.
	Outcomes []Outcome
	// Graphs are the deployable units.
	Graphs []*graph.Graph
	// Locate finds the authoring place of a value of an object.
	Locate func(o *graph.Object, at tree.Node) ops.Position
	// Scan is what the look at all files found.
	Scan *Scan
	// Kustomizations and Charts count the deployable roots.
	Kustomizations, Charts int
}
