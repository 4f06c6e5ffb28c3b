package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// sends has a Prometheus scrape 5,000 series each second and send them on to what aeod
// keeps metrics in, and counts what came.
func (b *bench) sends(ctx context.Context, programs prometheustest.Programs) (err error) {
	const (
		series  = 5000
		seconds = 20
	)
	var scrapes atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := scrapes.Add(1)
		if n > seconds {
			http.Error(w, "that was all", http.StatusGone)
			return
		}
		for i := range series {
			fmt.Fprintf(w, "made_total{app=\"service-%d\",pod=\"pod-%d\"} %d\n", i/10, i, n*int64(i))
		}
	}))
	defer target.Close()
	dir, err := b.folder("received")
	if err != nil {
		return err
	}
	var settings metrics.Settings
	settings.Store.Dir = dir
	keeper, err := metrics.New(settings)
	if err != nil {
		return err
	}
	ours := httptest.NewServer(keeper.Handler())
	defer func() {
		ours.Close()
		err = errors.Join(err, keeper.Close())
	}()
	if dir, err = b.folder("sender"); err != nil {
		return err
	}
	began := time.Now()
	theirs, err := prometheustest.Start(ctx, programs, dir, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs: [{job_name: made, static_configs: [{targets: [%q]}]}]
remote_write: [{url: %q, queue_config: {batch_send_deadline: 1s}}]
`, strings.TrimPrefix(target.URL, "http://"), ours.URL+"/api/v1/write"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.Stop()) }()
	const expr = `sum(count_over_time(made_total[10m]))`
	count := func(url string) string {
		text, err := query(ctx, url, expr, time.Now().Add(-time.Second), time.Now())
		if err != nil || len(text) != 1 {
			return "nothing"
		}
		return text[0][strings.LastIndexByte(text[0], ':')+1:]
	}
	want := fmt.Sprint(series * seconds)
	for deadline := time.Now().Add(90 * time.Second); count(ours.URL) != want; {
		if time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	took := time.Since(began)
	var kept, sent float64
	if _, err := fmt.Sscan(count(ours.URL), &kept); err != nil {
		return err
	}
	if _, err := fmt.Sscan(count(theirs.URL), &sent); err != nil {
		return err
	}
	b.AtMost(fmt.Sprintf("samples that Prometheus has and did not come by remote write, of %.0f", sent), sent-kept, "", 0)
	b.Note("seconds until all of 20 seconds had come", took.Seconds(), "s")
	return nil
}
