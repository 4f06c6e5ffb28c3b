package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
	"github.com/autoecoops/autoecoops/test/postgrestest"
)

// writers is how many callers append at the same time, each one record after
// the other, as the workers of an operator do.
const writers = 64

// rate appends for a while and returns what each acknowledgement took.
func rate(ctx context.Context, l *ledger.Ledger, writers int, span time.Duration) (perSecond float64, took []time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	start := time.Now()
	for w := range writers {
		wg.Go(func() {
			records := ledgertest.History(rand.New(rand.NewPCG(uint64(start.UnixNano()), uint64(w))), start, 256)
			var mine []time.Duration
			for i := 0; time.Since(start) < span; i++ {
				r := records[i%len(records)]
				r.Time, r.Key = time.Time{}, fmt.Sprintf("%d/%d/%d", start.UnixNano(), w, i)
				began := time.Now()
				if _, err := l.Append(ctx, r); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return float64(len(took)) / time.Since(start).Seconds(), took, errors.Join(errs...)
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// measured runs the rates of one ledger.
func (b *bench) measured(ctx context.Context, l *ledger.Ledger, name string, goals bool) error {
	// One second to warm up: files grow, plans are cached.
	if _, _, err := rate(ctx, l, writers, time.Second); err != nil {
		return err
	}
	per, took, err := rate(ctx, l, writers, b.span)
	if err != nil {
		return err
	}
	many := fmt.Sprintf("%s, %d writers", name, writers)
	if goals {
		b.results.AtLeast(many+": durable entries", per, "/s", 2000)
		b.results.AtMost(many+": acknowledgement, p99", ms(quantile(took, 0.99)), "ms", 100)
	} else {
		b.results.Note(many+": durable entries", per, "/s")
		b.results.Note(many+": acknowledgement, p99", ms(quantile(took, 0.99)), "ms")
	}
	b.results.Note(many+": acknowledgement, median", ms(quantile(took, 0.5)), "ms")
	per, took, err = rate(ctx, l, 1, b.span/4)
	if err != nil {
		return err
	}
	b.results.Note(name+", one writer: durable entries", per, "/s")
	b.results.Note(name+", one writer: acknowledgement, p99", ms(quantile(took, 0.99)), "ms")
	return nil
}

func (b *bench) sqlite(ctx context.Context) error {
	l, _, err := audit.Open(ctx, filepath.Join(b.dir, "rate.db"), audit.Options{Origin: "example.com/bench"})
	if err != nil {
		return err
	}
	return errors.Join(b.measured(ctx, l, "SQLite", true), l.Close())
}

// postgres measures a real server on this machine, with its own defaults.
func (b *bench) postgres(ctx context.Context) error {
	dir := filepath.Join(b.dir, "pg")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	server, err := postgrestest.Start(ctx, dir)
	if errors.Is(err, postgrestest.ErrNone) {
		fmt.Println("PostgreSQL is not measured:", err)
		return nil
	}
	if err != nil {
		return err
	}
	url, err := server.Create(ctx, "bench")
	if err != nil {
		return errors.Join(err, server.Stop())
	}
	l, _, err := audit.Open(ctx, url, audit.Options{Origin: "example.com/bench", KeyFile: filepath.Join(b.dir, "pg.key")})
	if err != nil {
		return errors.Join(err, server.Stop())
	}
	return errors.Join(b.measured(ctx, l, "PostgreSQL", false), l.Close(), server.Stop())
}

// batch makes records of a history whose times end now.
func batch(rng *rand.Rand, from, n int) []ops.Record {
	records := ledgertest.History(rng, time.Now(), n)
	for i := range records {
		records[i].Time = time.Time{}
		records[i].Key = fmt.Sprint(from + i)
	}
	return records
}
