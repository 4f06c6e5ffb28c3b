package check

import (
	"io/fs"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// Strength says how much a check tells about a control.
type Strength string

// The strengths. Direct: the control's wording is itself about this setting.
// Supporting: the setting is one of several things the control rests on.
const (
	Direct     Strength = "direct"
	Supporting Strength = "supporting"
)

// Fact ties a check to a row of the fact table (assess/control), through
// which it maps to control ids.
type Fact struct {
	Number   int
	Strength Strength
}

// Check is one check: data and exactly one of the four functions, which
// decides how often it is called.
type Check struct {
	// ID is the readable slug, "k8s-privileged-container".
	ID       ops.CheckID
	Severity ops.Severity
	// Ideas are the numbers of the catalogue's ideas that it implements.
	Ideas []string
	// Practices are the ids of the scorecard rows for or against which its
	// results are evidence.
	Practices []string
	Facts     []Fact
	// Pages is where the page and the samples lie: Name.md and Name.txtar.
	Pages fs.FS
	// Name is the base name of the page, the ID without "k8s-".
	Name string
	// Kinds are the kinds of object that Object is called for; it is
	// mandatory with Object. "*" means every kind.
	Kinds []string
	// OptIn checks run only when asked for, because they are a matter of
	// policy rather than of good practice.
	OptIn bool
	// Absence means that a fail rests on something not being there. Where a
	// part of the unit could not be read, it is unknown instead.
	Absence bool
	// Once means that the check asks about the repository as a whole, so that
	// what several units answer is one finding.
	Once bool

	// Container is called for each container of each pod template.
	Container func(*Pass, *graph.Container)
	// Pod is called for each pod template.
	Pod func(*Pass, *graph.Pod)
	// Object is called for each object of one of Kinds.
	Object func(*Pass, *graph.Object)
	// Unit is called once for a deployable unit; use Pass.On to report, and
	// Pass.Good for what was found in order.
	Unit func(*Pass)
}
