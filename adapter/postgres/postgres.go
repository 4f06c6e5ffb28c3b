package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Store is a ledger in a database. It is safe for concurrent use.
type Store struct {
	// where names the database without its password.
	where string
	// password is asked before each connection, if it is set.
	password func() (string, error)
	// write and read are a connection each.
	write, read session
}

// Options say how a ledger is opened.
type Options struct {
	// Create makes the tables if there are none; without it NotFound is returned
	// then.
	Create bool
	// Password is asked for before each connection is made, so that it may
	// change; nil leaves it to the address and to what PostgreSQL's own programs
	// look at (PGPASSWORD, PGPASSFILE).
	Password func() (string, error)
}

var _ ledger.Store = (*Store)(nil)

// session is one connection, made when it is needed and again after it broke.
type session struct {
	mu     sync.Mutex
	config *pgx.ConnConfig
	conn   *pgx.Conn
	closed bool
}

// Open opens the ledger of a database, by an address such as
// postgres://user@host/database. No error shows the password.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil { // its text repeats the address
		return nil, fault.New(fault.Invalid, "open the ledger", "", "the database's address cannot be read", "write it as postgres://USER@HOST:PORT/DATABASE, characters such as @ and / percent-encoded")
	}
	config.RuntimeParams["application_name"] = "aeo-ledger"
	// Durable is durable, whatever the server's default.
	config.RuntimeParams["synchronous_commit"] = "on"
	// A writer that vanished while it held the lock must not hold it for ever.
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	s := &Store{where: fmt.Sprintf("%s/%s", config.Host, config.Database), password: o.Password}
	s.write.config, s.read.config = config, config.Copy()
	if err := s.migrate(ctx, o.Create); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// use runs f with the session's connection, alone.
func (x *session) use(ctx context.Context, s *Store, op string, f func(*pgx.Conn) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return fault.New(fault.Unavailable, op, s.where, "the ledger is closed", "")
	}
	if x.conn != nil && x.conn.IsClosed() {
		x.conn = nil
	}
	if x.conn == nil {
		config := x.config
		if s.password != nil {
			word, err := s.password()
			if err != nil {
				return err
			}
			config = config.Copy()
			config.Password = word
		}
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return s.failed(op, err)
		}
		x.conn = conn
	}
	return f(x.conn)
}

// migrate brings the tables to the current schema.
func (s *Store) migrate(ctx context.Context, create bool) error {
	const op = "open the ledger"
	return s.write.use(ctx, s, op, func(c *pgx.Conn) error {
		var encoding string
		if err := c.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
			return s.failed(op, err)
		}
		if encoding != "UTF8" {
			return fault.New(fault.Invalid, op, s.where, "the database's encoding is "+encoding, "create the database with ENCODING 'UTF8'")
		}
		err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if create {
				if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
					return s.failed(op, err)
				}
			}
			var exists bool
			if err := tx.QueryRow(ctx, "SELECT to_regclass('ledger') IS NOT NULL").Scan(&exists); err != nil {
				return s.failed(op, err)
			}
			if !exists && !create {
				return fault.New(fault.NotFound, op, s.where, "there is no ledger in this database", "name the database and schema that the ledger is in, with --ledger or AEO_LEDGER")
			}
			if !exists {
				if _, err := tx.Exec(ctx, schema); err != nil {
					return s.failed("create the ledger", err)
				}
			}
			var version int
			if err := tx.QueryRow(ctx, "SELECT version FROM ledger WHERE id = 1").Scan(&version); err != nil {
				return s.failed(op, err)
			}
			if version != schemaVersion {
				return fault.New(fault.Blocked, op, s.where, fmt.Sprintf("its form is version %d, and this program knows %d", version, schemaVersion), "use the program that wrote it, or a newer one")
			}
			return nil
		})
		if _, ours := errors.AsType[*fault.Error](err); err != nil && !ours {
			return s.failed(op, err)
		}
		return err
	})
}

// Close implements ledger.Store.
func (s *Store) Close() error {
	var errs []error
	for _, x := range []*session{&s.write, &s.read} {
		x.mu.Lock()
		x.closed = true
		if x.conn != nil && !x.conn.IsClosed() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			errs = append(errs, x.conn.Close(ctx))
			cancel()
		}
		x.conn = nil
		x.mu.Unlock()
	}
	if err := errors.Join(errs...); err != nil {
		return s.failed("close the ledger", err)
	}
	return nil
}
