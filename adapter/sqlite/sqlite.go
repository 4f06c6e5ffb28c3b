package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Store is a ledger in a file. It is safe for concurrent use.
type Store struct {
	path string
	// read has connections for reading, write at most one.
	read, write *sql.DB

	mu sync.Mutex
	// conn is the connection that writes, with its statements; nil until
	// needed and after a failure.
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// scrub tells that erased data may still be in the write-ahead log.
	scrub bool
}

var _ ledger.Store = (*Store)(nil)

// smallest is the size in bytes of the smallest database.
const smallest = 512

// Open opens the ledger in a file. With create the file is made if there is
// none; without, NotFound is returned then.
func Open(ctx context.Context, path string, create bool) (*Store, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !create:
		return nil, fault.New(fault.NotFound, "open the ledger", path, "there is no such file", "name the file that the ledger is in, with --ledger or AEO_LEDGER")
	case err == nil && info.IsDir():
		return nil, fault.New(fault.Invalid, "open the ledger", path, "it is a folder", "name a file in it; to check an export use `aeo audit verify FOLDER`")
	case err == nil && info.Size() > 0 && info.Size() < smallest:
		// SQLite would take it for an empty file and write over it. (The file is
		// not opened here to look: closing it would drop the locks that another
		// Store of this process holds.)
		return nil, fault.New(fault.Blocked, "open the ledger", path, "it is no ledger, or damaged", "name the ledger's file, or restore it from its backup")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.Unavailable, "open the ledger", path, err, "may you read the folder?")
	case err != nil:
		if err := touch(path); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "create the ledger", path, err, "check that the folder exists and that you may write to it")
		}
	}
	s := &Store{path: path}
	if s.write, err = sql.Open("sqlite", address(path, "_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=secure_delete(ON)")); err != nil {
		return nil, s.failed("open the ledger", err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", address(path, "_pragma=busy_timeout(10000)", "_pragma=query_only(ON)")); err != nil {
		return nil, errors.Join(s.failed("open the ledger", err), s.write.Close())
	}
	s.read.SetMaxOpenConns(4)
	if err := s.migrate(ctx, create); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// touch makes a file that only its owner can read, and makes its name durable.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was as fast
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// address is a file's address for the driver.
func address(path string, params ...string) string {
	u := url.URL{Path: path}
	a := "file:" + u.EscapedPath() + "?mode=rw"
	for _, p := range params {
		a += "&" + p
	}
	return a
}

// migrate brings the file to the current schema.
func (s *Store) migrate(ctx context.Context, create bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transact(ctx, func(ctx context.Context) error {
		var app, version, tables int64
		for query, to := range map[string]*int64{"PRAGMA application_id": &app, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables} {
			if err := s.conn.QueryRowContext(ctx, query).Scan(to); err != nil {
				return s.failed("open the ledger", err)
			}
		}
		switch {
		case app == applicationID && version == schemaVersion:
			return nil
		case app == applicationID:
			return fault.New(fault.Blocked, "open the ledger", s.path, fmt.Sprintf("its form is version %d, and this program knows %d", version, schemaVersion), "use the program that wrote it, or a newer one")
		case app != 0 || tables != 0:
			return fault.New(fault.Invalid, "open the ledger", s.path, "it is a database of something else", "name the ledger's file")
		case !create:
			return fault.New(fault.NotFound, "open the ledger", s.path, "the file is empty", "name the ledger's file")
		}
		if _, err := s.conn.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, schemaVersion)); err != nil {
			return s.failed("create the ledger", err)
		}
		return nil
	})
}

// transact runs f between BEGIN IMMEDIATE and COMMIT, on s.conn. The caller
// holds the mutex.
func (s *Store) transact(ctx context.Context, f func(context.Context) error) (err error) {
	if s.conn == nil {
		if s.conn, err = s.write.Conn(ctx); err != nil {
			return s.failed("open the ledger", err)
		}
		s.stmts = map[string]*sql.Stmt{}
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		s.drop()
		return s.failed("write the ledger", err)
	}
	if err := f(ctx); err != nil {
		s.rollback()
		return err
	}
	// Whoever waits may go, the commit is seen through.
	if _, err := s.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		s.rollback()
		if unknownOutcome(err) {
			return fmt.Errorf("%w: %w", ledger.ErrUnknownOutcome, s.failed("write the ledger", err))
		}
		return s.failed("write the ledger", err)
	}
	return nil
}

// rollback ends a transaction that failed. If that fails too the connection
// goes, and its transaction with it.
func (s *Store) rollback() {
	if _, err := s.conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		s.drop()
	}
}

// drop gives up the connection that writes.
func (s *Store) drop() {
	if s.conn == nil {
		return
	}
	for _, st := range s.stmts {
		_ = st.Close() // it goes with its connection
	}
	_ = s.conn.Raw(func(any) error { return errDrop })
	_ = s.conn.Close()
	s.conn, s.stmts = nil, nil
}

// stmt returns a prepared statement of the connection that writes.
func (s *Store) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, s.failed("write the ledger", err)
	}
	s.stmts[query] = st
	return st, nil
}

// Close implements ledger.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		for _, st := range s.stmts {
			_ = st.Close() // it goes with its connection
		}
		_ = s.conn.Close() // back to the pool, which is closed next
		s.conn = nil
	}
	if err := errors.Join(s.read.Close(), s.write.Close()); err != nil {
		return s.failed("close the ledger", err)
	}
	return nil
}
