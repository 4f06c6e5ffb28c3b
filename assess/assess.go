package assess

import (
	"time"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// APIVersion is the version of the JSON contract. Fields are only ever added.
const APIVersion = "autoecoops.io/assess/v1"

// Report is the outcome of an assessment; its JSON form is a contract.
type Report struct {
	APIVersion string             `json:"apiVersion"`
	Target     Target             `json:"target"`
	Summary    Summary            `json:"summary"`
	Findings   []ops.Finding      `json:"findings"`
	Practices  []scorecard.Judged `json:"practices"`
	Inputs     []Input            `json:"inputs"`
	// Notices are about the assessment itself: exceptions that expired, were
	// not used or are forbidden.
	Notices []Notice `json:"notices"`
	// Deviations are kept for those who mend; see Options.Deviations.
	Deviations []Deviation `json:"-"`
}

// Target is what was assessed.
type Target struct {
	// Path is the path or address as the user gave it.
	Path string `json:"path"`
	// Commit is the Git commit of the tree, "" outside of Git.
	Commit string `json:"commit"`
}

// Summary counts.
type Summary struct {
	Findings Counts   `json:"findings"`
	Coverage Coverage `json:"coverage"`
	// Objects is how many objects were judged, all overlays counted.
	Objects int `json:"objects"`
	// Checks is how many checks were evaluated.
	Checks int `json:"checks"`
	// Passed is how many times a check found an object in order.
	Passed int `json:"passed"`
	// Baseline is how many findings the baseline already knew; they are not
	// among the findings.
	Baseline int `json:"baseline"`
}

// Counts are findings by severity, and the answers that are no findings.
type Counts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Unknown  int `json:"unknown"`
	Excepted int `json:"excepted"`
}

// Failed is the number of findings that count.
func (c Counts) Failed() int { return c.Critical + c.High + c.Medium + c.Low }

// AtLeast is the number of findings that count and are of a severity or above.
func (c Counts) AtLeast(s ops.Severity) int {
	n := 0
	for severity, count := range map[ops.Severity]int{ops.Critical: c.Critical, ops.High: c.High, ops.Medium: c.Medium, ops.Low: c.Low} {
		if severity >= s {
			n += count
		}
	}
	return n
}

// Coverage tells how much of what could be evaluated was.
type Coverage struct {
	Evaluated int `json:"evaluated"`
	Skipped   int `json:"skipped"`
	Unknown   int `json:"unknown"`
	// Percent is evaluated ÷ (evaluated + unknown), rounded down; 100 if there
	// was nothing to evaluate.
	Percent int `json:"percent"`
}

// Disposition is what became of an input.
type Disposition string

// The dispositions.
const (
	Evaluated   Disposition = "evaluated"
	Skipped     Disposition = "skipped"
	Unevaluated Disposition = "unknown"
)

// Input accounts for one file.
type Input struct {
	File   string      `json:"file"`
	Kind   string      `json:"kind"`
	Status Disposition `json:"status"`
	// Reason says why the input was skipped or is unknown, with the missing
	// input named; for an evaluated one it may say how.
	Reason string `json:"reason,omitempty"`
	Line   int    `json:"line,omitempty"`
}

// Notice is a remark about the assessment itself.
type Notice struct {
	ops.Position
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Options are what a user decides about an assessment. Start from Default.
type Options struct {
	check.Settings
	// Checks is the catalogue, or the part of it, to evaluate.
	Checks []*check.Check
	// KeepPassed puts passes among the findings.
	KeepPassed bool
	// Deviations keeps what lies behind the findings, with the changes that
	// would remove them, in the report's Deviations. It costs a trace for each.
	Deviations bool
	// Exceptions is the text of an exceptions file that stands above the
	// repository's own, and ExceptionsName its name.
	Exceptions     []byte
	ExceptionsName string
	// Now dates exceptions.
	Now time.Time
	// Workers bounds the concurrency; 0 means one per CPU.
	Workers int
	// Progress, when set, is told what is being done. It may be called from
	// several goroutines.
	Progress func(stage string, done, total int)
}

// Default returns the options in force where the user says nothing, except
// for Checks and Now.
func Default() Options {
	return Options{Settings: check.Settings{KubeMinor: 37, PodSecurity: "restricted", PodSecurityMinor: 37}}
}
