package forge

import (
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// State is what a commit status says.
type State string

// The states.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	// Dropped is neither good nor bad: another revision came first.
	Dropped State = "dropped"
)

// maxDescription is the shortest bound of any forge, in bytes.
const maxDescription = 140

// Status is one line beside a commit.
type Status struct {
	State State
	// Context tells statuses of one commit apart; a newer one of the same
	// context replaces the older.
	Context string
	// Description has at most 140 bytes on one line.
	Description string
}

// ReleaseStatus is what a release says of its commit; ok is false if nothing.
func ReleaseStatus(app, namespace string, s *v1alpha1.ReleaseStatus) (st Status, ok bool) {
	st.Context = "aeo/" + namespace + "/" + app
	switch s.Phase {
	case v1alpha1.PhaseApplying:
		st.State, st.Description = Pending, "is being applied"
	case v1alpha1.PhaseObserving:
		st.State, st.Description = Pending, "is applied; waits for health"
	case v1alpha1.PhaseWatching:
		st.State, st.Description = Pending, "is healthy; is being watched"
	case v1alpha1.PhaseGood:
		st.State, st.Description = Success, "is applied and healthy"
	case v1alpha1.PhaseFailed:
		st.State, st.Description = Failure, "failed: "+s.Message
	case v1alpha1.PhaseRefused:
		st.State, st.Description = Failure, "refused: "+s.Message
	case v1alpha1.PhaseSuperseded:
		st.State, st.Description = Dropped, "another revision came first"
	default:
		return Status{}, false
	}
	st.Description = line(st.Description)
	return st, true
}

// GateStatus is what the gate says of a commit for an application. The context
// names the application: what one refuses, another's gate must not make green.
func GateStatus(app, namespace string, refused bool, reason string) Status {
	st := Status{Context: "aeo/gate/" + namespace + "/" + app, State: Success, Description: "passes the gate"}
	if refused {
		st.State, st.Description = Failure, reason
	}
	st.Description = line(st.Description)
	return st
}

// UnjudgedStatus is what the gate says of a commit that it could not judge:
// neither good nor bad, and so not good.
func UnjudgedStatus(app, namespace, reason string) Status {
	st := GateStatus(app, namespace, false, "")
	st.State, st.Description = Pending, line("not judged: "+reason)
	return st
}

func line(s string) string {
	return clip(strings.Join(strings.Fields(printable(s)), " "), maxDescription)
}
