package audit

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	ctx := t.Context()
	if _, _, err := Open(ctx, path, Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nothing there: %v", err)
	}
	l, made, err := Open(ctx, path, Options{Origin: "example.com/a"})
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if info, err := os.Stat(path + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	if _, err := l.Append(ctx, ledgertest.Event("a", "1")); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l, made, err = Open(ctx, path, Options{Origin: "example.com/b"})
	if err != nil || made {
		t.Errorf("again: %v, %v", made, err)
	} else if err := l.Close(); err != nil {
		t.Error(err)
	}
	// A key that got lost is not made up again.
	if err := os.Rename(path+".key", filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(ctx, path, Options{Origin: "example.com/a"}); fault.KindOf(err) != fault.Blocked {
		t.Errorf("without its key: %v", err)
	}
	if _, err := os.Stat(path + ".key"); err == nil {
		t.Error("another key was made")
	}
	l, err = Ledgers{}.WriteLedger(ctx, path, filepath.Join(dir, "away"))
	if err != nil {
		t.Errorf("with its key elsewhere: %v", err)
	} else if err := l.Close(); err != nil {
		t.Error(err)
	}
	for location, want := range map[string]fault.Kind{"": fault.Invalid, "postgres://u@127.0.0.1:1/x": fault.Invalid, "mysql://x": fault.Invalid} {
		if _, _, err := Open(ctx, location, Options{Origin: "example.com/a"}); fault.KindOf(err) != want {
			t.Errorf("%q: %v", location, err)
		}
	}
	if _, _, err := Open(ctx, "postgres://u@127.0.0.1:1/x?connect_timeout=5", Options{KeyFile: filepath.Join(dir, "away")}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no database: %v", err)
	}
	if _, _, err := Open(ctx, filepath.Join(dir, "new.db"), Options{Origin: "example.com/a", KeyFile: dir}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a folder for a key: %v", err)
	}
	pipe := filepath.Join(dir, "pipe") // nobody writes to it, ever
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(ctx, path, Options{KeyFile: pipe}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a pipe for a key: %v", err)
	}
	if _, err := password(pipe)(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a pipe for a password: %v", err)
	}
	if _, _, err := Open(ctx, filepath.Join(dir, "new.db"), Options{Origin: "example.com/a", KeyFile: filepath.Join(dir, "no", "key")}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a key in no folder: %v", err)
	}
}

func TestExports(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	ctx := t.Context()
	l, _, err := Open(ctx, path, Options{Origin: "example.com/a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(ctx, ledgertest.Event("a", "1"), ledgertest.Event("a", "2")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, done, err := Ledgers{}.OpenLedger(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "a", "b")
	folder, closed, err := Ledgers{}.NewExport(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Export(ctx, r, folder, nil); err != nil {
		t.Fatal(err)
	}
	if err := folder.Write(ctx, "../out", nil); err == nil {
		t.Error("a file was written outside of the folder")
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := folder.Write(stopped, "x", nil); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("stopped: %v", err)
	}
	for _, f := range []func() error{closed, done} {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := (Ledgers{}).NewExport(out); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a folder that is not empty: %v", err)
	}
	if _, _, err := (Ledgers{}).NewExport(path); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a file for a folder: %v", err)
	}
	r, done, err = Ledgers{}.OpenLedger(ctx, out)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := r.Head(ctx); err != nil || h.Size != 2 {
		t.Errorf("the export: %+v, %v", h, err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	// No link leads out of an export.
	if err := os.Remove(filepath.Join(out, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "ledger.db.key"), filepath.Join(out, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	src, done, err := Ledgers{}.OpenExport(out)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := src.Read(ctx, "checkpoint", 1000); err == nil {
		t.Errorf("a link was followed: %q", data)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	if _, _, err := (Ledgers{}).OpenExport(filepath.Join(dir, "no")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no export: %v", err)
	}
	if _, _, err := (Ledgers{}).OpenLedger(ctx, dir); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a folder that is none: %v", err)
	}
}
