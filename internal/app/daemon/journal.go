package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Ledger says where the ledger is.
type Ledger struct {
	// Location is the path of a file or a postgres:// address.
	Location string
	// KeyFile holds the signing key; beside the file if empty, which a database
	// does not have.
	KeyFile string
	// PasswordFile holds the password of a database.
	PasswordFile string
}

// origin names the ledgers of this daemon.
const origin = "autoecoops.io/aeod"

// journal implements deliver.Journal with the ledger. A database that does not
// answer when the daemon starts is opened when there is something to record;
// until then nothing can be recorded, and so nothing is done.
type journal struct {
	place Ledger
	log   *slog.Logger
	now   func() time.Time

	mu     sync.Mutex
	ledger *ledger.Ledger
	closed bool
	// failed and failedAt keep many who wait from trying one behind the other.
	failed   error
	failedAt time.Time
	// lost is why the last records could not be written, nil if they were; lostAt is
	// when that was.
	lost   error
	lostAt time.Time
}

// retryOpening is how long a failure to open the ledger is remembered.
const retryOpening = time.Second

// openLedger opens the ledger, and makes it if there is none.
func openLedger(ctx context.Context, p Ledger, log *slog.Logger) (*journal, error) {
	database := audit.Database(p.Location)
	switch {
	case database && p.KeyFile == "":
		return nil, fault.New(fault.Invalid, "open the ledger", "", "a ledger in a database needs a file for its signing key", "name it with --ledger-key, and keep it away from the database, so that nobody has both")
	case !database && p.PasswordFile != "":
		return nil, fault.New(fault.Invalid, "open the ledger", "", "a ledger in a file has no password", "leave --ledger-password-file out, or name a postgres:// address with --ledger")
	case !database && !strings.Contains(p.Location, "://"): // another address is refused below
		if err := os.MkdirAll(filepath.Dir(p.Location), 0o750); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "make the folder of the ledger", p.Location, err, "its folder must be writable")
		}
	case tellsPassword(p.Location):
		log.Warn("the password of the ledger's database is in its address: whoever can list processes sees it", "instead", "--ledger-password-file")
	}
	j := &journal{place: p, log: log, now: time.Now}
	_, err := j.open(ctx)
	if database && passes(err) {
		log.Error("the ledger is out of reach: nothing is done until it answers", "error", err.Error())
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}

// tellsPassword tells whether an address has a password in it.
func tellsPassword(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false // opening it says what is wrong
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}

// passes tells whether a failure may be over by itself.
func passes(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.TimedOut:
		return err != nil
	}
	return false
}

// open returns the ledger, opened if it was not yet.
func (j *journal) open(ctx context.Context) (*ledger.Ledger, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return nil, fault.New(fault.Unavailable, "open the ledger", "", "the daemon is ending", "")
	case j.ledger != nil:
		return j.ledger, nil
	}
	if j.failed != nil && j.now().Sub(j.failedAt) < retryOpening {
		return nil, j.failed
	}
	l, made, err := audit.Open(ctx, j.place.Location, audit.Options{KeyFile: j.place.KeyFile, PasswordFile: j.place.PasswordFile, Origin: origin})
	if made {
		j.log.Info("made a signing key for the ledger", "file", j.keyFile())
	}
	if err != nil {
		j.failed, j.failedAt = err, j.now()
		return nil, err
	}
	j.ledger, j.failed = l, nil
	return l, nil
}

func (j *journal) keyFile() string {
	if j.place.KeyFile != "" {
		return j.place.KeyFile
	}
	return j.place.Location + ".key"
}

// Append implements deliver.Journal.
func (j *journal) Append(ctx context.Context, records ...ops.Record) error {
	l, err := j.open(ctx)
	if err == nil {
		_, err = l.Append(ctx, records...)
	}
	j.note(ctx, err)
	return err
}

// note keeps how the last write went, and tells when that changes. A record that
// is refused for what it says, or that nobody waits for any more, tells nothing
// about the ledger.
func (j *journal) note(ctx context.Context, err error) {
	if err != nil && (fault.KindOf(err) == fault.Invalid || errors.Is(ctx.Err(), context.Canceled)) {
		return
	}
	j.mu.Lock()
	was := j.lost
	j.lost, j.lostAt = err, j.now()
	j.mu.Unlock()
	switch {
	case err != nil && was == nil:
		j.log.Error("the ledger cannot be written: nothing is done until it can", "error", err.Error())
	case err == nil && was != nil:
		j.log.Info("the ledger is written again")
	}
}

// checkTime bounds how long a probe waits for a ledger that was never opened.
const checkTime = 2 * time.Second

// forgetLoss is how long a failure to write is held against the ledger: whoever has
// something to record tries again within five minutes. If nobody does, as when the
// only application that waited was deleted, nothing is known any more.
const forgetLoss = 6 * time.Minute

// check says why nothing can be recorded, as far as is known; nil if nothing
// speaks against it. A ledger that was out of reach at the start is asked again:
// there may be nothing to record that would find out.
func (j *journal) check() error {
	j.mu.Lock()
	lost, never := j.lost, j.ledger == nil
	if lost != nil && j.now().Sub(j.lostAt) > forgetLoss {
		lost = nil
	}
	j.mu.Unlock()
	if lost != nil || !never {
		return lost
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	_, err := j.open(ctx)
	return err
}

// close ends what is open.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.ledger == nil {
		return nil
	}
	return j.ledger.Close()
}
