package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// ThanosProgram is Thanos: its sidecar and its querier are one program.
var ThanosProgram = Program{Name: "Thanos", Folder: "thanos", Package: "github.com/thanos-io/thanos/cmd/thanos", File: "thanos", Flags: "-mod=readonly -tags=slicelabels"}

// Thanos is a querier that reads from sidecars, each beside a Prometheus of its own. Only
// this machine reaches them.
type Thanos struct {
	// Prometheus are the addresses of what the sidecars read from.
	Prometheus []string
	// Sidecars may be stopped: they are the querier's stores, in the same order.
	Sidecars []*Process

	grpc []string
}

// StartThanos runs, until the test ends, a Prometheus for each folder, which has its blocks
// in data, and a sidecar for each of these. The n-th has the external label replica="n".
// Where Thanos is not built the test is skipped.
func StartThanos(t testing.TB, dirs ...string) *Thanos {
	t.Helper()
	ThanosProgram.Need(t)
	programs := prometheustest.Need(t)
	r := &Thanos{}
	for i, dir := range dirs {
		config := fmt.Sprintf("global: {scrape_interval: 1m, external_labels: {replica: '%d'}}\n", i)
		p, err := prometheustest.Start(t.Context(), programs, dir, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
		s, grpc, _ := thanos(t, "sidecar", "--prometheus.url="+p.URL, "--tsdb.path="+filepath.Join(dir, "data"))
		r.Prometheus, r.Sidecars, r.grpc = append(r.Prometheus, p.URL), append(r.Sidecars, s), append(r.grpc, grpc)
	}
	return r
}

// Query runs a querier of all sidecars until the test ends, with more arguments if given,
// and returns its address when all sidecars are its stores. It merges series that differ
// in the label replica alone. A strict one goes on to ask a store that is gone.
func (r *Thanos) Query(t testing.TB, strict bool, more ...string) string {
	t.Helper()
	return r.query(t, strict, append(more, "--query.replica-label=replica"))
}

// Apart runs a querier that is not told which label to merge by.
func (r *Thanos) Apart(t testing.TB) string {
	t.Helper()
	return r.query(t, true, nil)
}

func (r *Thanos) query(t testing.TB, strict bool, args []string) string {
	t.Helper()
	for _, s := range r.grpc {
		if strict {
			args = append(args, "--endpoint-strict="+s)
		} else {
			args = append(args, "--endpoint="+s)
		}
	}
	_, _, web := thanos(t, "query", args...)
	url := "http://" + web
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		all, err := stores(t.Context(), url)
		if err == nil && len(all) == len(r.grpc) {
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("the querier has %d of %d stores: %v", len(all), len(r.grpc), err)
		}
	}
}

// Dropped waits until a querier has noticed that one of its stores is gone.
func Dropped(t testing.TB, url string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		all, err := stores(t.Context(), url)
		for _, wrong := range all {
			if wrong != "" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the querier does not notice that a store is gone: ", err)
		}
	}
}

// stores are what is wrong with each store of a querier, "" if nothing is.
func stores(ctx context.Context, url string) (wrong []string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/stores", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var told struct {
		Data map[string][]struct {
			LastError string `json:"lastError"`
		} `json:"data"`
	}
	err = json.NewDecoder(res.Body).Decode(&told)
	for _, all := range told.Data {
		for _, s := range all {
			wrong = append(wrong, s.LastError)
		}
	}
	return wrong, err
}

// thanos runs one of Thanos' commands until the test ends, at a free address each for
// gRPC and HTTP.
func thanos(t testing.TB, command string, args ...string) (p *Process, grpc, web string) {
	t.Helper()
	var err error
	if grpc, err = Free(t.Context()); err != nil {
		t.Fatal(err)
	}
	if web, err = Free(t.Context()); err != nil {
		t.Fatal(err)
	}
	args = append([]string{command, "--grpc-address=" + grpc, "--http-address=" + web, "--log.level=warn"}, args...)
	p, err = ThanosProgram.Run(t.Context(), t.TempDir(), args, nil, func(ctx context.Context) bool { return Answers(ctx, "http://"+web+"/-/ready") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p, grpc, web
}
