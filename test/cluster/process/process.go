// Package process starts programs that die with the one who started them, and
// ends programs by an identity that a recycled process id cannot forge.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Launcher starts programs. The kernel kills them when this process ends, in
// whatever way it ends.
//
// Linux sends that signal when the *thread* that started a program ends, so a
// launcher keeps one thread for starting, for as long as the process lives.
type Launcher struct {
	jobs chan func()
}

// NewLauncher returns a launcher; it lives until the process ends.
func NewLauncher() *Launcher {
	l := &Launcher{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: see Launcher
		for job := range l.jobs {
			job()
		}
	}()
	return l
}

// Start starts cmd, whose other attributes are the caller's.
func (l *Launcher) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithParent(cmd.SysProcAttr)
	done := make(chan error)
	l.jobs <- func() { done <- cmd.Start() }
	return <-done
}

// Program is a running program that this process started.
type Program struct {
	// Name is what messages call it.
	Name string
	// LogPath is the file that holds what it printed.
	LogPath string

	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Launch starts the program cmd under a name; what it prints is appended to
// the file log.
func (l *Launcher) Launch(name string, cmd *exec.Cmd, log string) (*Program, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer out.Close() // the program has its own copy
	if cmd.Stdout == nil {
		cmd.Stdout = out
	}
	cmd.Stderr = out
	if err := l.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Program{Name: name, LogPath: log, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the program's process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Program) Done() <-chan struct{} { return p.done }

// Running reports whether the program has not ended.
func (p *Program) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Exit says how the program ended, with the end of its log. It is nil while
// the program runs.
func (p *Program) Exit() error {
	if p.Running() {
		return nil
	}
	how := "it ended without an error"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended: %s; the end of its log %s:\n%s", p.Name, how, p.LogPath, Tail(p.LogPath, 12))
}

// Stop asks the program to end, and kills it when it still runs after grace.
// It returns when the program is gone.
func (p *Program) Stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if p.cmd.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-p.done:
			return
		case <-ctx.Done():
		}
	}
	p.Kill()
}

// Kill ends the program at once and returns when it is gone.
func (p *Program) Kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return // nothing more can be done about it; Running tells
	}
	<-p.done
}
