// Command deliver measures the operator aeod on a real API server of its own,
// beside a bare client that makes the same calls, and writes the figures to
// bench/results/deliver.json. Run it from the top of the repository, as
// `make bench-deliver` does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
	"github.com/autoecoops/autoecoops/test/cluster/process"
	"github.com/autoecoops/autoecoops/test/storetest"
)

type settings struct {
	apps, drifts, unmanaged, pushes int
	idle                            time.Duration
	aeod, out                       string
	// first ends the run after the first sync.
	first bool
}

func main() {
	var o settings
	flag.IntVar(&o.apps, "apps", 1000, "the number of Applications")
	flag.IntVar(&o.drifts, "drifts", 400, "how many objects are changed by hand")
	flag.IntVar(&o.unmanaged, "unmanaged", 100_000, "how many objects belong to nobody")
	flag.IntVar(&o.pushes, "pushes", 40, "how many pushes are told by webhook")
	flag.DurationVar(&o.idle, "idle", 10*time.Minute, "how long nothing changes")
	flag.BoolVar(&o.first, "first-sync-only", false, "end after the first sync")
	flag.StringVar(&o.aeod, "aeod", "", "a built aeod; built anew if empty")
	flag.StringVar(&o.out, "o", "bench/results/deliver.json", "where the figures go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	settings
	results *record.Results
	dir     string
	cluster *cluster.Cluster
	client  dynamic.Interface
	// repo is the repository's folder, remote its address.
	repo, remote string
	// proxy counts what aeod asks once it runs behind it.
	proxy *faultproxy.Proxy
	aeodd *process.Program
	// pages is where aeod has its metrics and webhooks.
	pages string
	// rate is the bare client's.
	rate float64
}

func run(ctx context.Context, o settings) (err error) {
	b := &bench{settings: o, results: record.New()}
	if b.dir, err = os.MkdirTemp("", "bench-deliver-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.aeod == "" {
		b.aeod = filepath.Join(b.dir, "aeod")
		if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.aeod, "./cmd/aeod").CombinedOutput(); err != nil {
			return fmt.Errorf("build aeod: %w\n%s", err, out)
		}
	}
	if b.pages, err = storetest.Free(ctx); err != nil {
		return err
	}
	if b.cluster, err = cluster.Up(ctx, "bench-deliver"); err != nil {
		return err
	}
	defer b.cluster.Down()
	if b.client, err = dynamic.NewForConfig(b.cluster.Config()); err != nil {
		return err
	}
	stopGit, err := b.serveGit(ctx)
	if err != nil {
		return err
	}
	defer stopGit()
	defer func() {
		if b.aeodd != nil {
			b.aeodd.Kill()
		}
	}()
	parts := []func(context.Context) error{b.prepare, b.ceiling, b.firstSync, b.grow, b.restart, b.pushed, b.drift, b.strangers, b.quiet}
	if o.first {
		parts = parts[:3]
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
		// What was measured is kept even if a later part fails.
		if err := b.results.Write(o.out); err != nil {
			return err
		}
	}
	return b.results.Chart(strings.TrimSuffix(o.out, ".json")+".svg", "DELIVER: shorter is better, the dashed line is the goal")
}
