package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// scrape is how far apart the samples are.
const scrape = 15 * time.Second

// shop is many services that count requests: ten a second, all good but of the
// one that is broken.
type shop struct {
	services int
	began    time.Time
	broken   atomic.Int64 // which one, from 1 on; 0 for none
	since    atomic.Int64 // in milliseconds
	// seen is when the broken one was first scraped, in milliseconds.
	seen atomic.Int64
}

// ServeHTTP has two counters for each service.
func (s *shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	out := bufio.NewWriterSize(w, 1<<16)
	defer out.Flush()
	now := time.Now()
	all := int64(1000 + 10*now.Sub(s.began).Seconds())
	broken, bad := int(s.broken.Load()), int64(0)
	if broken > 0 {
		bad = int64(10 * now.Sub(time.UnixMilli(s.since.Load())).Seconds())
		if bad > 0 {
			s.seen.CompareAndSwap(0, now.UnixMilli())
		}
	}
	fmt.Fprintln(out, "# TYPE requests_total counter")
	for i := range s.services {
		b := int64(0)
		if i+1 == broken {
			b = bad
		}
		fmt.Fprintf(out, "requests_total{service=\"svc-%05d\",code=\"200\"} %d\nrequests_total{service=\"svc-%05d\",code=\"500\"} %d\n", i, all-b, i, b)
	}
}

// alerts takes the place of an Alertmanager.
type alerts struct {
	mu sync.Mutex
	// told is when an objective's burn first came.
	told map[string]time.Time
	all  int
}

// ServeHTTP notes which alerts come.
func (a *alerts) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var list []struct {
		Labels map[string]string `json:"labels"`
	}
	if json.NewDecoder(r.Body).Decode(&list) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range list {
		a.all++
		if k := x.Labels["alertname"] + "/" + x.Labels["objective"]; a.told[k].IsZero() {
			a.told[k] = time.Now()
		}
	}
}

func (a *alerts) at(k string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.told[k]
}

// listen serves on an address of this machine.
func listen(h http.Handler) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", func() {}, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // it ends with stop
	return l.Addr().String(), func() { _ = s.Close() }, nil
}

// sources starts the services, a Prometheus that scrapes them, and what takes
// alerts.
func (b *bench) sources(ctx context.Context) (stop func(), err error) {
	var all []func()
	stop = func() {
		for _, f := range all {
			f()
		}
	}
	programs, err := prometheustest.Find()
	if err != nil {
		return stop, err
	}
	b.shop = &shop{services: b.objectives, began: time.Now()}
	address, end, err := listen(b.shop)
	if all = append(all, end); err != nil {
		return stop, err
	}
	b.alerts = &alerts{told: map[string]time.Time{}}
	if b.alertsURL, end, err = listen(b.alerts); err != nil {
		return stop, err
	}
	all = append(all, end)
	dir := filepath.Join(b.dir, "prometheus")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return stop, err
	}
	config := fmt.Sprintf("global: {scrape_interval: %s}\nscrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]\n", scrape, address)
	if b.source, err = prometheustest.Start(ctx, programs, dir, config); err != nil {
		return stop, err
	}
	all = append(all, func() { _ = b.source.Stop() })
	return stop, nil
}

// page reads the sums of metrics whose lines begin with each of the prefixes.
func page(ctx context.Context, url string, prefixes ...string) (map[string]float64, error) {
	out := map[string]float64{}
	return out, lines(ctx, http.DefaultClient, url, func(line string, value float64) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				out[p] += value
			}
		}
	})
}

// lines calls f with each sample of a page of metrics.
func lines(ctx context.Context, client *http.Client, url string, f func(name string, value float64)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r, err := client.Do(request)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text := bufio.NewScanner(r.Body)
	text.Buffer(nil, 1<<20)
	for text.Scan() {
		line := text.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(line[cut+1:], 64); err == nil {
			f(line[:cut], v)
		}
	}
	return text.Err()
}

// What Prometheus says of itself.
const (
	instant = `prometheus_http_requests_total{code="200",handler="/api/v1/query"}`
	ranges  = `prometheus_http_requests_total{code="200",handler="/api/v1/query_range"}`
	spent   = `process_cpu_seconds_total`
)
