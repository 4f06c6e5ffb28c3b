// Command servers measures OBSERVE against real servers, as a user runs it: a
// Prometheus and a Jaeger of their own releases are started on this machine, filled, and
// asked by bin/aeo; the same metrics and traces are asked of what aeod keeps them in. So
// is the Loki that AEO_TEST_LOKI names, if it does. It writes bench/results/servers.json.
//
// Prometheus comes from Debian's package, if it is not installed; Jaeger is built from
// source, which takes some minutes the first time.
//
// Usage: go run ./bench/servers [-only prometheus,alerts,loki,jaeger] [-aeo bin/aeo] [-out bench/results/servers.json]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/bench/record"
)

// bench is a run of this command.
type bench struct {
	*record.Results
	aeo string
	dir string
}

func main() {
	b := &bench{Results: record.New()}
	only := flag.String("only", "prometheus,alerts,loki,jaeger", "which `servers` are measured")
	out := flag.String("out", "bench/results/servers.json", "where to write the results")
	flag.StringVar(&b.aeo, "aeo", "bin/aeo", "the program that asks")
	workloads := flag.Int("workloads", 200, "how many workloads Prometheus knows")
	lines := flag.Int("lines", 1_000_000, "how many lines Loki has")
	rounds := flag.Int("rounds", 4, "how many times 2,048 traces Jaeger has")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	parts := map[string]func(context.Context) error{
		"prometheus": func(ctx context.Context) error { return b.prometheus(ctx, *workloads) },
		"alerts":     b.alerts,
		"loki":       func(ctx context.Context) error { return b.loki(ctx, *lines) },
		"jaeger":     func(ctx context.Context) error { return b.jaeger(ctx, *rounds) },
	}
	if err := b.run(ctx, strings.Split(*only, ","), parts, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, names []string, parts map[string]func(context.Context) error, out string) (err error) {
	if b.dir, err = os.MkdirTemp("", "aeo-servers-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.aeo, err = filepath.Abs(b.aeo); err != nil {
		return err
	}
	for _, name := range names {
		part := parts[name]
		if part == nil {
			return fmt.Errorf("there is no server %q", name)
		}
		if err := part(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.Write(out); err != nil {
		return err
	}
	return b.Chart(strings.TrimSuffix(out, ".json")+".svg", "With real servers: shorter is better, the dashed line is the goal")
}

// folder makes a folder that goes with the others in the end.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// ask runs aeo, which has to end with one of the codes, has its answer read into v, and
// returns how long it took.
func (b *bench) ask(ctx context.Context, v any, codes string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, b.aeo, append(args, "-o", "json")...)
	var errs strings.Builder
	cmd.Stderr = &errs
	began := time.Now()
	text, err := cmd.Output()
	took := time.Since(began)
	if exit, ended := errors.AsType[*exec.ExitError](err); ended && strings.Contains(codes, fmt.Sprint(exit.ExitCode())) || err == nil && strings.Contains(codes, "0") {
		err = json.Unmarshal(text, v)
	} else if err == nil {
		err = errors.New("exit status 0")
	}
	if err != nil {
		return 0, fmt.Errorf("aeo %s: %w: %.1000s", strings.Join(args, " "), err, errs.String())
	}
	return took, nil
}
