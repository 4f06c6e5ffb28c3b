package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/remotewrite"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/test/storetest"
)

// TestPrometheus3Sends has a real Prometheus 3 send all that it may by remote write 2.0:
// what is kept is what it scraped, bit by bit, and it has nothing to complain of.
func TestPrometheus3Sends(t *testing.T) {
	need3(t)
	k, server := open(t, metrics.Settings{})
	between, from := tapped(t, server.URL), newShop(t)
	s := send3(t, from, between.URL, "")
	begin := from.open()
	from.seen(t, 6*time.Second)
	s.quiet(t)
	if n := s.failed(t); n != 0 || between.answers[http.StatusNoContent] == 0 || len(between.answers) != 1 {
		t.Errorf("%v given up, answers %v", n, between.answers)
	}
	for _, want := range []string{"METRIC_TYPE_COUNTER  Orders that were taken.", "METRIC_TYPE_GAUGE bytes How large a basket is.", "METRIC_TYPE_HISTOGRAM seconds How long one waits.", "METRIC_TYPE_HISTOGRAM  How long it takes."} {
		if !between.told[want] {
			t.Errorf("%q did not come with it: %v", want, between.told)
		}
	}
	theirs, ours := exemplars(t, s.URL, begin, "test"), exemplars(t, server.URL, begin, "")
	if len(theirs) == 0 || !slices.Equal(theirs, ours) {
		t.Errorf("%d exemplars sent, %d kept", len(theirs), len(ours))
	}
	if lines := s.complaints(t); len(lines) > 0 {
		t.Errorf("it complains: %q", lines)
	}
	sent, got := s.stop(t, begin), read(t, k.Store, begin, "")
	alike(t, sent, got)
	for what, pattern := range map[string]string{
		"counter": `__name__="orders_total"`, "histogram": `__name__="latency_seconds"`, "histogram of own buckets": `__name__="wait_seconds"`,
		"histogram of a rule": `__name__="latency"`, "other letters": "größe", "up": `__name__="up"`,
	} {
		if got.named(pattern) < 5 {
			t.Errorf("%s: %d samples", what, got.named(pattern))
		}
	}
	zero, stale := 0, 0
	for series, samples := range got {
		if strings.Contains(series, "orders_total") && strings.HasSuffix(samples[0], " 0000000000000000 (0)") {
			zero++
		}
		for _, v := range samples {
			if strings.HasSuffix(v, " ended") {
				stale++
			}
		}
	}
	if zero != 3 || stale < 10 {
		t.Errorf("%d counters begin with 0 at their beginning, %d marks of what ended", zero, stale)
	}
	t.Logf("%d messages: samples, histograms, exemplars %v; %d start times; %d zeros, %d marks of an end", len(between.messages), between.sent, between.started, zero, stale)
}

// TestPrometheus3LosesNothing has a receiver refuse for now, lose answers, be killed and
// end while a real Prometheus 3 sends to it.
func TestPrometheus3LosesNothing(t *testing.T) {
	if dir := os.Getenv("METRICS_TEST_DIR"); dir != "" {
		receive(t, dir, os.Getenv("METRICS_TEST_ADDRESS"))
		return
	}
	need3(t)
	address, err := storetest.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func() *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestPrometheus3LosesNothing$")
		c.Env = append(os.Environ(), "METRICS_TEST_DIR="+dir, "METRICS_TEST_ADDRESS="+address)
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	end := func(c *exec.Cmd, by syscall.Signal) {
		if err := c.Process.Signal(by); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
	}
	c := start()
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	between, from := tapped(t, "http://"+address), newShop(t)
	s := send3(t, from, between.URL, ", retry_on_http_429: true")
	begin := from.open()
	wait := func() { time.Sleep(1500 * time.Millisecond) }
	from.seen(t, time.Second)
	for _, does := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, cuts} {
		between.now(does)
		wait()
		between.now(passes)
		wait()
	}
	for _, by := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		end(c, by)
		wait()
		c = start()
		wait()
	}
	s.quiet(t)
	// An exemplar that comes again, since the answer was lost, is older than the newest: it
	// is told as late, though it is kept.
	if n := s.failed(t); n != s.told(t, "prometheus_remote_storage_exemplars_failed_total") {
		t.Errorf("%v given up", n)
	}
	for _, status := range []int{http.StatusNoContent, http.StatusServiceUnavailable, http.StatusTooManyRequests, cuts, http.StatusBadGateway} {
		if between.answers[status] == 0 {
			t.Errorf("no answer %d: %v", status, between.answers)
		}
	}
	theirs, ours := exemplars(t, s.URL, begin, "test"), exemplars(t, "http://"+address, begin, "")
	if len(theirs) == 0 || !slices.Equal(theirs, ours) {
		t.Errorf("%d exemplars sent, %d kept", len(theirs), len(ours))
	}
	end(c, syscall.SIGTERM)
	store, err := tsdb.Open(tsdb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	alike(t, s.stop(t, begin), read(t, store, begin, ""))
	t.Logf("%d messages, answers %v", len(between.messages), between.answers)
}

