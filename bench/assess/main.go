// Command assess measures the ASSESS plane against its goals and writes
// bench/results/assess.json. Every figure is the median of several runs of the
// real program; what is compared is run in turn, in one run of this command.
//
// Usage: go run ./bench/assess [-runs 5] [-out bench/results/assess.json]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/bench/record"
)

func main() {
	runs := flag.Int("runs", 5, "how often each figure is measured")
	out := flag.String("out", "bench/results/assess.json", "where to write the results")
	parse := flag.String("parse", "", "internal: only parse the YAML files below this folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *parse != "" {
		err = parseOnly(*parse)
	} else {
		err = measure(ctx, *runs, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is one execution of a program.
type run struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

func execute(ctx context.Context, name string, args ...string) (run, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	r := run{wall: time.Since(start)}
	if cmd.ProcessState == nil {
		return r, fmt.Errorf("run %s: %w", name, err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		return r, fmt.Errorf("%s %v: exit %d: %s", name, args, code, out)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.rss = u.Maxrss * 1024
	}
	return r, nil
}

// repeat runs a command and returns the median of each figure.
func repeat(ctx context.Context, runs int, name string, args ...string) (run, error) {
	var all []run
	for range runs {
		r, err := execute(ctx, name, args...)
		if err != nil {
			return run{}, err
		}
		all = append(all, r)
	}
	return run{
		wall: median(all, func(r run) time.Duration { return r.wall }),
		cpu:  median(all, func(r run) time.Duration { return r.cpu }),
		rss:  median(all, func(r run) int64 { return r.rss }),
	}, nil
}

func median[T time.Duration | int64](all []run, of func(run) T) T {
	var vs []T
	for _, r := range all {
		vs = append(vs, of(r))
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

// bench holds the programs and inputs of one measurement.
type bench struct {
	ctx                    context.Context
	runs                   int
	dir, aeo, self         string
	small, large, installs string
	rendered               string
	results                *record.Results
}

func measure(ctx context.Context, runs int, out string) error {
	dir, err := os.MkdirTemp("", "aeo-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache")); err != nil {
		return err
	}
	b := &bench{ctx: ctx, runs: runs, dir: dir, aeo: filepath.Join(dir, "aeo"), results: record.New()}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	for _, step := range []func() error{b.prepare, b.program, b.install, b.thousands, b.many, b.reruns} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := b.results.Write(out); err != nil {
		return err
	}
	return b.results.Chart(strings.TrimSuffix(out, ".json")+".svg", "ASSESS: shorter is better, the dashed line is the goal")
}

func (b *bench) prepare() error {
	build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.aeo, "./cmd/aeo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile does
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build aeo: %w: %s", err, out)
	}
	b.small, b.large, b.rendered = filepath.Join(b.dir, "small"), filepath.Join(b.dir, "large"), filepath.Join(b.dir, "rendered")
	b.installs = filepath.Join(b.dir, "install.yaml")
	if err := corpus.Write(b.small, 1000); err != nil {
		return err
	}
	if err := corpus.Write(b.large, 5000); err != nil {
		return err
	}
	if err := corpus.WriteRendered(b.rendered, 100); err != nil {
		return err
	}
	return os.WriteFile(b.installs, corpus.Install(20_000), 0o644)
}

// program measures the binary itself.
func (b *bench) program() error {
	info, err := os.Stat(b.aeo)
	if err != nil {
		return err
	}
	b.results.AtMost("binary size, stripped", float64(info.Size())/1e6, "MB", 90)
	r, err := repeat(b.ctx, 4*b.runs, b.aeo, "version")
	b.results.AtMost("aeo version", ms(r.wall), "ms", 40)
	return err
}

func (b *bench) assess(path string) (run, error) {
	return repeat(b.ctx, b.runs, b.aeo, "assess", path, "--no-cache", "-o", "json="+filepath.Join(b.dir, "out.json"))
}

// install measures one generated install manifest of 20,000 lines.
func (b *bench) install() error {
	info, err := os.Stat(b.installs)
	if err != nil {
		return err
	}
	r, err := b.assess(b.installs)
	b.results.AtMost(fmt.Sprintf("install manifest of 20,000 lines (%.1f MB)", float64(info.Size())/1e6), ms(r.wall), "ms", 200)
	return err
}

// thousands measures 10,000 objects, in turn with the YAML library alone.
func (b *bench) thousands() error {
	var ours, alone []run
	for range b.runs {
		r, err := execute(b.ctx, b.aeo, "assess", b.small, "--no-cache", "-o", "json="+filepath.Join(b.dir, "out.json"))
		if err != nil {
			return err
		}
		ours = append(ours, r)
		if r, err = execute(b.ctx, b.self, "-parse", b.small); err != nil {
			return err
		}
		alone = append(alone, r)
	}
	wall := func(r run) time.Duration { return r.wall }
	a, y := median(ours, wall), median(alone, wall)
	b.results.AtMost("10,000 objects in 2,000 files, cold", a.Seconds(), "s", 1.2)
	b.results.Note("10,000 objects, the YAML library alone", y.Seconds(), "s")
	b.results.AtMost("10,000 objects ÷ the YAML library alone", a.Seconds()/y.Seconds(), "×", 1.5)
	b.results.AtMost("10,000 objects, peak memory", float64(median(ours, func(r run) int64 { return r.rss }))/1e6, "MB", 150)
	cpu := median(ours, func(r run) time.Duration { return r.cpu }) - median(alone, func(r run) time.Duration { return r.cpu })
	b.results.AtMost("CPU per object beyond parsing, all checks", ms(cpu)/10_000, "ms", 0.3)
	return nil
}

func (b *bench) many() error {
	r, err := b.assess(b.large)
	b.results.AtMost("50,000 objects in 10,000 files, cold", r.wall.Seconds(), "s", 6)
	b.results.AtMost("50,000 objects, peak memory", float64(r.rss)/1e6, "MB", 600)
	return err
}

// reruns measures unchanged second runs with the result cache, in turn with
// cold ones.
func (b *bench) reruns() error {
	for _, c := range []struct{ name, path string }{
		{"10,000 objects", b.small},
		{"90 bases with two overlays and 10 charts", b.rendered},
	} {
		if err := b.rerun(c.name, c.path); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) rerun(name, path string) error {
	args := []string{"assess", path, "-o", "json=" + filepath.Join(b.dir, "out.json")}
	var cold, first, warm []run
	for range b.runs {
		// The first run with the cache has to write it besides.
		if err := os.RemoveAll(os.Getenv("XDG_CACHE_HOME")); err != nil {
			return err
		}
		for _, m := range []struct {
			into *[]run
			args []string
		}{{&cold, append(args, "--no-cache")}, {&first, args}, {&warm, args}, {&warm, args}} {
			r, err := execute(b.ctx, b.aeo, m.args...)
			if err != nil {
				return err
			}
			*m.into = append(*m.into, r)
		}
	}
	wall := func(all []run) time.Duration { return median(all, func(r run) time.Duration { return r.wall }) }
	b.results.Note(name+", cold", ms(wall(cold)), "ms")
	b.results.Note(name+", first run, which fills the cache", ms(wall(first)), "ms")
	b.results.Note(name+", unchanged rerun", ms(wall(warm)), "ms")
	b.results.AtLeast(name+", cold ÷ unchanged rerun", wall(cold).Seconds()/wall(warm).Seconds(), "×", 8)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// parseOnly reads and parses every file with the YAML library on all cores:
// the least that any tool built on it must do.
func parseOnly(dir string) error {
	var files []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	return decodeAll(files, runtime.GOMAXPROCS(0))
}
