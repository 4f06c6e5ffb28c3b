// Package prometheustest finds, fetches and runs a real Prometheus for tests.
package prometheustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ErrNone means that this machine has no Prometheus and no way to get it.
var ErrNone = errors.New("there is no prometheus: neither in the PATH nor to be had with apt-get")

// Programs are the paths of Prometheus' two programs.
type Programs struct{ Prometheus, Promtool string }

// Find returns the programs that are here already.
func Find() (Programs, error) {
	for _, dir := range []string{"", unpacked()} {
		p := Programs{}
		var err error
		if p.Prometheus, err = look(dir, "prometheus"); err != nil {
			continue
		}
		if p.Promtool, err = look(dir, "promtool"); err != nil {
			continue
		}
		return p, nil
	}
	return Programs{}, ErrNone
}

// Need returns the programs to a test. Where they are not installed they are
// fetched, but not in the quick tests: those are skipped.
func Need(t testing.TB) Programs {
	t.Helper()
	p, err := Find()
	if err == nil {
		return p
	}
	if testing.Short() {
		t.Skip(err)
	}
	if p, err = Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func look(dir, name string) (string, error) {
	if dir == "" {
		return exec.LookPath(name)
	}
	return exec.LookPath(filepath.Join(dir, "usr", "bin", name))
}

// unpacked is where Debian's package is unpacked to.
func unpacked() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "aeo-test", "prometheus")
}

// Get returns the programs, and fetches Debian's package if they are not here.
// Nothing is installed: the package is unpacked into the user's cache.
func Get(ctx context.Context) (Programs, error) {
	if p, err := Find(); err == nil {
		return p, nil
	}
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return Programs{}, ErrNone
		}
	}
	target := unpacked()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return Programs{}, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), "fetch-*")
	if err != nil {
		return Programs{}, err
	}
	defer os.RemoveAll(dir)
	if err := fetch(ctx, dir, "prometheus"); err != nil {
		return Programs{}, errors.Join(ErrNone, err)
	}
	if err := os.Rename(filepath.Join(dir, "root"), target); err != nil {
		if p, found := Find(); found == nil { // another test was faster
			return p, nil
		}
		return Programs{}, err
	}
	return Find()
}

// fetch unpacks a package of Debian into the folder root of dir.
func fetch(ctx context.Context, dir, name string) error {
	if err := run(ctx, dir, "apt-get", "download", name); err != nil {
		// The lists may be empty or old; to renew them takes root.
		if err := errors.Join(run(ctx, dir, "apt-get", "-o", "DPkg::Lock::Timeout=180", "update", "--quiet"), run(ctx, dir, "apt-get", "download", name)); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("apt-get left %d packages (%w)", len(packages), err)
	}
	return run(ctx, dir, "dpkg-deb", "-x", packages[0], filepath.Join(dir, "root"))
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, bytes.TrimSpace(out))
	}
	return nil
}
