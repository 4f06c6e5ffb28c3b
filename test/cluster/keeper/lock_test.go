package keeper

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

func TestOneKeeperOnly(t *testing.T) {
	dir := t.TempDir()
	l := layout{dir}
	held, err := take(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(l); !errors.Is(err, ErrKept) {
		t.Errorf("a second keeper: %v", err)
	}
	if !HasKeeper(dir) {
		t.Error("the keeper is not seen")
	}
	if err := Sweep(dir); !errors.Is(err, ErrKept) {
		t.Errorf("a living keeper's directory is swept: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := takeFirmly(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("a starter that gave up: %v", err)
	}
	if _, err := takeFirmly(t.Context(), l); !errors.Is(err, ErrKept) {
		t.Errorf("a second keeper that insists: %v", err)
	}
	held.release()
	if HasKeeper(dir) {
		t.Error("a keeper that let go is seen")
	}
	again, err := take(l)
	if err != nil {
		t.Fatal(err)
	}
	again.release()
	if HasKeeper(filepath.Join(dir, "missing")) {
		t.Error("a directory that does not exist has a keeper")
	}
}

// TestALockThatWasRemoved is none: the file that a former keeper removed must
// not be taken for the one that stands there now.
func TestALockThatWasRemoved(t *testing.T) {
	l := layout{t.TempDir()}
	held, err := take(l)
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if err := os.Remove(l.lock()); err != nil {
		t.Fatal(err)
	}
	if sameFile(held.file, l.lock()) {
		t.Error("a removed file is the same as none")
	}
	other, err := take(l)
	if err != nil {
		t.Fatal(err)
	}
	defer other.release()
	if sameFile(held.file, l.lock()) || !sameFile(other.file, l.lock()) {
		t.Error("the wrong file counts")
	}
}

func TestSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if err := Sweep(dir); err != nil {
		t.Errorf("a directory that does not exist: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := SweepDead(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a directory whose keeper is about to start was removed: %v", err)
	}
	if err := record(layout{dir}); err != nil {
		t.Fatal(err)
	}
	if id, err := recorded(layout{dir}); err != nil || id.PID != os.Getpid() || !id.Alive() {
		t.Errorf("recorded is %+v, error %v", id, err)
	}
	if err := SweepDead(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the dead keeper's directory is left: %v", err)
	}
}

// TestDownOfADeafKeeper ends a keeper that holds its lock and does not answer.
func TestDownOfADeafKeeper(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := layout{dir}
	held, err := take(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sleep", "100")
	cmd.ExtraFiles = []*os.File{held.file} // it holds the lock now
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	held.release()
	go func() { _ = cmd.Wait() }() // it is killed
	id, err := process.Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(`{"pid":` + strconv.Itoa(id.PID) + `,"start":` + strconv.FormatUint(id.Start, 10) + `,"boot":"` + id.Boot + `"}`)
	if err := os.WriteFile(l.identity(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if id.Alive() {
		t.Error("the keeper lives")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its directory is left: %v", err)
	}
}

// TestRunRefuses gives a keeper what it cannot keep.
func TestRunRefuses(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	for what, in := range map[string]string{
		"nothing":      "",
		"no JSON":      "hello\n",
		"a bad spec":   `{"name": "A B", "dir": "` + dir + `"}` + "\n",
		"no directory": `{"name": "c", "dir": "/nowhere", "programs": {"etcd": "x", "kube-apiserver": "x", "kube-controller-manager": "x", "kube-scheduler": "x"}}` + "\n",
	} {
		var out bytes.Buffer
		if err := Run(t.Context(), strings.NewReader(in), &out, quiet); err == nil || !strings.Contains(out.String(), `"error":`) {
			t.Errorf("%s: error %v, told %s", what, err, out.String())
		}
	}
	var out bytes.Buffer
	missing := `{"name": "c", "dir": "` + dir + `", "programs": {"etcd": "/nowhere/etcd", "kube-apiserver": "x", "kube-controller-manager": "x", "kube-scheduler": "x"}}` + "\n"
	in, starter := io.Pipe()
	go func() { _, _ = io.WriteString(starter, missing) }() // the pipe stays open: the starter lives
	if err := Run(t.Context(), in, &out, quiet); err == nil || !strings.Contains(out.String(), "/nowhere/etcd") {
		t.Errorf("a program that does not exist: error %v, told %s", err, out.String())
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a failed start leaves its directory: %v", err)
	}
}

func TestLaunchSaysWhy(t *testing.T) {
	for what, c := range map[string]struct{ exe, want string }{
		"a keeper that says nothing":      {"/bin/false", "without a word"},
		"a keeper that does not exist":    {"/nowhere", "no such file"},
		"a keeper that is something else": {"/bin/echo", "without a word"},
	} {
		s := whole()
		s.Dir = t.TempDir()
		if _, err := Launch(t.Context(), c.exe, s, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Setenv(kept, "1")
	s := whole()
	s.Dir = t.TempDir()
	if _, err := Launch(t.Context(), "/bin/false", s, nil); err == nil || !strings.Contains(err.Error(), "starts no clusters") {
		t.Errorf("a keeper that starts a cluster: %v", err)
	}
}
