package metrics_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"

	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/stream"
)

// soon fails unless something is so within a while.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(25 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// TestWatchScraped watches what is scraped, kept or not, and calls it silent when its
// target is gone.
func TestWatchScraped(t *testing.T) {
	for _, alone := range []bool{false, true} {
		target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte("http_requests_total{code=\"200\"} 7\nhttp_requests_total{code=\"500\"} 1\ntemperature 21.5\n"))
		}))
		file := filepath.Join(t.TempDir(), "targets.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "- targets: [%q]\n  labels: {namespace: shop}\n", strings.TrimPrefix(target.URL, "http://")), 0o600); err != nil {
			t.Fatal(err)
		}
		w := watched(t, metrics.WatchOptions{Alone: alone}, metrics.Settings{Scrape: scrape.Options{File: file, Interval: time.Second}})
		go w.Scrape(t.Context())
		soon(t, "two series and no more are scraped", func() bool { return w.Watcher().Followed() == 2 })
		until(t, w.url, "temperature", 1)
		until(t, w.url, "http_requests_total", map[bool]int{false: 2, true: 0}[alone])
		soon(t, "several scrapes", func() bool { return w.count(`aeo_observe_watched_samples_total{verdict="learning"}`) > 3 })
		target.Close()
		soon(t, "the target is gone", func() bool { return w.count(`aeo_observe_watched_series{state="silent"}`) == 2 })
	}
}

// TestWatchTogether has several send at a time, some of them the same series.
func TestWatchTogether(t *testing.T) {
	w := watched(t, metrics.WatchOptions{})
	var wg sync.WaitGroup
	for g := range 4 {
		m := func(n int) *prompb.WriteRequest {
			m := &prompb.WriteRequest{}
			for i := range 20 {
				who := fmt.Sprint("w", g, "-", i)
				if i == 0 {
					who = "everybody's"
				}
				m.Timeseries = append(m.Timeseries, prompb.TimeSeries{
					Labels:  labelsOf("__name__", "http_x_total", "namespace", "shop", "workload", who),
					Samples: []prompb.Sample{{Value: float64(n), Timestamp: time.Now().Add(-time.Minute).UnixMilli() + int64(n)*100}},
				})
			}
			return m
		}
		wg.Go(func() {
			for n := range 50 {
				if _, err := w.Receiver().Take(t.Context(), m(n)); err != nil {
					t.Error(err)
				}
				w.Watcher().Tell()
			}
		})
	}
	wg.Wait()
	if n := w.Watcher().Followed(); n != 4*19+1 {
		t.Errorf("%d series", n)
	}
}

// TestWatchStorm: when all goes wrong together it is told once for each workload, with how
// many of its series.
func TestWatchStorm(t *testing.T) {
	w := watched(t, metrics.WatchOptions{Alone: true})
	s := &prompb.WriteRequest{}
	for i := range 200 {
		s.Timeseries = append(s.Timeseries, prompb.TimeSeries{
			Labels: labelsOf("__name__", "http_load_total", "namespace", "shop", "workload", fmt.Sprint("w", i%4), "pod", fmt.Sprint(i)), Samples: make([]prompb.Sample, 1),
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	at := time.Now().Add(-2 * time.Hour).UnixMilli()
	for n := range 400 {
		at += 15_000
		for i := range s.Timeseries {
			x := &s.Timeseries[i].Samples[0]
			x.Timestamp = at
			x.Value += 100 + 5*random.NormFloat64()
			if n > 380 {
				x.Value += 5000
			}
		}
		if refused, err := w.Receiver().Take(t.Context(), s); refused > 0 || err != nil {
			t.Fatal(refused, err)
		}
	}
	w.Watcher().Tell()
	if n := w.count(`aeo_observe_watched_anomalies{namespace="shop",workload="w3"}`); n < 45 || n > 50 {
		t.Errorf("%d of 50 series of a workload are abnormal", n)
	}
	series := 0
	for _, n := range w.news {
		if n.What != stream.Began {
			t.Errorf("%+v", n)
		}
		series += n.Series
	}
	if len(w.news) != 4 || series < 190 {
		t.Errorf("%d pieces of news of %d series", len(w.news), series)
	}
}

// TestWatchTakesNoMemory: a message takes as many allocations with a thousand samples as
// with one, but for what is made anew after a collection of garbage.
func TestWatchTakesNoMemory(t *testing.T) {
	w := watched(t, metrics.WatchOptions{Alone: true})
	allocations := func(series int) float64 {
		s := newSender(series)
		m := s.next(-1)
		next := func() {
			for i := range m.Timeseries {
				m.Timeseries[i].Samples[0].Timestamp += 1000
				m.Timeseries[i].Samples[0].Value += float64(i % 7)
			}
			if refused, err := w.Receiver().Take(t.Context(), m); refused > 0 || err != nil {
				t.Fatal(refused, err)
			}
		}
		for range 200 {
			next()
		}
		return testing.AllocsPerRun(20, next)
	}
	if one, many := allocations(1), allocations(1000); one > 30 || many > one+30 {
		t.Errorf("%.1f allocations with one sample, %.1f with a thousand", one, many)
	}
}

// TestWatchRuns: while it runs news is told by itself, and what was learned is kept when it
// ends.
func TestWatchRuns(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "watched.kept")
	w := watched(t, metrics.WatchOptions{Alone: true, Keep: keep}, metrics.Settings{Listen: "127.0.0.1:0"})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	s := newSender(5)
	for n := range 320 {
		fault := -1
		if n > 300 {
			fault = 2
		}
		if _, err := w.Receiver().Take(t.Context(), s.next(fault)); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "nothing is told", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.news) == 1
	})
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	again := watched(t, metrics.WatchOptions{Keep: keep})
	again.measures(t, `aeo_observe_watched_series{state="normal"} 4`, `aeo_observe_watched_series{state="abnormal"} 1`, `aeo_observe_watched_kept 1`)
}

