package cause

import (
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// Component is what may be a cause: a service, a database, a node, and the
// users outside.
type Component = trace.Party

// Node is the kind of a machine that carries others; the key's Service is its
// name.
const Node trace.NodeKind = "node"

// Outside is the component that stands for the users: their load.
var Outside = Component{Kind: trace.Outside}

// Case is what was seen around the moment at which trouble was noticed.
type Case struct {
	// At is when it was noticed, which may be long after it began.
	At           time.Time
	Series       []Series
	Dependencies []Dependency
	Changes      []Change
	Logs         []Log
	// Edges are what calls cost after the trouble began, against before: the
	// answer of trace.Compare. Empty if there are no traces.
	Edges []trace.Change
}

// Series is one signal of a component, from well before the trouble until now.
type Series struct {
	Of Component
	// ID names the signal, What says for people what is measured.
	ID, What string
	// Unit is that of a watch: "s", "/s", "share", "bytes", "cores" or "".
	Unit   string
	Golden watch.Golden
	// Direction tells which deviations matter.
	Direction anomaly.Direction
	// Floor is the least deviation that anybody cares about, in Unit; 0 if that
	// is not known.
	Floor float64
	// At are the times of Values in milliseconds since 1970, ascending.
	At     []int64
	Values []float64
	// Since is since when a detector finds it abnormal, in milliseconds since 1970; 0 if
	// none does. It goes before the onset that is found in the values.
	Since int64
	// Usual means that a detector who knows the habits of the series finds
	// nothing out of the ordinary in it.
	Usual bool
}

// Dependency says that one component needs another: trouble of On can be the
// cause of trouble of Who.
type Dependency struct {
	Who, On Component
	Kind    DependencyKind
}

// DependencyKind says by what one component needs another.
type DependencyKind uint8

// The kinds of dependencies.
const (
	Calls  DependencyKind = iota // Who asks On and waits for the answer
	RunsOn                       // Who is a process on On
)

// ChangeKind says what kind of thing was changed.
type ChangeKind string

// The kinds of changes.
const (
	Release     ChangeKind = "release"
	Config      ChangeKind = "config"
	Scaling     ChangeKind = "scaling"
	NodeChange  ChangeKind = "node"
	OtherChange ChangeKind = "change"
)

// Change is something that somebody did to a component.
type Change struct {
	At   time.Time
	Of   Component
	Kind ChangeKind
	// Text says it for people, without the kind: "orders@abc123". Reference
	// leads to it: a commit, an object.
	Text, Reference string
}

// Log is a template that says that something is wrong in a component.
type Log struct {
	Of     Component
	Signal logs.Signal
}

// The limits of a case. What is beyond is left out and counted.
const (
	MaxSeries       = 20_000
	MaxPoints       = 1_500 // of one series, the latest
	MaxDependencies = 50_000
	MaxChanges      = 1_000
	MaxLogs         = 2_000
	MaxEdges        = 50_000
)
