package audit

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/postgres"
	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// password reads a password's file each time that it is asked for; nil if there
// is no file.
func password(file string) func() (string, error) {
	if file == "" {
		return nil
	}
	return func() (string, error) {
		text, err := plainfile.Read(file)
		if err != nil {
			return "", fault.Wrap(fault.Unavailable, "read the password of the ledger's database", file, err, "the file must be there and readable")
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
}

// Database reports whether a location is the address of a database.
func Database(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}

// store opens the store of a location.
func store(ctx context.Context, location string, o postgres.Options) (ledger.Store, error) {
	switch {
	case location == "":
		return nil, fault.New(fault.Invalid, "open the ledger", "", "it is not said where it is", "name its file or database with --ledger, or in AEO_LEDGER")
	case Database(location):
		return postgres.Open(ctx, location, o)
	case strings.Contains(location, "://"):
		scheme, _, _ := strings.Cut(location, "://")
		return nil, fault.New(fault.Invalid, "open the ledger", "", "there are no ledgers at "+scheme+" addresses", "name a file, or a database as postgres://USER@HOST/DATABASE")
	}
	return sqlite.Open(ctx, location, o.Create)
}

// Options say how a ledger is opened for writing.
type Options struct {
	// KeyFile holds the signing key; "" is the ledger's path with ".key" behind
	// it, which a database does not have.
	KeyFile string
	// Origin is the name that a new ledger gets. Without it a ledger and a key
	// that are not there are NotFound.
	Origin string
	// PasswordFile holds the password of a database; "" leaves it to the address
	// and to what PostgreSQL's own programs look at (PGPASSWORD, PGPASSFILE).
	PasswordFile string
}

// Open opens a ledger for writing. With an origin, a ledger and a signing key
// that are not there are made; made tells that a key was.
func Open(ctx context.Context, location string, o Options) (l *ledger.Ledger, made bool, err error) {
	file := o.KeyFile
	switch {
	case file == "" && Database(location):
		return nil, false, fault.New(fault.Invalid, "open the ledger", "", "a ledger in a database needs a file for its signing key", "name it; keep it away from the database, so that nobody has both")
	case file == "":
		file = location + ".key"
	}
	s, err := store(ctx, location, postgres.Options{Create: o.Origin != "", Password: password(o.PasswordFile)})
	if err != nil {
		return nil, false, err
	}
	key, made, err := signingKey(ctx, file, o.Origin, s)
	if err != nil {
		return nil, false, errors.Join(err, s.Close())
	}
	l, err = ledger.Open(ctx, s, ledger.Options{Key: key})
	if err != nil {
		return nil, made, errors.Join(err, s.Close())
	}
	return l, made, nil
}

// Ledgers finds ledgers for the command line: a cli.Auditor.
type Ledgers struct{}

// OpenLedger implements cli.Auditor.
func (Ledgers) OpenLedger(ctx context.Context, location string) (ledger.Reader, func() error, error) {
	if info, err := os.Stat(location); err == nil && info.IsDir() {
		src, done, err := Ledgers{}.OpenExport(location)
		if err != nil {
			return nil, nil, err
		}
		r, err := ledger.Archive(ctx, src)
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		return r, done, nil
	}
	s, err := store(ctx, location, postgres.Options{})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

// WriteLedger implements cli.Auditor.
func (Ledgers) WriteLedger(ctx context.Context, location, keyFile string) (*ledger.Ledger, error) {
	l, _, err := Open(ctx, location, Options{KeyFile: keyFile})
	return l, err
}
