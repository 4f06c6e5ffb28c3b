package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// TestDiskFull fills the disk under the ledger: a small file system where that
// can be had, else a limit on the size of files.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	small := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m") == nil
	if small {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
	}
	for _, limited := range []bool{false, true} {
		t.Run(fmt.Sprint("limited=", limited), func(t *testing.T) {
			path := filepath.Join(dir, "ledger.db")
			var wrap []string
			switch {
			case limited:
				path = filepath.Join(t.TempDir(), "ledger.db")
				wrap = []string{"sh", "-c", "ulimit -f 1500; exec \"$0\""}
			case !small:
				t.Skip("this machine permits no mount")
			}
			_, key, err := ledger.GenerateKey(nil, "example.com/full")
			if err != nil {
				t.Fatal(err)
			}
			cmd, lines := child(t, "full", path, key, wrap...)
			acknowledged, failed := map[string]int64{}, 0
			for lines.Scan() {
				var index int64
				var name string
				if _, err := fmt.Sscanf(lines.Text(), "done %d %s", &index, &name); err == nil {
					acknowledged[name] = index
					continue
				}
				if !strings.HasPrefix(lines.Text(), "failed unavailable ") {
					t.Errorf("the child says %q", lines.Text())
				}
				failed++
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			if failed != 4 || len(acknowledged) == 0 {
				t.Errorf("%d writers were told that the disk is full, after %d records", failed, len(acknowledged))
			}
			if !limited {
				// Somebody makes room.
				if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
					t.Fatal(err)
				}
			}
			verify(t, path, key, acknowledged)
			goesOn(t, path, key)
		})
	}
}

// goesOn appends where others could not.
func goesOn(t *testing.T, path, key string) {
	t.Helper()
	k, err := ledger.ParseSigningKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path, false)
	l, err := ledger.Open(t.Context(), s, ledger.Options{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Append(t.Context(), ledgertest.Event("child", "after"))
	if err = errors.Join(err, l.Close()); err != nil {
		t.Error(err)
	}
}
