package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// server is one program of the cluster, which can be stopped and started
// again while the cluster lives.
type server struct {
	command
	path string
	log  string

	mu      sync.Mutex // held while the program is started or ended
	running *process.Program
	stopped bool // on purpose
	frozen  bool
}

// start starts the program; that it runs already is no error.
func (s *server) start(l *process.Launcher) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil && s.running.Running() {
		return nil
	}
	cmd := exec.Command(s.path, s.args...)
	// Of the environment they need nothing; a proxy in it would even come
	// between them.
	home := filepath.Dir(filepath.Dir(s.log))
	cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "KWOK_WORKDIR=" + home}, home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // keys pressed at a terminal are for the starter
	p, err := l.Launch(s.name, cmd, s.log)
	if err != nil {
		return err
	}
	s.running, s.stopped, s.frozen = p, false, false
	return nil
}

// kill ends the program at once, as a crash would.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.running != nil {
		s.running.Kill()
	}
}

// freeze stops the program from running without ending it: its connections
// stay open and nothing answers. thaw lets it run on.
// freeze returns when the program does nothing more: the signal alone only asks.
func (s *server) freeze() error {
	if err := s.signal(syscall.SIGSTOP, true); err != nil {
		return err
	}
	s.mu.Lock()
	pid := s.running.PID()
	s.mu.Unlock()
	deadline := time.Now().Add(10 * time.Second)
	for {
		still, err := stopped(pid)
		if err != nil {
			return fmt.Errorf("freeze %s: %w", s.name, err)
		}
		if still {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("freeze %s: it still runs", s.name)
		}
		time.Sleep(time.Millisecond) // the kernel tells nobody else but the parent
	}
}

// stopped tells whether all threads of a process are stopped by a signal.
func stopped(pid int) (bool, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(files) == 0 {
		return false, fmt.Errorf("process %d is gone: %w", pid, errors.Join(err, fs.ErrNotExist))
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // a thread that ended
		}
		if err != nil {
			return false, err
		}
		// The state follows the name, which is in parentheses.
		at := bytes.LastIndexByte(text, ')')
		if at < 0 || at+2 >= len(text) || text[at+2] != 'T' {
			return false, nil
		}
	}
	return true, nil
}

func (s *server) thaw() error { return s.signal(syscall.SIGCONT, false) }

func (s *server) signal(sig syscall.Signal, frozen bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil || !s.running.Running() {
		return fmt.Errorf("signal %s: it does not run", s.name)
	}
	if err := syscall.Kill(s.running.PID(), sig); err != nil { // an unreaped child: its id cannot be another's
		return fmt.Errorf("signal %s: %w", s.name, err)
	}
	s.frozen = frozen
	return nil
}

// failed says how the program ended, if it ended by itself.
func (s *server) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil || s.stopped {
		return nil
	}
	return s.running.Exit()
}

// Server is what the keeper says about one program.
type Server struct {
	// Name is the program's.
	Name string `json:"name"`
	// PID is its process id, 0 when it does not run.
	PID int `json:"pid,omitempty"`
	// State is "running", "frozen", "stopped" (on purpose) or "ended".
	State string `json:"state"`
	// Log is the file that holds what it printed.
	Log string `json:"log"`
}

func (s *server) describe() Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Server{Name: s.name, State: "ended", Log: s.log}
	switch {
	case s.running != nil && s.running.Running():
		d.PID, d.State = s.running.PID(), "running"
		if s.frozen {
			d.State = "frozen"
		}
	case s.stopped:
		d.State = "stopped"
	}
	return d
}

// errAny returns the first of the servers' failures.
func errAny(servers []*server) error {
	for _, s := range servers {
		if err := s.failed(); err != nil {
			return err
		}
	}
	return nil
}

var errUnknown = errors.New("no such program in this cluster")
