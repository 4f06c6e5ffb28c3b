package ops

import "time"

// ActorKind says what sort of thing acted.
type ActorKind string

// The kinds of actors. A person's name is personal data: the ledger puts a
// pseudonym in its place and keeps the name aside, where it can be erased.
const (
	// ActorOperator is this product's own automation.
	ActorOperator ActorKind = "operator"
	// ActorPerson is a human being.
	ActorPerson ActorKind = "person"
	// ActorService is another program: a forge, a pipeline, a controller.
	ActorService ActorKind = "service"
)

// Actor is who did something.
type Actor struct {
	Kind ActorKind
	Name string
}

// Phase says where a record stands in what it tells of.
type Phase string

// The phases. An action has an intent, recorded before it happens, and an
// outcome, recorded after; an event is something that was seen.
const (
	PhaseIntent  Phase = "intent"
	PhaseOutcome Phase = "outcome"
	PhaseEvent   Phase = "event"
)

// Target is the object that a record is about. UID tells it from an earlier
// or later object of the same name; it is empty where it is not known.
type Target struct {
	Ref
	UID string
}

// Decision is what a policy answered.
type Decision struct {
	// Verdict is the answer, such as "allow" or "refuse".
	Verdict string
	// Policy is the name of the rule that answered.
	Policy string
	// Reason says why, for a reader.
	Reason string
}

// Effect is what an action did, or is going to do, to one object.
type Effect struct {
	Target
	// Before and After are digests of the object, empty if there is none.
	Before, After string
	// Result is one word: "created", "configured", "unchanged", "deleted",
	// "failed"; empty in an intent.
	Result string
	// Message says what went wrong; empty otherwise.
	Message string
}

// Personal is data about a person that belongs to a record. The ledger keeps
// it encrypted beside the log, and in the log a commitment to it.
type Personal struct {
	// Subject identifies the person, by an e-mail address or an account. It is
	// the name under which the data is erased. Empty means the record's actor.
	Subject string
	// Fields are the data.
	Fields map[string]string
}

// Record is one thing that was decided, done or seen, as it is said to the
// ledger.
type Record struct {
	// Time is when it happened. The ledger keeps microseconds, in UTC. Zero
	// means the time of appending.
	Time time.Time
	// Source is the writer, such as "aeod".
	Source string
	// Sequence counts the records of a source from 1 without gaps, so that one
	// that never arrived is missed. Zero lets the ledger count.
	Sequence int64
	// Key makes appending idempotent: it is unique for a source, and appending
	// it again changes nothing. Empty lets the ledger make one up.
	Key   string
	Actor Actor
	// Action is what is done, as plane.verb: "deliver.apply".
	Action string
	Phase  Phase
	Target Target
	// Before and After are digests of the target's state, such as
	// "sha256:…"; a revision where the target is a whole application.
	Before, After string
	// Decision is nil where nothing was decided.
	Decision *Decision
	// TraceID is the trace that this belongs to, 32 hexadecimal digits.
	TraceID string
	// Controls are ids of requirements that this is evidence for, such as
	// "soc2:CC8.1".
	Controls []string
	// Details are what else a reader wants to know. They are in the log for
	// ever: no secrets, nothing about a person.
	Details map[string]string
	// Effects list the objects that an action touches. A record with all its
	// effects has at most 65,535 bytes: about 200 effects. More are told in
	// several records.
	Effects []Effect
	// Personal is nil where there is no data about a person besides the
	// actor's name.
	Personal *Personal
}
