package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// signingKey reads the key of a file. If there is none, and an origin is
// given, and the ledger is new too, one is made.
func signingKey(ctx context.Context, file, origin string, of ledger.Reader) (key *ledger.SigningKey, made bool, err error) {
	text, err := plainfile.Read(file)
	switch {
	case errors.Is(err, plainfile.ErrNotPlain):
		return nil, false, fault.Wrap(fault.Invalid, "read the ledger's signing key", file, err, "write the key to a file that only you can read, and name that")
	case err == nil:
		key, err = ledger.ParseSigningKey(string(text))
		if f, ok := errors.AsType[*fault.Error](err); ok {
			f.Subject = file
		}
		return key, false, err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, fault.Wrap(fault.Unavailable, "read the ledger's signing key", file, err, "may you read the file?")
	case origin == "":
		return nil, false, fault.New(fault.NotFound, "read the ledger's signing key", file, "there is no such file", "name the file with --key-file")
	}
	h, err := of.Head(ctx)
	if err != nil {
		return nil, false, err
	}
	if h.Key != "" {
		return nil, false, fault.New(fault.Blocked, "read the ledger's signing key", file, "there is no such file, and the ledger belongs to the key "+h.Key, "put the key back from where you keep it; without it nothing can be added to this ledger")
	}
	if key, err = MakeKey(file, origin); err != nil {
		return nil, false, err
	}
	return key, true, nil
}

// MakeKey makes a signing key for ledgers of a name and writes it to a file
// that is not there yet.
func MakeKey(file, origin string) (*ledger.SigningKey, error) {
	key, secret, err := ledger.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	err = keep(file, secret+"\n")
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fault.New(fault.Conflict, "write the ledger's signing key", file, "there is a file of this name", "name another one: a key that is in use must not be lost")
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "write the ledger's signing key", file, err, "its folder must be there and writable")
	}
	return key, nil
}

// keep writes a file that only its owner can read and that outlives a crash.
func keep(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
