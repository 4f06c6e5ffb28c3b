package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// journal implements deliver.Journal with the ledger.
type journal struct {
	ledger *ledger.Ledger
	store  ledger.Store
}

// origin names the ledgers of this daemon.
const origin = "autoecoops.io/aeod"

// openJournal opens the ledger of a file, and makes it if there is none. Its
// signing key lies beside it.
func openJournal(ctx context.Context, location string, log *slog.Logger) (*journal, error) {
	if strings.Contains(location, "://") {
		return nil, fault.New(fault.Invalid, "open the ledger", "", "only files are supported", "name a file with --ledger")
	}
	if err := os.MkdirAll(filepath.Dir(location), 0o750); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "make the folder of the ledger", location, err, "its folder must be writable")
	}
	key, made, err := signingKey(location + ".key")
	if err != nil {
		return nil, err
	}
	if made {
		log.Info("made a signing key for the ledger", "file", location+".key")
	}
	store, err := sqlite.Open(ctx, location, true)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, store, ledger.Options{Key: key})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &journal{l, store}, nil
}

// signingKey reads a signing key, and makes one if there is none.
func signingKey(file string) (key *ledger.SigningKey, made bool, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		key, err = ledger.ParseSigningKey(string(text))
		return key, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fault.Wrap(fault.Unavailable, "read the ledger's key", file, err, "it must be readable by the daemon alone")
	}
	key, secret, err := ledger.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, false, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, false, fault.Wrap(fault.Unavailable, "write the ledger's key", file, err, "its folder must be writable")
	}
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, false, fault.Wrap(fault.Unavailable, "write the ledger's key", file, err, "is the disk full?")
	}
	return key, true, nil
}

// Append implements deliver.Journal.
func (j *journal) Append(ctx context.Context, records ...ops.Record) error {
	_, err := j.ledger.Append(ctx, records...)
	return err
}

func (j *journal) close() error { return errors.Join(j.ledger.Close(), j.store.Close()) }
