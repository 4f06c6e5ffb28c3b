package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/autoecoops/autoecoops/fault"
)

// failed says what kind of failure an error of the database is.
func (s *Store) failed(op string, err error) error {
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return fault.Wrap(fault.TimedOut, op, s.where, err, "does the database answer? Try again")
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return fault.Wrap(fault.Unavailable, op, s.where, err, "is the database reachable? Try again")
	}
	switch {
	case strings.HasPrefix(e.Code, "28"):
		return fault.Wrap(fault.Denied, op, s.where, err, "check the user in the ledger's address, and the password")
	case e.Code == "3D000":
		return fault.Wrap(fault.NotFound, op, s.where, err, "create the database")
	case e.Code == "42501":
		return fault.Wrap(fault.Denied, op, s.where, err, "give the user the right to create tables in the schema, or those on the ledger's tables")
	case e.Code == "42P01":
		return fault.Wrap(fault.Blocked, op, s.where, err, "a table of the ledger is missing: restore the database from its backup")
	case e.Code == "53100":
		return fault.Wrap(fault.Unavailable, op, s.where, err, "the database's disk is full: make room; nothing is half-written")
	case e.Code == "25006":
		return fault.Wrap(fault.Unavailable, op, s.where, err, "the database is a standby: name the primary, with target_session_attrs=read-write and all hosts")
	case strings.HasPrefix(e.Code, "23"):
		return fault.Wrap(fault.Blocked, op, s.where, err, "the tables were changed by something else: keep them as they are, run `aeo audit verify`, and restore the database from its backup")
	}
	return fault.Wrap(fault.Unavailable, op, s.where, err, "try again; see the database's log")
}

// unknownOutcome reports whether a commit that failed like this may have been
// done: anything but the server's word that it was not.
func unknownOutcome(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	// The server may be shut down between the commit and its answer.
	return !ok || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
}
