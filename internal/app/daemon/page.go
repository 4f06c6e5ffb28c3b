package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// pages are what the daemon serves over HTTP.
type pages struct {
	ready atomic.Bool
	// checks are named conditions of readiness.
	checks map[string]func() error
	// notes are told too, and do not decide: what they are about must not keep from
	// being reached what works.
	notes map[string]func() error
	log   *slog.Logger
	mux   *http.ServeMux
}

func newPages(reg *prometheus.Registry, log *slog.Logger) *pages {
	p := &pages{checks: map[string]func() error{}, notes: map[string]func() error{}, log: log, mux: http.NewServeMux()}
	p.mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	p.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	p.mux.HandleFunc("GET /readyz", p.readyz)
	return p
}

func (p *pages) readyz(w http.ResponseWriter, r *http.Request) {
	text, ok := "", p.ready.Load()
	if !ok {
		text = "[-] running\n"
	}
	for name, check := range p.checks {
		mark := "[+] " + name + "\n"
		if err := check(); err != nil {
			ok, mark = false, "[-] "+name+": "+strings.ReplaceAll(deliver.Public(err), "\n", " ")+"\n"
		}
		text += mark
	}
	for name, check := range p.notes {
		mark := "[+] " + name + "\n"
		if err := check(); err != nil {
			mark = "[!] " + name + ": " + strings.ReplaceAll(deliver.Public(err), "\n", " ") + "; the rest works\n"
		}
		text += mark
	}
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if !ok || r.URL.Query().Has("verbose") {
		fmt.Fprint(w, text)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serve serves until ctx ends.
func (p *pages) serve(ctx context.Context, address string) error {
	if address == "" {
		<-ctx.Done()
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "listen on", address, err, "choose another address with --listen")
	}
	p.log.Info("serving", "address", l.Addr().String())
	s := &http.Server{
		Handler: p.mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fault.Wrap(fault.Unavailable, "serve on", address, err, "")
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Unavailable, "end the pages", "", err, "")
	}
	return nil
}

// applications has it told why they are not known. Only who has never read them is not
// ready: one that knows them works on while they cannot be followed.
func (p *pages) applications(store *kube.Applications) {
	p.checks["applications"] = func() error {
		if store.Synced() {
			return nil
		}
		return store.Err()
	}
	p.notes["following applications"] = func() error {
		if !store.Synced() {
			return nil // told above
		}
		return store.Err()
	}
}
