package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemon is a running aeod.
type daemon struct {
	ledger string
	log    string
	cmd    *exec.Cmd
	args   []string
	ended  chan struct{}
	// from is where the log of the last start begins.
	from int64
	once sync.Mutex
}

// build builds aeod once; AEOD names one that is built already.
func build(dir string) (string, error) {
	if exe := os.Getenv("AEOD"); exe != "" {
		return exe, nil
	}
	exe := filepath.Join(dir, "aeod")
	c := exec.Command("go", "build", "-trimpath", "-o", exe, "./cmd/aeod")
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aeod: %w\n%s", err, out)
	}
	return exe, nil
}

// launch starts aeod with its ledger and caches in a folder.
func launch(exe, dir, kubeconfig string, args ...string) (*daemon, error) {
	d := &daemon{ledger: filepath.Join(dir, "ledger.db"), log: filepath.Join(dir, "aeod.log")}
	d.args = append([]string{exe, "--kubeconfig", kubeconfig, "--ledger", d.ledger, "--cache-dir", filepath.Join(dir, "cache"),
		"--listen", "", "--allow-file", "--allow-http", "--namespace", "autoecoops"}, args...)
	for i, arg := range args {
		if arg == "--ledger" {
			d.ledger = args[i+1] // the last one counts
		}
	}
	return d, d.start()
}

func (d *daemon) start() error {
	out, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	if d.from, err = out.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	d.cmd = exec.Command(d.args[0], d.args[1:]...)
	d.cmd.Stdout, d.cmd.Stderr = out, out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("start aeod: %w", err)
	}
	ended, cmd := make(chan struct{}), d.cmd
	d.ended = ended
	go func() {
		_ = cmd.Wait() // however it ended, it has
		close(ended)
	}()
	return nil
}

// kill ends it as a crash does, and returns when it is gone.
func (d *daemon) kill() {
	d.once.Lock()
	defer d.once.Unlock()
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return
	}
	<-d.ended
}

// end ends it as an operator does, and as a crash does if that takes long.
func (d *daemon) end() {
	if d.cmd.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-d.ended:
		case <-time.After(15 * time.Second):
		}
	}
	d.kill()
}

// signal sends a signal.
func (d *daemon) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal aeod: %v", err)
	}
}

// logged waits until the log has a text.
func (d *daemon) logged(t *testing.T, text string) {
	t.Helper()
	await(t, time.Minute, "aeod logs "+text, func() string {
		all, err := os.ReadFile(d.log)
		if err != nil {
			return err.Error()
		}
		if !bytes.Contains(all, []byte(text)) {
			return "not yet"
		}
		return ""
	})
}

// served is where aeod says that it serves its pages.
var served = regexp.MustCompile(`"serving","address":"([^"]+)"`)

// address is where it serves its pages since it was started last.
func (d *daemon) address(t *testing.T) (url string) {
	t.Helper()
	await(t, time.Minute, "aeod serves its pages", func() string {
		all, err := os.ReadFile(d.log)
		if err != nil {
			return err.Error()
		}
		m := served.FindSubmatch(all[d.from:])
		if m == nil {
			return "not yet"
		}
		url = "http://" + string(m[1])
		return ""
	})
	return url
}

// tail returns the end of the log.
func (d *daemon) tail() string {
	all, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	return string(all[max(0, len(all)-3000):])
}

// await calls f until it returns "", and fails the test if it takes too long.
func await(t *testing.T, limit time.Duration, what string, f func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		why := f()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, limit, why)
		}
		<-tick.C
	}
}

// asked is where aeod says that it can be asked for metrics.
var asked = regexp.MustCompile(`"serving","address":"([^"]+)","for":"metrics-listen"`)

// answers is where it can be asked for metrics since it was started last, "" if it cannot
// yet.
func (d *daemon) answers() string {
	all, err := os.ReadFile(d.log)
	if err != nil {
		return ""
	}
	if m := asked.FindSubmatch(all[min(int(d.from), len(all)):]); m != nil {
		return "http://" + string(m[1])
	}
	return ""
}
