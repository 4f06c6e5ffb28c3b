package metrics_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// TestRun answers at an address with few connections, ends in order, and can be opened
// again; an address in use is said.
func TestRun(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := free.Addr().String(), t.TempDir()
	s := metrics.Settings{Listen: address, MaxConnections: 2, Store: tsdb.Options{Dir: dir}, Follow: &metrics.FollowOptions{Interval: time.Second}}
	k, err := metrics.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("an address in use: %v", err)
	}
	_ = free.Close()
	if k, err = metrics.New(s); err != nil {
		t.Fatalf("opened again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	get := func() int {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
		res, err := c.Get("http://" + address + "/-/healthy")
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	for end := time.Now().Add(10 * time.Second); get() != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody answers")
		}
	}
	// More connections than there may be wait, and those that went make room.
	for range 5 {
		if code := get(); code != http.StatusOK {
			t.Errorf("%d", code)
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	silent, err := metrics.New(metrics.Settings{Store: tsdb.Options{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := silent.Run(ended); err != nil {
		t.Error(err)
	}
}
