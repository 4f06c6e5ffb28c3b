package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/autoecoops/autoecoops/fault"
)

// errDrop makes database/sql throw a connection away.
var errDrop = driver.ErrBadConn

// code returns SQLite's result code, extended; 0 if the error is not its.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// unknownOutcome reports whether a commit that failed like this may be on the
// disk all the same: the data was written and flushing it failed.
func unknownOutcome(err error) bool {
	switch code(err) {
	case lib.SQLITE_IOERR_FSYNC, lib.SQLITE_IOERR_DIR_FSYNC:
		return true
	}
	return false
}

// failed says what kind of failure an error of SQLite is.
func (s *Store) failed(op string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.TimedOut, op, s.path, err, "nothing was written; try again")
	}
	switch c := code(err); c & 0xff {
	case lib.SQLITE_FULL:
		return fault.Wrap(fault.Unavailable, op, s.path, err, "the disk is full: make room; nothing is half-written")
	case lib.SQLITE_IOERR:
		return fault.Wrap(fault.Unavailable, op, s.path, err, "the disk fails or is full, or the file's size is limited; nothing is half-written")
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fault.Wrap(fault.Unavailable, op, s.path, err, "another program holds the ledger for long; try again")
	case lib.SQLITE_INTERRUPT:
		return fault.Wrap(fault.TimedOut, op, s.path, err, "nothing was written; try again")
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN, lib.SQLITE_AUTH:
		return fault.Wrap(fault.Unavailable, op, s.path, err, "check that you may read and write the file and its folder: SQLite keeps two more files beside it")
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fault.Wrap(fault.Blocked, op, s.path, err, "the file is damaged, or no ledger: restore it from its backup")
	case lib.SQLITE_NOMEM:
		return fault.Wrap(fault.Unavailable, op, s.path, err, "there is too little memory")
	case lib.SQLITE_CONSTRAINT:
		return fault.Wrap(fault.Blocked, op, s.path, err, "the file was changed by something else: keep it as it is, run `aeo audit verify`, and restore it from its backup")
	}
	return fault.Wrap(fault.Unavailable, op, s.path, err, "")
}