// TestWatchForgets: where there is no room, who was silent for an hour makes it, which the
// log says, and then all that are picked are watched again.
func TestWatchForgets(t *testing.T) {
	var log bytes.Buffer
	now := time.Now().Truncate(time.Hour)
	w := watched(t, metrics.WatchOptions{MaxSeries: 10, Alone: true, Now: func() time.Time { return now }}, metrics.Settings{Log: slog.New(slog.NewTextHandler(&log, nil))})
	gone, there := newSender(10), &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{Labels: labelsOf("__name__", "http_new_total", "namespace", "shop"), Samples: make([]prompb.Sample, 1)}}}
	w.send(t, gone.next(-1))
	for range 100 {
		now = now.Add(time.Minute)
		there.Timeseries[0].Samples[0].Timestamp = now.UnixMilli() - 7_200_000
		w.send(t, there)
		w.Watcher().Look(t.Context())
	}
	w.measures(t, `aeo_observe_watched_series{state="silent"} 0`, `aeo_observe_watched_series{state="learning"} 1`, `aeo_observe_watched_series_released_total 10`, `aeo_observe_watched_series_left 0`)
	var at []int
	for _, told := range []string{"more series to watch than may be", `not watched any more" series=10`, "all series that are picked are watched again"} {
		at = append(at, strings.Index(log.String(), told))
	}
	if at[0] < 0 || at[1] < at[0] || at[2] < at[1] {
		t.Errorf("%v in %s", at, log.String())
	}
}

// TestWatchFuture: a sample that is yet to come is refused and counted, though nobody would
// keep it.
func TestWatchFuture(t *testing.T) {
	w := watched(t, metrics.WatchOptions{Alone: true})
	m := newSender(1).next(-1)
	for _, at := range []time.Time{time.Now(), time.Now().Add(time.Hour)} {
		m.Timeseries[0].Samples[0].Timestamp = at.UnixMilli()
		_, _ = send(t, w.url, m)
	}
	if n := w.Store.Refused("write", "future"); n != 1 || w.Store.Accepted("write") != 0 {
		t.Errorf("%d refused, %d kept", n, w.Store.Accepted("write"))
	}
	w.measures(t, `aeo_observe_watched_samples_total{verdict="restarted"} 1`, `aeo_observe_watched_samples_total{verdict="late"} 0`)
}

// TestWatchPlanned: what is planned of a workload is no news, what is of another changes
// nothing.
func TestWatchPlanned(t *testing.T) {
	for planned, want := range map[string]int{"w7": 0, "w8": 1} {
		w := watched(t, metrics.WatchOptions{Alone: true, Habits: metrics.Habits{Planned: func() func(observe.Signal) func(time.Time) bool {
			return func(s observe.Signal) func(time.Time) bool {
				if s.Workload() != planned {
					return nil
				}
				return func(time.Time) bool { return true }
			}
		}}})
		s := newSender(10)
		for n := range 330 {
			fault := -1
			if n >= 300 {
				fault = 7
			}
			w.send(t, s.next(fault))
		}
		if w.Watcher().Tell(); len(w.news) != want {
			t.Errorf("%s is planned: %+v", planned, w.news)
		}
	}
}

// child names the folder of a watcher that is to be killed.
const child = "AEO_TEST_WATCH_CHILD"

// TestWatchKilled kills a process that watches, at any moment, also while it writes: what
// was kept last is taken up whole.
func TestWatchKilled(t *testing.T) {
	if dir := os.Getenv(child); dir != "" {
		watchUntilKilled(t, dir)
		return
	}
	const series = 300
	for try := range 3 {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWatchKilled$")
		cmd.Env = append(os.Environ(), child+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var last time.Time
		lines := bufio.NewScanner(out)
		for times := 0; times < 2+try && lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "kept "); ok {
				times++
				if last, err = time.Parse(time.RFC3339, text); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		_ = cmd.Process.Kill()
		for lines.Scan() { // what it had said before
			if text, ok := strings.CutPrefix(lines.Text(), "kept "); ok {
				if at, err := time.Parse(time.RFC3339, text); err == nil {
					last = at
				}
			}
		}
		_ = cmd.Wait()
		var log bytes.Buffer
		w, err := metrics.NewWatcher(metrics.WatchOptions{Selectors: []string{"http_requests_total"}, Keep: filepath.Join(dir, "watched.kept"), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(log.String(), " of=")
		at, _ := time.Parse(time.RFC3339, strings.TrimSpace(rest))
		if n := w.Followed(); n != series || last.IsZero() || at.Before(last) || strings.Contains(log.String(), "WARN") {
			t.Errorf("of %d series %d are taken up, of %s; it was kept at %s: %s", series, n, at, last, log.String())
		}
	}
}

// watchUntilKilled watches and keeps what it learned after every few messages, and says so.
func watchUntilKilled(t *testing.T, dir string) {
	s := newSender(300)
	w := watched(t, metrics.WatchOptions{Alone: true, Keep: filepath.Join(dir, "watched.kept"), KeepEvery: time.Nanosecond, Now: func() time.Time { return s.now }})
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		for range 5 {
			if _, err := w.Receiver().Take(t.Context(), s.next(-1)); err != nil {
				t.Fatal(err)
			}
		}
		w.Watcher().Look(t.Context())
		_, _ = io.WriteString(os.Stdout, "kept "+s.now.UTC().Format(time.RFC3339)+"\n")
	}
}
