package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// million fills a ledger and measures what an auditor does with it, with the
// real program.
func (b *bench) million(ctx context.Context) error {
	path, out := filepath.Join(b.dir, "million.db"), filepath.Join(b.dir, "export")
	if err := b.fill(ctx, path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	b.results.Note("size of the ledger for each entry", float64(info.Size())/float64(b.entries), "B")
	name := fmt.Sprintf("%d entries: ", b.entries)
	took, _, err := b.run(ctx, 0, "audit", "export", out, "--ledger", path)
	if err != nil {
		return err
	}
	b.results.Note(name+"export", took.Seconds(), "s")
	took, rss, err := b.run(ctx, 0, "audit", "verify", out, "--key", filepath.Join(out, "log.vkey"), "--checkpoint", filepath.Join(out, "checkpoint"))
	if err != nil {
		return err
	}
	b.results.AtMost(name+"verify the export", took.Seconds(), "s", 60)
	b.results.AtMost(name+"verify, peak memory", float64(rss)/1e6, "MB", 200)
	if took, _, err = b.run(ctx, 0, "audit", "verify", path); err != nil {
		return err
	}
	b.results.AtMost(name+"verify the ledger itself", took.Seconds(), "s", 60)
	proof := filepath.Join(b.dir, "proof")
	if took, _, err = b.run(ctx, 0, "audit", "prove", fmt.Sprint(b.entries/3), "--ledger", path, "--file", proof); err != nil {
		return err
	}
	b.results.Note(name+"aeo audit prove", ms(took), "ms")
	if err := b.inclusion(proof, name); err != nil {
		return err
	}
	return b.flipped(ctx, out, name)
}

// fill appends the entries, with the checkpoints that a running daemon signs.
func (b *bench) fill(ctx context.Context, path string) error {
	l, _, err := audit.Open(ctx, path, audit.Options{Origin: "example.com/bench"})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Now()
	for n := 0; n < b.entries; {
		records := batch(rng, n, min(1000, b.entries-n))
		if _, err := l.Append(ctx, records...); err != nil {
			return errors.Join(err, l.Close())
		}
		n += len(records)
	}
	b.results.Note("SQLite, calls of 1,000 records: durable entries", float64(b.entries)/time.Since(start).Seconds(), "/s")
	return l.Close()
}

// run runs aeo and wants an exit code.
func (b *bench) run(ctx context.Context, code int, args ...string) (took time.Duration, rss int64, err error) {
	cmd := exec.CommandContext(ctx, b.aeo, args...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(start)
	if cmd.ProcessState == nil {
		return 0, 0, fmt.Errorf("run aeo: %w", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		return 0, 0, fmt.Errorf("aeo %v: exit %d: %s", args, got, out)
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		rss = u.Maxrss * 1024
	}
	return took, rss, nil
}

// inclusion measures checking one proof, with all its signatures.
func (b *bench) inclusion(file, name string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	const times = 200
	start := time.Now()
	for range times {
		if _, err := ledger.OpenProof(text, nil); err != nil {
			return err
		}
	}
	b.results.AtMost(name+"check a proof, signatures included", ms(time.Since(start)/times), "ms", 1)
	return nil
}

// flipped flips one bit and measures until it is found at its entry.
func (b *bench) flipped(ctx context.Context, out, name string) error {
	bundle := b.entries / 2 / 256
	path := filepath.Join(out, "tile", "entries", fmt.Sprintf("%03d", bundle))
	if bundle >= 1000 {
		path = filepath.Join(out, "tile", "entries", fmt.Sprintf("x%03d", bundle/1000), fmt.Sprintf("%03d", bundle%1000))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	took, _, err := b.run(ctx, 1, "audit", "verify", out)
	if err != nil {
		return err
	}
	b.results.AtMost(name+"find a flipped bit", took.Seconds(), "s", 60)
	var rep ledger.Report
	cmd := exec.CommandContext(ctx, b.aeo, "audit", "verify", out, "-o", "json")
	text, err := cmd.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return err
	}
	if err := json.Unmarshal(text, &rep); err != nil {
		return err
	}
	if len(rep.Findings) != 1 || rep.Findings[0].From != int64(bundle*256) {
		return fmt.Errorf("the flipped bit was found as %v", rep.Findings)
	}
	return nil
}
