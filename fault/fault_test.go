package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

// table is the contract of exit codes and response statuses.
var table = map[fault.Kind]struct {
	name       string
	exit, http int
}{
	fault.Internal: {"internal", 2, 500}, fault.Invalid: {"invalid", 2, 400}, fault.NotFound: {"not found", 2, 404},
	fault.Denied: {"denied", 4, 403}, fault.Conflict: {"conflict", 2, 409}, fault.Unavailable: {"unavailable", 2, 503},
	fault.Blocked: {"blocked", 2, 409}, fault.Partial: {"partial", 3, 207}, fault.TimedOut: {"timed out", 5, 504}, fault.Interrupted: {"interrupted", 130, 499},
}

func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for _, k := range fault.Kinds() {
		want, ok := table[k]
		if !ok {
			t.Errorf("%d has no row", k)
			continue
		}
		if k.String() != want.name || k.ExitCode() != want.exit || k.HTTPStatus() != want.http {
			t.Errorf("%s: exit %d, status %d, want %+v", k, k.ExitCode(), k.HTTPStatus(), want)
		}
		if names[k.String()] || k.ExitCode() == 0 || k.ExitCode() == 1 || k.HTTPStatus() < 200 {
			t.Errorf("%s is ambiguous or no failure", k)
		}
		names[k.String()] = true
	}
	if len(names) != len(table) {
		t.Errorf("%d kinds, want %d", len(names), len(table))
	}
}

func TestError(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	err := fault.Wrap(fault.Denied, "read", "a.yaml", cause, "mend it")
	if !errors.Is(err, cause) || err.Error() != "read a.yaml: unexpected EOF" || err.Hint != "mend it" {
		t.Errorf("%v", err)
	}
	if err := fault.New(fault.Invalid, "read", "", "why", "how"); err.Error() != "read: why" || errors.Unwrap(err) != nil {
		t.Errorf("%v", err)
	}
	for err, want := range map[error]fault.Kind{
		err: fault.Denied, fmt.Errorf("x: %w", err): fault.Denied, errors.Join(io.EOF, err): fault.Denied, io.EOF: fault.Internal,
		fault.Wrap(fault.Partial, "x", "", err, ""): fault.Partial,
	} {
		if got := fault.KindOf(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
	if fault.KindOf(nil) != fault.Internal {
		t.Error("no error has a kind")
	}
}
