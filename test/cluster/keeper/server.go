package keeper

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

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
func (s *server) freeze() error { return s.signal(syscall.SIGSTOP, true) }
func (s *server) thaw() error   { return s.signal(syscall.SIGCONT, false) }

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
