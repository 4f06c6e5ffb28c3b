package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
	"github.com/autoecoops/autoecoops/test/postgrestest"
)

// database starts a real PostgreSQL with an empty database, and returns its
// address.
func database(t *testing.T) (*postgrestest.Server, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "aeo-pg-*") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := postgrestest.Start(t.Context(), dir, "fsync=off")
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	address, err := server.Create(t.Context(), "aeod")
	if err != nil {
		t.Fatal(err)
	}
	return server, address
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func opened(t *testing.T, p Ledger) *journal {
	t.Helper()
	j, err := openLedger(t.Context(), p, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// sound signs a ledger and reads it as `aeo audit` does, and fails if an entry
// is not what was signed. It returns the number of entries.
func sound(t *testing.T, location, keyFile string) int64 {
	t.Helper()
	l, err := audit.Ledgers{}.WriteLedger(t.Context(), location, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	r, done, err := audit.Ledgers{}.OpenLedger(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	}()
	src, _, err := ledger.Live(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	report, err := ledger.Verify(t.Context(), src, ledger.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) > 0 {
		t.Errorf("the ledger is not sound: %v", report.Findings)
	}
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head.Size
}

func record(n int) ops.Record { return ledgertest.Event("aeod", fmt.Sprint("key", n)) }

func TestLedgerInAFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "ledger.db")
	j, err := openLedger(t.Context(), Ledger{Location: file}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), record(1)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(file + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	if err := errors.Join(j.close(), j.close()); err != nil {
		t.Error(err)
	}
	if err := j.Append(t.Context(), record(2)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("after its end: %v", err)
	}
	if n := sound(t, file, ""); n != 1 {
		t.Errorf("%d entries", n)
	}
	// With another key it is another's ledger; without any it is not given one.
	if err := os.Remove(file + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := openLedger(t.Context(), Ledger{Location: file}, quiet()); fault.KindOf(err) != fault.Blocked {
		t.Errorf("its key is lost: %v", err)
	}
}

func TestLedgerIsRefused(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	for _, x := range []struct {
		place Ledger
		kind  fault.Kind
		text  string
	}{
		{Ledger{Location: "postgres://u@db.invalid/aeod"}, fault.Invalid, "--ledger-key"},
		{Ledger{Location: "mysql://u@db.invalid/aeod", KeyFile: key}, fault.Invalid, "mysql"},
		{Ledger{Location: filepath.Join(dir, "x.db"), PasswordFile: key}, fault.Invalid, "--ledger-password-file"},
		{Ledger{Location: "postgres://u:s3cret@db.invalid:wrong/aeod", KeyFile: key}, fault.Invalid, "address"},
		{Ledger{Location: filepath.Join("/proc/none", "x.db")}, fault.Unavailable, "writable"},
	} {
		_, err := openLedger(t.Context(), x.place, quiet())
		if fault.KindOf(err) != x.kind || err == nil {
			t.Fatalf("%+v: %v", x.place, err)
		}
		text := err.Error()
		if f, ok := errors.AsType[*fault.Error](err); ok {
			text += f.Hint
		}
		if !strings.Contains(text, x.text) || strings.Contains(text, "s3cret") {
			t.Errorf("%+v: %s", x.place, text)
		}
	}
	if _, err := os.Stat("mysql:"); err == nil {
		t.Error("an address became a folder")
	}
}

// TestLedgerInADatabase has two daemons write to one ledger at the same time:
// every record of both is there once, and the ledger is sound.
func TestLedgerInADatabase(t *testing.T) {
	_, address := database(t)
	place := Ledger{Location: address, KeyFile: filepath.Join(t.TempDir(), "ledger.key")}
	first, second := opened(t, place), opened(t, place)
	const each = 60
	var wg sync.WaitGroup
	for d, j := range []*journal{first, second} {
		for worker := range 4 {
			wg.Go(func() {
				for n := range each / 4 {
					if err := j.Append(t.Context(), record(d*1000+worker*100+n)); err != nil {
						t.Errorf("daemon %d: %v", d, err)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := sound(t, address, place.KeyFile); n != 2*each {
		t.Errorf("%d entries, not %d", n, 2*each)
	}
	// A daemon with another key has no business here.
	other := place
	other.KeyFile = filepath.Join(t.TempDir(), "other.key")
	if _, err := audit.MakeKey(other.KeyFile, origin); err != nil {
		t.Fatal(err)
	}
	if _, err := openLedger(t.Context(), other, quiet()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another key: %v", err)
	}
	other.KeyFile = filepath.Join(t.TempDir(), "lost.key")
	if _, err := openLedger(t.Context(), other, quiet()); fault.KindOf(err) != fault.Blocked {
		t.Errorf("its key is lost: %v", err)
	}
}

// TestDatabaseGoesAway has the database go while the daemon works: nothing is
// recorded, and so nothing is done; when it is back the same daemon goes on.
func TestDatabaseGoesAway(t *testing.T) {
	server, address := database(t)
	place := Ledger{Location: address, KeyFile: filepath.Join(t.TempDir(), "ledger.key")}
	j := opened(t, place)
	if err := j.Append(t.Context(), record(1)); err != nil {
		t.Fatal(err)
	}
	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), record(2)); fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.TimedOut {
		t.Errorf("without a database: %v", err)
	}
	// One that starts now waits for it.
	var log bytes.Buffer
	late, err := openLedger(t.Context(), place, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := late.close(); err != nil {
			t.Error(err)
		}
	}()
	if !strings.Contains(log.String(), "out of reach") {
		t.Errorf("it says %q", log.String())
	}
	tries := time.Now()
	late.now = func() time.Time { return tries }
	late.failedAt = tries
	for range 3 {
		if err := late.Append(t.Context(), record(3)); !passes(err) {
			t.Errorf("without a database: %v", err)
		}
	}
	if err := server.Up(t.Context(), "fsync=off"); err != nil {
		t.Fatal(err)
	}
	tries = tries.Add(retryOpening)
	if err := errors.Join(j.Append(t.Context(), record(2)), late.Append(t.Context(), record(3))); err != nil {
		t.Error(err)
	}
	if n := sound(t, address, place.KeyFile); n != 3 {
		t.Errorf("%d entries, not 3", n)
	}
}

// TestDatabasePassword takes the password out of a file, each time anew, and
// shows it nowhere.
func TestDatabasePassword(t *testing.T) {
	server, address := database(t)
	admin, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	run := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE ROLE aeod LOGIN PASSWORD 'f1rst'")
	run("GRANT CREATE ON SCHEMA public TO aeod")
	if err := server.RequirePassword(t.Context(), "aeod"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	place := Ledger{Location: strings.Replace(address, "postgres@", "aeod@", 1), KeyFile: filepath.Join(dir, "key"), PasswordFile: file}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(io.MultiWriter(&log, io.Discard), nil))
	write("wr0ng\n")
	if _, err := openLedger(t.Context(), place, logger); fault.KindOf(err) != fault.Denied || strings.Contains(fmt.Sprintf("%+v", err), "wr0ng") {
		t.Errorf("a wrong password: %v", err)
	}
	write("f1rst\n")
	j, err := openLedger(t.Context(), place, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := j.Append(t.Context(), record(1)); err != nil {
		t.Error(err)
	}
	// It is changed while the daemon works.
	run("ALTER ROLE aeod PASSWORD 'sec0nd'")
	write("sec0nd\n")
	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'aeod'")
	deadline := time.Now().Add(30 * time.Second)
	for err = j.Append(t.Context(), record(2)); err != nil && time.Now().Before(deadline); {
		err = j.Append(t.Context(), record(2)) // the lost connection is noticed at a use
	}
	if err != nil {
		t.Error(err)
	}
	// `aeo audit` finds it as PostgreSQL's own programs do.
	pass := filepath.Join(dir, "pgpass")
	if err := os.WriteFile(pass, []byte("*:*:*:aeod:sec0nd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", pass)
	if n := sound(t, place.Location, place.KeyFile); n != 2 {
		t.Errorf("%d entries, not 2", n)
	}
	place.PasswordFile = ""
	place.Location = strings.Replace(place.Location, "aeod@", "aeod:sec0nd@", 1)
	more, err := openLedger(t.Context(), place, logger)
	if err != nil {
		t.Fatal(err)
	}
	if err := more.close(); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "sec0nd") || strings.Contains(text, "f1rst") || !strings.Contains(text, "--ledger-password-file") {
		t.Errorf("the log: %s", text)
	}
	place.PasswordFile = filepath.Join(dir, "none")
	if j, err := openLedger(t.Context(), place, logger); err != nil {
		t.Error(err) // the file may come later
	} else if err := j.Append(t.Context(), record(3)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without the password's file: %v", err)
	}
	if _, err := audit.MakeKey(filepath.Join(dir, "key"), origin); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a key is made over another: %v", err)
	}
}

// TestALossIsForgotten is ready again when nobody has anything to record any more.
func TestALossIsForgotten(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	j := opened(t, Ledger{Location: filepath.Join(t.TempDir(), "ledger.db")})
	defer func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}()
	j.now = func() time.Time { return now }
	full := fault.New(fault.Unavailable, "write", "", "the disk is full", "")
	j.note(t.Context(), full)
	for after, want := range map[time.Duration]error{0: full, 5 * time.Minute: full, 7 * time.Minute: nil} {
		now = now.Add(after)
		if err := j.check(); !errors.Is(err, want) {
			t.Errorf("%s after the loss: %v", after, err)
		}
		now = now.Add(-after)
	}
	j.note(t.Context(), nil)
	if err := j.check(); err != nil {
		t.Error(err)
	}
}
