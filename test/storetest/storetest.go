// Package storetest builds and runs the real programs that tests and benchmarks keep
// traces in, ask for metrics, and are sent metrics by.
package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Program is one that is built from its module, once, into the user's cache.
type Program struct {
	// Name is what it is called for people.
	Name string
	// Folder is the one below test that has the module with its version.
	Folder string
	// Package is what is built, File what the program is called.
	Package, File string
	// Flags are those of the go command.
	Flags string
	// Target is the one of make that builds it [test-stores].
	Target string
}

// Path is where the program is, once it is built.
func (p Program) Path() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "aeo-test", p.Folder, p.File)
}

// Build builds it if that was not done before: some minutes.
func (p Program) Build(ctx context.Context) error {
	if _, err := os.Stat(p.Path()); err == nil {
		return nil
	}
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", p.Path(), p.Package)
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", p.Folder)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+p.Flags)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s could not be built: %w: %s", p.Name, err, out)
	}
	return nil
}

// Need builds it for a test, or skips the test where it is not built and
// AEO_BUILD_STORES is not set, as its target of make does.
func (p Program) Need(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(p.Path()); err != nil && os.Getenv("AEO_BUILD_STORES") == "" {
		t.Skipf("there is no %s; `make %s` builds it, in some minutes", p.Path(), cmp.Or(p.Target, "test-stores"))
	}
	if err := p.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Process is a running program.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Run starts the program in a folder, where its log is, too, and waits until it is
// ready. Besides env it has a HOME, the folder.
func (p Program) Run(ctx context.Context, dir string, args, env []string, ready func(context.Context) bool) (*Process, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(p.Path(), args...)
	cmd.Env, cmd.Dir = append([]string{"HOME=" + dir}, env...), dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &Process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(r.ended)
	}()
	why := errors.New("it is not ready within two minutes")
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if ready(ctx) {
			return r, nil
		}
		select {
		case <-ctx.Done():
			why, deadline = ctx.Err(), time.Time{}
		case <-r.ended:
			why, deadline = errors.New("it ended"), time.Time{}
		case <-time.After(50 * time.Millisecond):
		}
	}
	r.Stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not start: %w: %s", p.Name, why, text)
}

// Stop ends it.
func (r *Process) Stop() {
	_ = r.cmd.Process.Kill()
	<-r.ended
}

// Free returns an address of the loopback that nobody listened to just now.
func Free(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Answers tells whether an address answers with status 200.
func Answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Listens tells whether anybody listens at HOST:PORT.
func Listens(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
