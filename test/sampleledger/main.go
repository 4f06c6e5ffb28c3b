// Command sampleledger writes the export of a small made-up ledger, to try
// attacks on, and beside it what an auditor would have: a checkpoint that was
// kept, the log's public key, a witness's public key. The signing key is there
// too, for the attacks of somebody who has it.
//
// Usage: go run ./test/sampleledger -out DIR [-entries 200] [-seed 1]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func main() {
	out := flag.String("out", "", "the folder to write, new or empty")
	entries := flag.Int("entries", 200, "how many entries")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "makes the history")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "say where to write: make sample-ledger OUT=DIR")
		os.Exit(2)
	}
	if err := write(context.Background(), filepath.Clean(*out), *entries, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "sampleledger:", err)
		os.Exit(1)
	}
}

// sample is a ledger in the making.
type sample struct {
	store  ledger.Memory
	ledger *ledger.Ledger
	clock  ledgertest.Clock
	log    *ledger.Key
}

func write(ctx context.Context, out string, n int, seed uint64) (err error) {
	key, secret, err := ledger.GenerateKey(nil, "shop.example/ledger")
	if err != nil {
		return err
	}
	witness, _, err := ledger.GenerateKey(nil, "witness.example/auditor")
	if err != nil {
		return err
	}
	s := &sample{}
	if s.log, err = ledger.ParseKey(key.Public()); err != nil {
		return err
	}
	// The history ends now, so that its times look real.
	records := ledgertest.History(rand.New(rand.NewPCG(seed, 0)), time.Now(), n)
	shift := time.Until(records[n-1].Time)
	s.clock.Set(records[0].Time.Add(-shift))
	if s.ledger, err = ledger.Open(ctx, &s.store, ledger.Options{Key: key, Now: s.clock.Now, CheckpointEntries: 20}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.ledger.Close()) }()
	kept, err := s.fill(ctx, records, -shift)
	if err != nil {
		return err
	}
	if err := s.cosign(ctx, witness); err != nil {
		return err
	}
	folder, done, err := audit.Ledgers{}.NewExport(out)
	if err != nil {
		return err
	}
	if _, err := ledger.Export(ctx, &s.store, folder, nil); err != nil {
		return errors.Join(err, done())
	}
	if err := done(); err != nil {
		return err
	}
	beside := out + ".kept"
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"checkpoint.txt": string(kept.Note), "log.vkey": key.Public() + "\n", "witness.vkey": witness.Witness() + "\n", "signing.key": secret + "\n"} {
		if err := os.WriteFile(filepath.Join(beside, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("%d entries are in %s; what an auditor kept is in %s (seed %d). Check them:\n", n, out, beside, seed)
	fmt.Printf("  aeo audit verify %s\n", out)
	fmt.Printf("  aeo audit verify %s --key %[2]s/log.vkey --checkpoint %[2]s/checkpoint.txt --witness %[2]s/witness.vkey\n", out, beside)
	return nil
}

// fill appends the records, moved by a time, and returns the checkpoint at
// three quarters of them.
func (s *sample) fill(ctx context.Context, records []ops.Record, by time.Duration) (kept *ledger.Checkpoint, err error) {
	for i, r := range records {
		r.Time = r.Time.Add(by)
		s.clock.Set(r.Time)
		if _, err := s.ledger.Append(ctx, r); err != nil {
			return nil, err
		}
		if i == len(records)*3/4 || i == len(records)-1 {
			c, err := s.ledger.Checkpoint(ctx)
			if err != nil {
				return nil, err
			}
			if kept == nil {
				kept = c
			}
		}
	}
	return kept, nil
}

// cosign has the witness cosign the newest checkpoint.
func (s *sample) cosign(ctx context.Context, witness *ledger.SigningKey) error {
	c, err := ledger.Newest(ctx, &s.store, 1)
	if err != nil {
		return err
	}
	signed, err := ledger.Cosign(witness, s.log, nil, c.Note, nil, s.clock.Now())
	if err != nil {
		return err
	}
	w, err := ledger.ParseKey(witness.Witness())
	if err != nil {
		return err
	}
	_, err = s.ledger.Cosign(ctx, signed, w)
	return err
}
