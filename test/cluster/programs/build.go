package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// modulePath is the module that this package belongs to.
const modulePath = "github.com/autoecoops/autoecoops/test/cluster"

// Builder builds programs into a cache. The zero value is ready to use.
type Builder struct {
	// Cache is the folder of the programs; "" is aeo/cluster/programs in the
	// user's cache directory.
	Cache string
	// Progress is told, a line at a time, what takes long. May be nil.
	Progress func(string)
}

func (b Builder) say(format string, args ...any) {
	if b.Progress != nil {
		b.Progress(fmt.Sprintf(format, args...))
	}
}

// CacheDir is the folder of all that clusters keep between runs.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(dir, "aeo", "cluster"), nil
}

func (b Builder) cache() (string, error) {
	if b.Cache != "" {
		return b.Cache, nil
	}
	dir, err := CacheDir()
	return filepath.Join(dir, "programs"), err
}

// Ensure returns the paths of the programs names, after building those that
// the cache lacks. The build needs the go command, and the module proxy (or a
// warm module cache) the first time.
func (b Builder) Ensure(ctx context.Context, names ...string) (map[string]string, error) {
	cache, err := b.cache()
	if err != nil {
		return nil, err
	}
	plans, err := b.plan(ctx, cache, names)
	if err != nil {
		return nil, err
	}
	if len(missing(plans)) > 0 {
		unlock, err := b.lock(ctx, cache)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if err := b.buildAll(ctx, missing(plans)); err != nil { // another may have built some meanwhile
			return nil, err
		}
	}
	paths := map[string]string{}
	for _, p := range plans {
		paths[p.name] = p.target
	}
	return paths, nil
}

func (b Builder) plan(ctx context.Context, cache string, names []string) ([]plan, error) {
	module, err := ModuleDir(ctx)
	if err != nil {
		return nil, err
	}
	version, err := run(ctx, module, "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	var plans []plan
	for _, name := range names {
		p, err := resolve(name, module, cache, version)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

func missing(plans []plan) (absent []plan) {
	for _, p := range plans {
		if _, err := os.Stat(p.target); err != nil {
			absent = append(absent, p)
		}
	}
	return absent
}

// buildAll builds the plans; those of one pin together, which shares the work.
func (b Builder) buildAll(ctx context.Context, plans []plan) error {
	for len(plans) > 0 {
		folder := filepath.Dir(plans[0].target)
		var together, rest []plan
		for _, p := range plans {
			if filepath.Dir(p.target) == folder {
				together = append(together, p)
			} else {
				rest = append(rest, p)
			}
		}
		if err := b.build(ctx, folder, together); err != nil {
			return err
		}
		plans = rest
	}
	return nil
}

func (b Builder) build(ctx context.Context, folder string, plans []plan) error {
	var names, pkgs []string
	for _, p := range plans {
		names, pkgs = append(names, p.name), append(pkgs, p.pkg)
	}
	b.say("building %s, once for this machine (cold: about %s on 2 cores)", strings.Join(names, ", "), plans[0].minutes)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	stage, err := os.MkdirTemp(folder, ".stage-")
	if err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	defer os.RemoveAll(stage)
	start := time.Now()
	args := append([]string{"build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", plans[0].ldflags, "-o", stage + "/"}, pkgs...)
	if _, err := run(ctx, plans[0].dir, args...); err != nil {
		return fmt.Errorf("build %s: %w; it needs the Go module proxy, or a module cache that has seen it", strings.Join(names, ", "), err)
	}
	for _, p := range plans {
		built := filepath.Join(stage, binaryName(p.pkg))
		if err := os.Rename(built, p.target); err != nil {
			return fmt.Errorf("keep %s in the cache: %w", p.name, err)
		}
	}
	b.say("built %s in %s", strings.Join(names, ", "), time.Since(start).Round(time.Second))
	return nil
}

// binaryName is what the go command calls the program of a package: the last
// element of its path that is not a major version.
func binaryName(pkg string) string {
	name := filepath.Base(pkg)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = filepath.Base(filepath.Dir(pkg))
	}
	return name
}

// Own builds a program of this module, such as "cluster" from cmd/cluster, and
// returns its path. The go command itself knows whether anything changed.
func (b Builder) Own(ctx context.Context, name string) (string, error) {
	cache, err := b.cache()
	if err != nil {
		return "", err
	}
	module, err := ModuleDir(ctx)
	if err != nil {
		return "", err
	}
	unlock, err := b.lock(ctx, cache)
	if err != nil {
		return "", err
	}
	defer unlock()
	folder := filepath.Join(cache, "own-"+key(module))
	target := filepath.Join(folder, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	if _, err := run(ctx, module, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", target, "./cmd/"+name); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return target, nil
}

// lock keeps other processes from building at the same time.
func (b Builder) lock(ctx context.Context, cache string) (unlock func(), err error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(cache, "build.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	for told := false; ; told = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil // closing unlocks
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock the cache: %w", err)
		}
		if !told {
			b.say("waiting for another process that builds programs")
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock the cache: another process builds programs: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ModuleDir is the folder of this module's source.
func ModuleDir(ctx context.Context) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		return filepath.Dir(filepath.Dir(file)), nil
	}
	dir, err := run(ctx, "", "list", "-m", "-f", "{{.Dir}}", modulePath) // built with -trimpath
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w; run inside a module that requires it", modulePath, err)
	}
	return dir, nil
}

// run runs the go command in dir and returns what it printed.
func run(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// What the environment says about flags and targets must not change the
	// programs: the cache is keyed by what is set here.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{"GOFLAGS", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_ENABLED", "GOWORK"}, name)
	}), "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, lastLines(stderr.String(), 8))
	}
	return strings.TrimSpace(string(out)), nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Lines returns a Progress function that writes to w.
func Lines(w io.Writer) func(string) {
	return func(line string) { fmt.Fprintln(w, line) }
}
