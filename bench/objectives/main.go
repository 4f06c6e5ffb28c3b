// Command objectives measures one aeod that follows many Objectives of a real API
// server with a real Prometheus: how long the first statuses take, what it costs
// when nothing happens, how late an evaluation is, and how soon one that turns bad
// is told. It writes the figures to bench/results/objectives.json. Run it from the
// top of the repository.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/process"
	"github.com/autoecoops/autoecoops/test/prometheustest"
	"github.com/autoecoops/autoecoops/test/storetest"
)

type settings struct {
	objectives, namespaces int
	// steady is how long is measured when all are followed, warm how long is waited
	// before.
	steady, warm, limit time.Duration
	aeod, out           string
}

func main() {
	var o settings
	flag.IntVar(&o.objectives, "objectives", 10_000, "the number of Objectives")
	flag.IntVar(&o.namespaces, "namespaces", 100, "in how many namespaces they are")
	flag.DurationVar(&o.warm, "warm", 45*time.Second, "how long is waited before the steady time is measured")
	flag.DurationVar(&o.steady, "steady", 2*time.Minute, "how long is measured when nothing happens")
	flag.DurationVar(&o.limit, "limit", 4*time.Minute, "how long the first statuses may take")
	flag.StringVar(&o.aeod, "aeod", "", "a built aeod; built anew if empty")
	flag.StringVar(&o.out, "o", "bench/results/objectives.json", "where the figures go")
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
	shop    *shop
	source  *prometheustest.Server
	alerts  *alerts
	// alertsURL is the address of what takes alerts.
	alertsURL string
	aeodd     *process.Program
	// pages is where aeod has its metrics.
	pages string
}

func run(ctx context.Context, o settings) (err error) {
	b := &bench{settings: o, results: record.New()}
	if b.dir, err = os.MkdirTemp("", "bench-objectives-"); err != nil {
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
	// Samples come first: there are some when the Objectives are there.
	stop, err := b.sources(ctx)
	defer stop()
	if err != nil {
		return err
	}
	if b.cluster, err = cluster.Up(ctx, "bench-objectives"); err != nil {
		return err
	}
	defer b.cluster.Down()
	if b.client, err = dynamic.NewForConfig(b.cluster.Config()); err != nil {
		return err
	}
	defer func() {
		if b.aeodd != nil {
			b.aeodd.Kill()
		}
	}()
	for _, part := range []func(context.Context) error{b.prepare, b.first, b.quiet, b.burn, b.restart} {
		if err := part(ctx); err != nil {
			if text, readErr := os.ReadFile(filepath.Join(b.dir, "aeod.log")); readErr == nil {
				err = fmt.Errorf("%w\n%s", err, text[max(0, len(text)-4000):])
			}
			return err
		}
		// What was measured is kept even if a later part fails.
		if err := b.results.Write(o.out); err != nil {
			return err
		}
	}
	return nil
}
