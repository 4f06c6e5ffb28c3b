package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
)

// How aeod is sent to and looks, as it does if nothing else is said.
const (
	sent   = 15 * time.Second
	looked = 30 * time.Second
	pods   = 4
)

// asShipped measures what aeod does with the same messages: the receiver puts samples
// into the store, and every 30 seconds the follower asks the store in PromQL for the
// signals of so many services, and judges them. Each has five series in each of four
// pods, of which four signals come.
func asShipped(r *record.Results, services int) error {
	dir, err := os.MkdirTemp("", "bench-observe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const before, measured = 90 * time.Minute, 20 * time.Minute
	now := time.Now().Truncate(looked).Add(-before - measured)
	var seen observe.Report
	set := metrics.Settings{Follow: &metrics.FollowOptions{
		Interval: looked, Now: func() time.Time { return now },
		Habits: metrics.Habits{History: before}, Hooks: metrics.Hooks{Looked: func(r observe.Report) { seen = r }},
	}}
	set.Store.Dir = dir
	k, err := metrics.New(set)
	if err != nil {
		return err
	}
	defer k.Close()
	app := newShop(services)
	send := func() (time.Duration, error) {
		m, err := message(app.names, now.UnixMilli(), app.next)
		if err != nil {
			return 0, err
		}
		req := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(m))
		req.Header.Set("Content-Type", "application/x-protobuf")
		req.Header.Set("Content-Encoding", "snappy")
		w, start := httptest.NewRecorder(), processor()
		if k.Handler().ServeHTTP(w, req); w.Code != http.StatusNoContent {
			return 0, fmt.Errorf("aeod answers %d: %s", w.Code, w.Body)
		}
		return processor() - start, nil
	}
	look := func() (time.Duration, error) {
		start := processor()
		err := k.Follower().Step(context.Background())
		return processor() - start, err
	}
	for end := now.Add(before); now.Before(end); now = now.Add(sent) {
		if _, err := send(); err != nil {
			return err
		}
	}
	if _, err := look(); err != nil { // learns what was
		return err
	}
	var receiving, looking time.Duration
	var looks []time.Duration
	for end := now.Add(measured); now.Before(end); {
		for range looked / sent {
			took, err := send()
			if err != nil {
				return err
			}
			receiving += took
			now = now.Add(sent)
		}
		took, err := look()
		if err != nil {
			return err
		}
		looking += took
		looks = append(looks, took)
	}
	signals := seen.Count(observe.Normal) + seen.Count(observe.Abnormal)
	if signals != 4*services {
		return fmt.Errorf("of %d services %d signals are judged, not %d", services, signals, 4*services)
	}
	slices.Sort(looks)
	samples := float64(len(app.names)) * float64(measured/sent)
	of := fmt.Sprintf(", %d series, %d signals", len(app.names), signals)
	r.Note("as aeod ships: samples a second on a core from a packed message to what is told, store and PromQL between"+of, samples/(receiving+looking).Seconds(), "/s")
	r.Note("as aeod ships: of that time, the share of receiving and storing"+of, receiving.Seconds()/(receiving+looking).Seconds(), "")
	r.Note("as aeod ships: one look, each 30 s, median"+of, looks[len(looks)/2].Seconds(), "s")
	r.Note("as aeod ships: one look, each 30 s, worst"+of, looks[len(looks)-1].Seconds(), "s")
	return nil
}

// shop is what services tell of themselves.
type shop struct {
	names  []labels.Labels
	values []float64
	random *rand.Rand
}

// kinds are the series of a pod, and by how much one grows between two messages: that
// of memory is none that grows, and of it this is the value.
var kinds = []struct {
	name, code  string
	mean, noise float64
}{
	{"http_server_request_duration_seconds_count", "200", 600, 40},
	{"http_server_request_duration_seconds_count", "503", 6, 2},
	{"http_server_request_duration_seconds_sum", "200", 18, 2},
	{"http_server_request_duration_seconds_sum", "503", 0.1, 0.02},
	{"container_memory_working_set_bytes", "", 200 << 20, 4 << 20},
}

func newShop(services int) *shop {
	s := &shop{random: rand.New(rand.NewPCG(1, 2))}
	for i := range services {
		for p := range pods {
			name := fmt.Sprint("service-", i)
			pod := fmt.Sprintf("%s-7d9c5b8f6d-x%c%c2p", name, 'a'+i%26, 'a'+p)
			for _, k := range kinds {
				l := []string{"__name__", k.name, "namespace", "shop", "pod", pod}
				if k.code == "" {
					l = append(l, "container", "main")
				} else {
					l = append(l, "workload", name, "http_route", "/orders/{id}", "http_request_method", "GET", "http_response_status_code", k.code)
				}
				s.names = append(s.names, labels.FromStrings(l...))
			}
		}
	}
	s.values = make([]float64, len(s.names))
	return s
}

// next is the next value of a series.
func (s *shop) next(i int) float64 {
	k := kinds[i%len(kinds)]
	v := max(0, k.mean+k.noise*s.random.NormFloat64())
	if k.code == "" {
		return v
	}
	s.values[i] += math.Round(v*1000) / 1000
	return s.values[i]
}
