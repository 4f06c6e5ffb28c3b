// Package fault holds the one error type of the product: what kind of failure
// it is, what was being done to what, a text that may be shown to anyone, a
// hint how to mend it, and the cause, which is for logs only.
package fault

import (
	"errors"
	"strings"
)

// Kind classifies a failure by what a caller can do about it. New kinds are
// only ever appended.
type Kind uint8

// The kinds.
const (
	// Internal is a defect of ours.
	Internal Kind = iota
	// Invalid input: retrying the same thing cannot help.
	Invalid
	// NotFound means that the subject does not exist.
	NotFound
	// Denied means that the caller may not do this.
	Denied
	// Conflict means that the subject changed meanwhile.
	Conflict
	// Unavailable means that retrying later can help.
	Unavailable
	// Blocked means that a person must act first.
	Blocked
	// Partial means that some of the work was done and is reported.
	Partial
	// TimedOut means that the deadline passed.
	TimedOut
	// Interrupted means that the user stopped it.
	Interrupted
)

var kinds = [...]struct {
	name string
	exit int
	http int
}{
	Internal:    {"internal", 2, 500},
	Invalid:     {"invalid", 2, 400},
	NotFound:    {"not found", 2, 404},
	Denied:      {"denied", 4, 403},
	Conflict:    {"conflict", 2, 409},
	Unavailable: {"unavailable", 2, 503},
	Blocked:     {"blocked", 2, 409},
	Partial:     {"partial", 3, 207},
	TimedOut:    {"timed out", 5, 504},
	Interrupted: {"interrupted", 130, 499},
}

// Kinds lists every kind.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// String returns the kind's name.
func (k Kind) String() string { return kinds[k].name }

// ExitCode is the exit status of a program that ends with this kind.
func (k Kind) ExitCode() int { return kinds[k].exit }

// HTTPStatus is the response status of a request that ends with this kind.
func (k Kind) HTTPStatus() int { return kinds[k].http }

// Error is a failure. Public must never hold a secret or the text of Cause.
type Error struct {
	Kind Kind
	// Op is what was being done, as a verb phrase: "read chart values".
	Op string
	// Subject is what it was done to: a path, an object.
	Subject string
	// Public says what went wrong, for anyone.
	Public string
	// Hint says how to mend it: a command or a sentence.
	Hint string
	// Code is the stable "AEO-nnnn" code, when the failure has a page.
	Code string
	// Cause is the underlying error; not part of Public.
	Cause error
}

// Error implements error: one line for logs, the cause included.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	if e.Public != "" {
		b.WriteString(": " + e.Public)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of kind k. Public says what and why; hint how to fix.
func New(k Kind, op, subject, public, hint string) *Error {
	return &Error{Kind: k, Op: op, Subject: subject, Public: public, Hint: hint}
}

// Wrap makes an error of kind k around cause.
func Wrap(k Kind, op, subject string, cause error, hint string) *Error {
	return &Error{Kind: k, Op: op, Subject: subject, Hint: hint, Cause: cause}
}

// KindOf returns the kind of the first Error in err's chain, Internal if none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
