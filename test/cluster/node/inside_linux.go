package node

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
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// Init is the first process of a node's namespaces: it starts the one that
// does the work, and waits for all whose parents have ended, which nobody else
// can. It returns when the worker has ended.
func Init() error {
	worker, err := syscall.ForkExec("/proc/self/exe", []string{"cluster", "node", "--inside"}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2, 3},
	})
	if err != nil {
		return fmt.Errorf("start the node's worker: %w", err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("wait for the node's processes: %w", err)
		case pid == worker:
			return fmt.Errorf("the node's worker ended with status %d", status.ExitStatus())
		}
	}
}

// inside is the state of the worker in the namespaces.
type inside struct {
	plan     Plan
	launcher *process.Launcher

	mu      sync.Mutex
	out     io.Writer
	running map[string]*process.Program
}

// Inside is the worker: it sets up the namespaces for the plan that is the
// first line of in, and then starts and stops programs as in orders. What
// happens is told to out. It ends with in.
func Inside(in io.Reader, out io.Writer) error {
	n := &inside{out: out, launcher: process.NewLauncher(), running: map[string]*process.Program{}}
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return errors.New("no plan came")
	}
	if err := json.Unmarshal(lines.Bytes(), &n.plan); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	if err := n.setUp(); err != nil {
		n.tell(message{Error: err.Error()})
		return err
	}
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		answer := message{ID: m.ID}
		if err := n.obey(m); err != nil {
			answer.Error = err.Error()
		}
		n.tell(answer)
	}
	return lines.Err()
}

func (n *inside) tell(m message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = json.NewEncoder(n.out).Encode(m) // with the listener gone, the end is near
}

func (n *inside) obey(m message) error {
	all := n.plan.programs()
	i := slices.IndexFunc(all, func(p program) bool { return p.name == m.Program })
	if i < 0 {
		return fmt.Errorf("the node has no program %q", m.Program)
	}
	switch m.Verb {
	case "start":
		return n.start(all[i])
	case "stop":
		n.stop(all[i].name)
		return nil
	}
	return fmt.Errorf("the node knows no order %q", m.Verb)
}

func (n *inside) start(p program) error {
	n.mu.Lock()
	old := n.running[p.name]
	n.mu.Unlock()
	if old != nil && old.Running() {
		return nil
	}
	path, err := exec.LookPath(p.path)
	if err != nil {
		return fmt.Errorf("find %s: %w", p.name, err)
	}
	cmd := exec.Command(path, p.args...)
	cmd.Dir = "/"
	started, err := n.launcher.Launch(p.name, cmd, filepath.Join(n.plan.Dir, "log", p.name+".log"))
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.running[p.name] = started
	n.mu.Unlock()
	n.tell(message{Program: p.name, State: "running"})
	go func() {
		<-started.Done()
		n.mu.Lock()
		current := n.running[p.name] == started // else it was stopped
		n.mu.Unlock()
		if current {
			n.tell(message{Program: p.name, State: "ended", Error: started.Exit().Error()})
		}
	}()
	if p.name == "containerd" {
		return answers(started)
	}
	return nil
}

// answers waits until containerd serves.
func answers(containerd *process.Program) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		out, err := exec.CommandContext(ctx, "ctr", "--address", socket, "version").CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-containerd.Done():
			return containerd.Exit()
		case <-ctx.Done():
			return fmt.Errorf("containerd does not answer: %w: %s", err, out)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n *inside) stop(name string) {
	n.mu.Lock()
	running := n.running[name]
	delete(n.running, name)
	n.mu.Unlock()
	if running != nil {
		running.Kill()
	}
	n.tell(message{Program: name, State: "stopped"})
}

// setUp makes of fresh namespaces a place for a node.
func (n *inside) setUp() error {
	if err := n.mounts(); err != nil {
		return fmt.Errorf("set up the node's mounts: %w", err)
	}
	if err := unix.Sethostname([]byte(n.plan.Name)); err != nil {
		return fmt.Errorf("name the node: %w", err)
	}
	number := n.plan.Number
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"address", "add", number.Node() + "/30", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", "default", "via", number.Host()},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("set up the node's network: ip %s %s: %w: %s", args[0], args[1], err, out)
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("set up the node's network: %w", err)
	}
	return nil
}

// mounts gives the node its own view of the processes, an empty /run, and
// copies on write of the folders in which programs keep state at places that
// cannot be chosen. What they write never reaches the machine's own.
func (n *inside) mounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part from the machine's mounts: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share mounts with pods: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for place, file := range guarded {
		if _, err := os.Stat(place); err != nil {
			continue // this kernel does not have it
		}
		if err := unix.Mount(n.plan.at("sysctl", file), place, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("guard %s: %w", place, err)
		}
	}
	// The run directory may lie below a place that is covered now.
	run, err := unix.Open(n.plan.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the run directory: %w", err)
	}
	defer unix.Close(run)
	small := n.plan.at("small")
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=64m,mode=755"); err != nil {
		return fmt.Errorf("mount a small file system: %w", err)
	}
	for _, place := range []string{"/var/lib", "/var/log"} {
		if err := cover(place, filepath.Join(small, filepath.Base(place))); err != nil {
			return err
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	if err := os.MkdirAll(n.plan.Dir, 0o700); err != nil {
		return fmt.Errorf("show the run directory: %w", err)
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", run), n.plan.Dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show the run directory: %w", err)
	}
	return nil
}

// cover mounts a copy on write of a folder over it; what is written goes to
// the folder changes.
func cover(place, changes string) error {
	upper, work := filepath.Join(changes, "upper"), filepath.Join(changes, "work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cover %s: %w", place, err)
		}
	}
	if err := unix.Mount("overlay", place, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", place, upper, work)); err != nil {
		return fmt.Errorf("cover %s: %w", place, err)
	}
	return nil
}