// receive keeps metrics as aeod does, until it is told to end.
func receive(t *testing.T, dir, address string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	k, err := metrics.New(metrics.Settings{Listen: address, Store: tsdb.Options{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestPrometheus3IsRefused has a real Prometheus 3 send samples in messages of which some
// come too late: those are counted, here and there, the others are kept, and no message
// comes twice.
func TestPrometheus3IsRefused(t *testing.T) {
	need3(t)
	k, server := open(t, metrics.Settings{Store: tsdb.Options{OutOfOrder: 5 * time.Second}})
	between, from := tapped(t, server.URL), newShop(t)
	ahead := time.Now().Add(2 * time.Minute).Unix()
	from.more = func(look int) string { // every other one is 20 s older than the newest
		return fmt.Sprintf("# TYPE late gauge\nlate %d %d\n", look, ahead+int64(look)-int64(look%2)*20)
	}
	s := send3(t, from, between.URL, "")
	begin := from.open()
	from.seen(t, 6*time.Second)
	s.quiet(t)
	sent, got := s.stop(t, begin), read(t, k.Store, begin, "")
	refused := int(k.Store.Refused("write", "old") + k.Store.Refused("write", "out_of_order"))
	missing := without(sent, got)
	if len(missing) < 5 || len(missing) != refused || len(without(got, sent)) > 0 {
		t.Errorf("%d missing, %d refused, %d more", len(missing), refused, len(without(got, sent)))
	}
	for _, v := range missing {
		if !strings.Contains(v, `__name__="late"`) {
			t.Errorf("missing: %s", v)
		}
	}
	if n := between.sent[0] - between.written[0]; n != refused || between.sent[1] != between.written[1] || between.sent[2] != between.written[2] {
		t.Errorf("sent %v, written %v, refused %d", between.sent, between.written, refused)
	}
	if len(between.refused) < 5 {
		t.Errorf("%d messages were refused in part", len(between.refused))
	}
	for key := range between.refused {
		if n := between.messages[key]; n != 1 {
			t.Errorf("a message that was refused came %d times", n)
		}
	}
	t.Logf("%d samples sent, %d kept, %d refused in %d of %d messages", sent.samples(), got.samples(), refused, len(between.refused), len(between.messages))
}

// TestPrometheus3SendsMuch has a real Prometheus 3 send by more ways at a time than there
// are places here: it waits, and gives nothing up.
func TestPrometheus3SendsMuch(t *testing.T) {
	need3(t)
	k, server := open(t, metrics.Settings{Write: remotewrite.Options{MaxRequests: 2}})
	between, from := tapped(t, server.URL), newShop(t)
	var many strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&many, "many{n=\"%d\",text=%q} 1\n", i, strings.Repeat("x", 100))
	}
	from.more = func(int) string { return "# TYPE many gauge\n" + many.String() }
	s := send3(t, from, between.URL, ", min_shards: 40, max_samples_per_send: 100, capacity: 300")
	begin := from.open()
	from.seen(t, 5*time.Second)
	s.quiet(t)
	if n := s.failed(t); n != 0 {
		t.Errorf("%v given up, answers %v", n, between.answers)
	}
	if k.Store.Refused("write", "busy") == 0 {
		t.Errorf("there was always a place: %v", between.answers)
	}
	alike(t, s.stop(t, begin), read(t, k.Store, begin, ""))
	t.Logf("%d messages, answers %v", len(between.messages), between.answers)
}

// TestPrometheus3IsPicked keeps a part of what a real Prometheus 3 sends: it does not take
// the rest for lost.
func TestPrometheus3IsPicked(t *testing.T) {
	need3(t)
	k, server := open(t, metrics.Settings{Write: remotewrite.Options{Accept: `{__name__="orders_total"}`}})
	between, from := tapped(t, server.URL), newShop(t)
	s := send3(t, from, between.URL, "")
	begin := from.open()
	from.seen(t, 4*time.Second)
	s.quiet(t)
	if n := s.failed(t); n != 0 || len(between.answers) != 1 {
		t.Errorf("%v given up, answers %v", n, between.answers)
	}
	if lines := s.complaints(t); len(lines) > 0 {
		t.Errorf("it complains: %.2q", lines)
	}
	sent, got := s.stop(t, begin), read(t, k.Store, begin, "")
	if n := got.named(`__name__="orders_total"`); n == 0 || n != got.samples() || n != sent.named(`__name__="orders_total"`) || k.Store.Refused("write", "unselected") == 0 {
		t.Errorf("%d of %d picked, %d sent, %d left out", n, got.samples(), sent.samples(), k.Store.Refused("write", "unselected"))
	}
}
