package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// trouble is a way to fail.
type trouble struct {
	// Latency is how long each request is held up, in milliseconds.
	Latency int `json:"latency,omitempty"`
	// Failing is the share of requests that fail.
	Failing float64 `json:"failing,omitempty"`
	// Burn is how many processors are kept busy.
	Burn int `json:"burn,omitempty"`
	// Leak is how much memory is lost, in MiB a second.
	Leak int `json:"leak,omitempty"`
	// Exit ends the process.
	Exit bool `json:"exit,omitempty"`
}

// faults let a service be told how to fail, so that failures can be rehearsed. They
// are there only if FAULTS is "on".
type faults struct {
	log  *slog.Logger
	exit func()
	now  atomic.Pointer[trouble]

	mu   sync.Mutex
	stop context.CancelFunc
	lost [][]byte
}

func newFaults(log *slog.Logger) *faults {
	f := &faults{log: log, exit: func() { os.Exit(1) }, stop: func() {}}
	f.now.Store(&trouble{})
	return f
}

// ServeHTTP takes a trouble, which stays until another one comes; the same again
// changes nothing.
func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var t trouble
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.set(t)
	w.WriteHeader(http.StatusNoContent)
}

func (f *faults) set(t trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *f.now.Load() == t {
		return
	}
	f.stop()
	f.lost = nil
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.now.Store(&t)
	for range t.Burn {
		go burn(ctx)
	}
	if t.Leak > 0 {
		go f.leak(ctx, t.Leak)
	}
	if t.Exit {
		f.log.Error("cannot go on", "error", "the table of prices is corrupt")
		time.AfterFunc(100*time.Millisecond, f.exit) // the answer goes first
	}
}

func burn(ctx context.Context) {
	for x := 1.0; ctx.Err() == nil; {
		for range 100_000 {
			x = x*1.0000001 + 1e-9
		}
	}
}

func (f *faults) leak(ctx context.Context, perSecond int) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		f.mu.Lock()
		if ctx.Err() == nil {
			f.lost = append(f.lost, block)
		}
		f.mu.Unlock()
	}
}

// around has requests suffer from what is wrong.
func (f *faults) around(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := f.now.Load()
		if t.Latency > 0 {
			took := time.Duration(t.Latency) * time.Millisecond
			took += time.Duration(rand.NormFloat64() * 0.2 * float64(took))
			time.Sleep(took)
			f.log.Warn("slow query", "took", took.String(), "trace_id", traceID(r.Context()))
		}
		if t.Failing > 0 && rand.Float64() < t.Failing {
			f.log.Error("cannot read the prices", "error", "no space left on device", "trace_id", traceID(r.Context()))
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		page(w, r)
	}
}
