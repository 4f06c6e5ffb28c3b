package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/node"
	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// endLimit is how long a keeper may take to clear a cluster away.
const endLimit = 60 * time.Second

// Kept is a cluster whose keeper this process started.
type Kept struct {
	*Client
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *os.File // of the keeper, which outlives its name
	once  sync.Once
	err   error
}

// Launch starts a keeper for spec and returns when the cluster is ready. exe
// is the cluster command. Progress is told, a line at a time, how far it is;
// it may be nil. The cluster ends with this process, unless Detach is called.
//
// The error is ErrKept if another keeper has the run directory. After any
// other error nothing is left of the cluster; the error holds what the logs
// said.
func Launch(ctx context.Context, exe string, spec Spec, progress func(string)) (*Kept, error) {
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("start cluster %q: %w", spec.Name, err)
	}
	if os.Getenv(kept) != "" {
		return nil, fmt.Errorf("start cluster %q: a keeper starts no clusters; %s is not the cluster command", spec.Name, exe)
	}
	k, heard, err := startKeeper(exe, spec)
	if err != nil {
		return nil, fmt.Errorf("start the keeper of cluster %q: %w", spec.Name, err)
	}
	outcome := make(chan error, 1)
	go func() { outcome <- listen(heard, progress) }()
	select {
	case err = <-outcome:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		err = errors.Join(err, k.End())
		if errors.Is(err, errSilent) {
			err = fmt.Errorf("%w; the end of its log:\n%s", err, process.TailOf(k.log, 30))
		}
		k.log.Close()
		return nil, fmt.Errorf("start cluster %q: %w", spec.Name, err)
	}
	k.log.Close()
	return k, nil
}

// kept is set in the environment of keepers. A program that is taken for the
// cluster command by mistake, and starts a cluster itself, would otherwise
// start itself for ever.
const kept = "AEO_CLUSTER_KEEPER"

var errSilent = errors.New("the keeper ended without a word")

// startKeeper starts the keeper in a session of its own, so that keys pressed
// at a terminal reach its starter only.
func startKeeper(exe string, spec Spec) (*Kept, io.ReadCloser, error) {
	heard, tells, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer tells.Close()
	log, err := os.OpenFile(filepath.Join(spec.Dir, "keeper.log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(exe, "keep")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{tells}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", kept+"=1") // where ip and iptables lie
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, errors.Join(err, log.Close(), heard.Close())
	}
	k := &Kept{Client: NewClient(spec.Dir), cmd: cmd, stdin: stdin, log: log}
	line, err := json.Marshal(spec)
	if err == nil {
		_, err = stdin.Write(append(line, '\n'))
		if errors.Is(err, syscall.EPIPE) {
			err = nil // it ended before it read: what it said, or did not, tells why
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, k.End(), log.Close(), heard.Close())
	}
	return k, heard, nil
}

// listen passes progress on until the keeper says how the start went.
func listen(heard io.ReadCloser, progress func(string)) error {
	defer heard.Close()
	lines := bufio.NewScanner(heard)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("the keeper said %.200q: %w", lines.Text(), err)
		}
		switch {
		case e.Kept:
			return ErrKept
		case e.Error != "":
			return errors.New(e.Error)
		case e.Ready:
			return nil
		case progress != nil:
			progress(e.Say)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("listen to the keeper: %w", err)
	}
	return errSilent
}

// Detach lets the cluster outlive this process.
func (k *Kept) Detach() error {
	if _, err := io.WriteString(k.stdin, stay+"\n"); err != nil {
		return fmt.Errorf("let the cluster stay: %w", err)
	}
	return nil
}

// End ends the cluster and returns when nothing is left of it.
func (k *Kept) End() error {
	k.once.Do(func() { k.err = k.end() })
	return k.err
}

func (k *Kept) end() error {
	k.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- k.cmd.Wait() }()
	select {
	case <-done: // how it ended was told before; what counts is what is left
	case <-time.After(endLimit):
		if err := k.cmd.Process.Kill(); err != nil {
			return fmt.Errorf("end the keeper: %w", err)
		}
		<-done
	}
	return Sweep(k.dir)
}

// Sweep removes the run directory dir and what a killed keeper left outside of
// it. With a living keeper it does nothing and returns ErrKept; that there is
// no such directory is no error.
func Sweep(dir string) error { return sweep(dir, false) }

// SweepDead is Sweep where there has been a keeper. Else it does nothing: the
// directory may be one whose keeper is about to start.
func SweepDead(dir string) error { return sweep(dir, true) }

func sweep(dir string, dead bool) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	held, err := take(layout{dir})
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer held.release()
	if _, err := os.Stat(layout{dir}.identity()); dead && err != nil {
		return nil
	}
	if err := node.Release(dir); err != nil {
		return err
	}
	return remove(dir)
}

// Down ends the cluster of the run directory dir, whoever started it, and
// returns when nothing is left. That there is none is no error.
func Down(ctx context.Context, dir string) error {
	client := NewClient(dir)
	if err := client.Down(ctx); err != nil {
		// It does not answer: dead, or beyond talking to.
		if id, err := recorded(layout{dir}); err == nil && id.Alive() {
			if err := id.Kill(endLimit); err != nil && !errors.Is(err, process.ErrGone) {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, endLimit, fmt.Errorf("the keeper still lives after %s", endLimit))
	defer cancel()
	return poll(ctx, "the end of the cluster", func(context.Context) error { return Sweep(dir) })
}
