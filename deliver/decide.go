package deliver

import (
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Triggers of a release.
const (
	TriggerCommit   = "commit"
	TriggerSpec     = "spec"
	TriggerRollback = "rollback"
	TriggerRetry    = "retry"
	TriggerRequest  = "request"
)

// Reasons of a quarantine.
const (
	QuarantineRefused    = "refused"
	QuarantineFailed     = "failed"
	QuarantineRolledBack = "rolled-back"
	// QuarantineContested ends by itself when the objects are free.
	QuarantineContested = "contested"
)

// Default times of a release.
const (
	DefaultDeadline = 5 * time.Minute
	DefaultWatch    = 2 * time.Minute
)

// Choice is which revision the cluster should be at.
type Choice struct {
	// Revision is "" if nothing is to be applied.
	Revision string
	Trigger  string
	// Held says why the newest revision is not the choice, "" if it is.
	Held string
	// Stalled tells that nothing changes until a person or Git does.
	Stalled bool
}

// Choose decides which revision the cluster should be at. head is "" if the
// source's revision is not known; settings is the digest of what shapes the
// objects besides the revision.
func Choose(spec *v1alpha1.ApplicationSpec, st *v1alpha1.ApplicationStatus, head, settings string, requested bool) Choice {
	current := ""
	if st.Sync != nil {
		current = st.Sync.Revision
	}
	if head == "" {
		return Choice{Revision: current, Trigger: TriggerSpec, Held: "the source's revision is not known yet"}
	}
	if q, held := Quarantine(st, head, "", settings); held {
		c := Choice{Trigger: TriggerRollback, Stalled: true}
		c.Held = "revision " + Short(head) + " is quarantined (" + q.Reason + "): " + q.Message
		switch {
		case current != "" && !quarantinedRevision(st, current, settings):
			c.Revision = current
		case st.LastGood != nil && !spec.Rollback.Disabled && !quarantinedRevision(st, st.LastGood.Revision, settings):
			c.Revision = st.LastGood.Revision
		case q.Reason == QuarantineFailed && spec.Rollback.Disabled:
			// What failed stays as it is, and is kept as it is.
			c.Revision = current
		}
		return c
	}
	c := Choice{Revision: head, Trigger: TriggerCommit}
	switch {
	case current == head:
		c.Trigger = TriggerSpec
	case spec.Sync.Manual && !requested && current != "":
		return Choice{Revision: current, Trigger: TriggerSpec, Held: "revision " + Short(head) + " waits for `aeo app sync`"}
	case spec.Sync.Manual && !requested:
		return Choice{Held: "revision " + Short(head) + " waits for `aeo app sync`"}
	case spec.Sync.Manual:
		c.Trigger = TriggerRequest
	}
	return c
}

// Short shortens a commit id or digest for people.
func Short(revision string) string {
	if len(revision) > 7 && revision[:7] == "sha256:" {
		return revision[:min(len(revision), 7+12)]
	}
	return revision[:min(len(revision), 8)]
}

// Quarantine returns the entry that forbids a revision, or the digest that it
// rendered to, under these settings. A person who changes the settings acts, so
// entries of other settings don't count.
func Quarantine(st *v1alpha1.ApplicationStatus, revision, digest, settings string) (v1alpha1.Quarantined, bool) {
	for _, q := range st.Quarantine {
		if q.Settings != settings {
			continue
		}
		if q.Revision == revision || digest != "" && q.Digest == digest && q.Reason != QuarantineRefused {
			return q, true
		}
	}
	return v1alpha1.Quarantined{}, false
}

func quarantinedRevision(st *v1alpha1.ApplicationStatus, revision, settings string) bool {
	_, held := Quarantine(st, revision, "", settings)
	return held
}

// maxQuarantine is how many entries a status keeps.
const maxQuarantine = 20

// AddQuarantine puts an entry first and drops what it replaces.
func AddQuarantine(st *v1alpha1.ApplicationStatus, q v1alpha1.Quarantined) {
	st.Quarantine = slices.DeleteFunc(st.Quarantine, func(o v1alpha1.Quarantined) bool { return o.Revision == q.Revision })
	st.Quarantine = slices.Insert(st.Quarantine, 0, q)
	st.Quarantine = st.Quarantine[:min(len(st.Quarantine), maxQuarantine)]
}

// LiftQuarantine removes the entries of a revision and reports whether there
// were any.
func LiftQuarantine(st *v1alpha1.ApplicationStatus, revision string) bool {
	n := len(st.Quarantine)
	st.Quarantine = slices.DeleteFunc(st.Quarantine, func(o v1alpha1.Quarantined) bool { return o.Revision == revision })
	return len(st.Quarantine) < n
}

// Course is where a release in flight goes next.
type Course struct {
	Phase  string
	Reason string
	// Wait is when to look again if nothing happens before, 0 for never.
	Wait time.Duration
}

// Journey is a release in flight, after everything was applied.
type Journey struct {
	Phase string
	// Applied is when everything was applied, Healthy since when it is healthy,
	// Lost when health was lost in the watch time.
	Applied, Healthy, Lost time.Time
	Deadline, Watch        time.Duration
	// Now is the time.
	Now time.Time
	// Healthful tells that all objects are healthy.
	Healthful bool
	// Unknown tells that nothing is unhealthy, but the health of some objects is
	// not known.
	Unknown bool
	// Definite tells that waiting cannot help; Cause says why.
	Definite bool
	Cause    string
}

// maxLost is how long a release may be unhealthy in its watch time.
const maxLost = time.Minute

// Progress decides where a release goes. Unhealthy objects are not given up at
// once: they may recover until the deadline, unless waiting cannot help. In the
// watch time the deadline, at most a minute, counts from when health was lost.
func Progress(j Journey) Course {
	switch {
	case j.Healthful && j.Healthy.IsZero() && j.Watch > 0:
		return Course{Phase: v1alpha1.PhaseWatching, Wait: j.Watch}
	case j.Healthful && !j.Healthy.IsZero() && j.Healthy.Add(j.Watch).After(j.Now):
		return Course{Phase: v1alpha1.PhaseWatching, Wait: j.Healthy.Add(j.Watch).Sub(j.Now)}
	case j.Healthful:
		return Course{Phase: v1alpha1.PhaseGood}
	case j.Definite:
		return Course{Phase: v1alpha1.PhaseFailed, Reason: j.Cause}
	}
	watching := !j.Healthy.IsZero()
	since, allowed := j.Applied, j.Deadline
	if watching {
		since, allowed = j.Lost, min(j.Deadline, maxLost)
	}
	if left := since.Add(allowed).Sub(j.Now); left > 0 {
		return Course{Phase: j.Phase, Wait: left}
	}
	if j.Unknown {
		// Not good, and not known to be bad: no reason to take it back.
		return Course{Phase: j.Phase, Reason: "its health is not known: " + j.Cause}
	}
	if watching {
		return Course{Phase: v1alpha1.PhaseFailed, Reason: "became unhealthy in the watch time and did not recover: " + j.Cause}
	}
	return Course{Phase: v1alpha1.PhaseFailed, Reason: "not healthy within " + j.Deadline.String() + ": " + j.Cause}
}
