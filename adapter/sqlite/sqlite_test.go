package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(jobVariable); job != "" {
		os.Exit(work(job))
	}
	os.Exit(m.Run())
}

func open(t *testing.T, path string, create bool) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, create)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) func() ledger.Store {
		path := filepath.Join(t.TempDir(), "a ledger? 100%.db")
		return func() ledger.Store { return open(t, path, true) }
	})
}

func TestWrongFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	database := func(name string, statements ...string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for path, want := range map[string]fault.Kind{
		filepath.Join(dir, "missing"):      fault.NotFound,
		filepath.Join(dir, "no", "folder"): fault.NotFound,
		dir:                                fault.Invalid,
		write("empty", ""):                 fault.NotFound,
		write("garbage", strings.Repeat("garbage!", 9999)): fault.Blocked,
		write("short", "x"):                     fault.Blocked,
		database("other", "CREATE TABLE t (a)"): fault.Invalid,
		database("newer", "PRAGMA application_id = 0x61656f4c", "PRAGMA user_version = 2"): fault.Blocked,
	} {
		s, err := sqlite.Open(t.Context(), path, false)
		if err == nil {
			s.Close()
		}
		if fault.KindOf(err) != want || err == nil {
			t.Errorf("%s: %v, want kind %s", filepath.Base(path), err, want)
		}
	}
	_, err := sqlite.Open(t.Context(), filepath.Join(dir, "no", "folder"), true)
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a file in no folder: %v", err)
	}
	path := filepath.Join(dir, "new")
	open(t, path, true)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new file: %v, %v", info.Mode(), err)
	}
}

// TestChanged opens ledgers that were changed behind their back.
func TestChanged(t *testing.T) {
	key := ledgertest.Key(t, "example.com/changed")
	const allGone = "all checkpoints removed"
	for name, statement := range map[string]string{
		"the last entries removed":  "DELETE FROM entries WHERE idx > 250",
		"all removed":               "DELETE FROM entries",
		"a tile of the edge":        "UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE id = 1",
		"a tile within":             "UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE id = 1 << 48",
		"no tiles":                  "DELETE FROM tiles",
		"a checkpoint of another":   "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), '300', '301') AS BLOB)",
		"a checkpoint further on":   "UPDATE checkpoints SET size = 400 WHERE size = 300",
		allGone:                     "DELETE FROM checkpoints",
		"a forged checkpoint":       "INSERT INTO checkpoints VALUES (300, x'00') ON CONFLICT DO UPDATE SET note = x'00'",
		"an entry's form (a count)": "UPDATE entries SET body = x'7b7d' WHERE idx = 299",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			l, err := ledger.Open(t.Context(), open(t, path, true), ledger.Options{Key: key, CheckpointEntries: 1 << 40})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				var records []ops.Record
				for j := range 100 {
					records = append(records, ledgertest.Event("a", fmt.Sprint(i, j)))
				}
				if _, err := l.Append(t.Context(), records...); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := l.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			s := open(t, path, false)
			l, err = ledger.Open(t.Context(), s, ledger.Options{Key: key})
			if err == nil {
				// What opening does not look at, repeating or verifying does.
				_, err = l.Append(t.Context(), ledgertest.Event("a", "2 99"))
			}
			if fault.KindOf(err) != fault.Blocked {
				t.Errorf("the ledger goes on: %v", err)
			}
			if src, _, err := ledger.Live(t.Context(), s); err == nil {
				if rep, err := ledger.Verify(t.Context(), src, ledger.VerifyOptions{}); err != nil || rep.OK() {
					t.Errorf("it verifies: %v", err)
				}
			} else if fault.KindOf(err) != fault.Blocked && (name == allGone || fault.KindOf(err) != fault.NotFound) {
				t.Error(err)
			}
		})
	}
}

// TestErased looks for what was erased in the files themselves.
func TestErased(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := open(t, path, true)
	l, err := ledger.Open(t.Context(), s, ledger.Options{Key: ledgertest.Key(t, "example.com/erased")})
	if err != nil {
		t.Fatal(err)
	}
	person := ledgertest.Event("a", "1")
	person.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "ada.lovelace@example.com"}
	other := ledgertest.Event("a", "2")
	other.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "grace.hopper@example.com"}
	if _, err := l.Append(t.Context(), person, other); err != nil {
		t.Fatal(err)
	}
	sealed, ok, err := s.Sealed(t.Context(), 0)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := l.Erase(t.Context(), person.Actor.Name, ops.Actor{Kind: ops.ActorOperator, Name: "aeo"}, "test"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	there := false
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for what, x := range map[string][]byte{"name": []byte(person.Actor.Name), "key": sealed.Secret, "box": sealed.Box} {
			if bytes.Contains(data, x) {
				t.Errorf("%s still has the %s", filepath.Base(f), what)
			}
		}
		there = there || bytes.Contains(data, []byte(other.Actor.Name))
	}
	if !there {
		t.Error("the files do not have the other person's name either: this test sees nothing")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestBusy makes the ledger wait for another program's transaction.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := ledgertest.Open(t, open(t, path, true), ledger.Options{Key: ledgertest.Key(t, "example.com/busy")})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := l.Append(t.Context(), ledgertest.Event("a", "1"))
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the record was appended in the middle of another's transaction: %v", err)
	case <-time.After(50 * time.Millisecond): // it has had the time to get past
	}
	if _, err := db.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
