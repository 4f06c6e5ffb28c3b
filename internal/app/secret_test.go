package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// TestOpenSecret reads what stands in a file, and says what is wrong with it.
func TestOpenSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", " sec\"ret \r\n")
	for file, want := range map[string][2]string{"": {}, good: {`sec"ret`, ` sec"ret `}} {
		token, err := OpenToken(file, "--token-file")
		if token.Value() != want[0] || err != nil {
			t.Errorf("%q: %q, %v", file, token.Value(), err)
		}
		if password, err := OpenPassword(file, "--password-file"); password.Value() != want[1] || err != nil {
			t.Errorf("%q: %q, %v", file, password.Value(), err)
		}
	}
	for file, kind := range map[string]fault.Kind{
		write("empty", "\n"): fault.Invalid, filepath.Join(dir, "none"): fault.NotFound, "/dev/zero": fault.Invalid,
		write("words", "hunter2 hunter3"): fault.Invalid, write("lines", "hunter2\nhunter3"): fault.Invalid,
	} {
		if _, err := OpenToken(file, "--token-file"); err == nil || fault.KindOf(err) != kind || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", file, err)
		}
	}
	for _, file := range []string{write("nothing", "\n"), "/dev/zero", dir} {
		if _, err := OpenPassword(file, "--password-file"); err == nil || !strings.Contains(err.Error(), "password") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestSecretIsReadAnew: what is written into the file while it is used is used, after a
// minute or when somebody refused what was there; what cannot be read leaves what is known.
func TestSecretIsReadAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		// As the kubelet does it: another file under the same name.
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	s, err := OpenToken(file, "--token-file")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.now = func() time.Time { return now }
	s.readAt = now
	var told []error
	s.Troubled(func(err error) { told = append(told, err) })
	is := func(want string) {
		t.Helper()
		if got := s.Value(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	write("second")
	now = now.Add(59 * time.Second)
	is("first")
	now = now.Add(time.Second)
	is("second")
	// Who was refused does not wait for a minute, but does not read all the time either.
	write("third")
	if got := s.Shown(true); got != "second" {
		t.Errorf("%q", got)
	}
	now = now.Add(time.Second)
	if got, err := s.Renew(); got != "third" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	// What is no token is none, and what is known stays.
	for _, bad := range []string{"", "two words", strings.Repeat("x", maxSecret+1)} {
		write(bad)
		now = now.Add(time.Minute)
		is("third")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	is("third")
	now = now.Add(time.Second)
	if got, err := s.Renew(); got != "third" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q, %v", got, err)
	}
	if len(told) != 5 {
		t.Errorf("told: %v", told)
	}
	write("fourth")
	now = now.Add(time.Minute)
	is("fourth")
}

// TestSecretOfAPipe is read once: there is nothing in it the second time, and who waits
// for that waits for ever.
func TestSecretOfAPipe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(file, []byte("secret\n"), 0o600) }()
	s, err := OpenToken(file, "--token-file")
	if err != nil {
		t.Fatal(err)
	}
	s.readAt = time.Time{}
	if got := s.Value(); got != "secret" {
		t.Errorf("%q", got)
	}
}
