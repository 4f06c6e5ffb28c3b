package slo

import "time"

// State says how much is known about an objective at a moment.
type State uint8

// The states. Only Measured, NoTraffic and LowTraffic are known; in all others
// the alerts are frozen.
const (
	// Unmeasured: no usable sample for more than two intervals, or none yet.
	Unmeasured State = iota
	// Blind: unmeasured for longer than Alerting.BlindAfter.
	Blind
	// Absent: the source answers, and has no series of the total.
	Absent
	// Invalid: there are more good events, or more bad ones, than events.
	Invalid
	// Maintenance: the moment is excluded.
	Maintenance
	// NoTraffic: the series are there, and count nothing.
	NoTraffic
	// LowTraffic: there are too few events for any tier to judge by.
	LowTraffic
	// Measured: all is known.
	Measured
)

var stateNames = [...]string{"unmeasured", "blind", "absent", "invalid", "maintenance", "no-traffic", "low-traffic", "measured"}

// String returns the state's name.
func (s State) String() string { return stateNames[s] }

// Frozen reports whether alerts neither fire nor resolve in this state.
func (s State) Frozen() bool { return s <= Maintenance }

// Status is all that is known of an objective at a moment.
type Status struct {
	At    time.Time
	State State
	// Since is when the state began; Reason says why it is so, for people.
	Since  time.Time
	Reason string
	// Burns has an entry for each window that a tier looks at, the shortest first.
	Burns []Burn
	// Tiers are in the order of the objective.
	Tiers []TierStatus
	// Incident is the open one, nil if there is none.
	Incident *Incident
	// Blind, Absent and Invalid are alerts about the measurement itself.
	Blind, Absent, Invalid Alarm
	Budget                 Budget
	// Events are what changed since the last evaluation.
	Events   []Event
	Rejected Rejected
}

// Burn is what a window says.
type Burn struct {
	Window     time.Duration
	Bad, Total float64
	// Rate is how many times faster than allowed the budget burns. It means
	// nothing if Known is false: there were no events.
	Rate  float64
	Known bool
}

// Phase is how far an alert came.
type Phase uint8

// The phases.
const (
	Inactive Phase = iota
	// Pending: active, but not yet for as long as it must be.
	Pending
	Firing
)

var phaseNames = [...]string{"inactive", "pending", "firing"}

// String returns the phase's name, as Prometheus writes it.
func (p Phase) String() string { return phaseNames[p] }

// Verdict is what the windows of a tier say.
type Verdict uint8

// The verdicts.
const (
	// Unknown: a window has no events.
	Unknown Verdict = iota
	// Quiet: a window burns slower than the factor.
	Quiet
	// Suppressed: both burn faster, but there are fewer events than are asked
	// for. It keeps a tier from firing, and a firing one from resolving.
	Suppressed
	// Doubtful: both burn faster, but that may be chance.
	Doubtful
	// Burning: both burn faster, beyond reasonable doubt.
	Burning
)

var verdictNames = [...]string{"unknown", "quiet", "suppressed", "doubtful", "burning"}

// String returns the verdict's name.
func (v Verdict) String() string { return verdictNames[v] }

// TierStatus is a tier at a moment.
type TierStatus struct {
	Name    string
	Verdict Verdict
	Phase   Phase
	// Since is when the phase began.
	Since time.Time
}

// Alarm is an alert about the measurement.
type Alarm struct {
	Firing bool
	Since  time.Time
}

// Incident is the one alert of an objective that people get.
type Incident struct {
	// Opened tells it from others of the objective.
	Opened time.Time
	// Tier is the most urgent one that fires now, Peak the most urgent that ever
	// did.
	Tier, Peak string
	Severity   Severity
}

// EventKind says what changed.
type EventKind uint8

// The kinds of events.
const (
	Opened EventKind = iota
	// Escalated: a more urgent tier fires. Eased: only a less urgent one does.
	Escalated
	Eased
	Resolved
	BlindRaised
	BlindCleared
	AbsentRaised
	AbsentCleared
	InvalidRaised
	InvalidCleared
	// Froze and Thawed: the alerts stopped, and began again, to follow the counts.
	Froze
	Thawed
)

var eventNames = [...]string{"opened", "escalated", "eased", "resolved", "blind", "blind-cleared", "absent", "absent-cleared", "invalid", "invalid-cleared", "froze", "thawed"}

// String returns the kind's name.
func (k EventKind) String() string { return eventNames[k] }

// Event is a change that somebody may want to hear of.
type Event struct {
	At   time.Time
	Kind EventKind
	// Tier is that of the incident's events.
	Tier   string
	Reason string
}
