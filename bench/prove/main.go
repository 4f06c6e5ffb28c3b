// Command prove measures the PROVE plane's ledger against its goals and writes
// bench/results/prove.json.
//
// Records are those of a made-up operator's history. Each is appended alone and
// counts when it is acknowledged, that is, when it is flushed to the disk. What
// a flush costs on this disk is measured in the same run.
//
// Usage: go run ./bench/prove [-seconds 10] [-entries 1000000] [-dir DIR] [-out bench/results/prove.json]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/bench/record"
)

func main() {
	seconds := flag.Int("seconds", 10, "how long each rate is measured")
	entries := flag.Int("entries", 1_000_000, "how many entries are verified")
	dir := flag.String("dir", "", "a folder on the disk to measure, \"\" for the one of temporary files")
	out := flag.String("out", "bench/results/prove.json", "where to write the results")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, *dir, time.Duration(*seconds)*time.Second, *entries, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	dir, aeo string
	span     time.Duration
	entries  int
	results  *record.Results
}

func measure(ctx context.Context, parent string, span time.Duration, entries int, out string) error {
	dir, err := os.MkdirTemp(parent, "aeo-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// The PostgreSQL server runs as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	b := &bench{dir: dir, aeo: filepath.Join(dir, "aeo"), span: span, entries: entries, results: record.New()}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.aeo, "./cmd/aeo")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build aeo: %w: %s", err, text)
	}
	for _, step := range []func(context.Context) error{b.disk, b.sqlite, b.postgres, b.million} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := b.results.Write(out); err != nil {
		return err
	}
	return b.results.Chart(strings.TrimSuffix(out, ".json")+".svg", "PROVE: shorter is better, the dashed line is the goal")
}

// disk measures what flushing 4 KiB to the disk costs: nothing durable is
// faster.
func (b *bench) disk(ctx context.Context) error {
	f, err := os.Create(filepath.Join(b.dir, "flush"))
	if err != nil {
		return err
	}
	page := make([]byte, 4096)
	var all []time.Duration
	for end := time.Now().Add(b.span / 4); time.Now().Before(end) && ctx.Err() == nil; {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil {
			return errors.Join(err, f.Close())
		}
		all = append(all, time.Since(start))
	}
	b.results.Note("flush of 4 KiB to this disk, median", ms(quantile(all, 0.5)), "ms")
	b.results.Note("flush of 4 KiB to this disk, p99", ms(quantile(all, 0.99)), "ms")
	return errors.Join(f.Close(), ctx.Err())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
