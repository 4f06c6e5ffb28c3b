// Command shop is the smallest program that behaves like the services of this
// repository: it serves pages, calls its neighbours, answers probes, counts
// requests, and stops at settings that make no sense. SERVICE says which
// service it is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "1.0"

// service is one service of the shop.
type service struct {
	name       string
	neighbours []string
	currency   string
	requests   atomic.Int64
	failures   atomic.Int64
	client     *http.Client
	log        *slog.Logger
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("service", os.Getenv("SERVICE"), "version", version)
	if err := run(log); err != nil {
		log.Error("cannot run", "error", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	s := &service{name: os.Getenv("SERVICE"), currency: os.Getenv("CURRENCY"), client: &http.Client{Timeout: 2 * time.Second}, log: log}
	for n := range strings.FieldsSeq(os.Getenv("NEIGHBOURS")) {
		s.neighbours = append(s.neighbours, n)
	}
	switch s.currency {
	case "", "EUR", "USD", "GBP":
	default:
		return fmt.Errorf("CURRENCY is %q: it must be EUR, USD or GBP", s.currency)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /{$}", s.page)
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
	}()
	log.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// page answers with what the service is, and what its neighbours say.
func (s *service) page(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	answer := map[string]any{"service": s.name, "version": version}
	if s.currency != "" {
		answer["currency"] = s.currency
	}
	status := http.StatusOK
	for _, n := range s.neighbours {
		body, err := s.ask(r.Context(), n)
		if err != nil {
			status = http.StatusBadGateway
			s.failures.Add(1)
			s.log.Warn("a neighbour does not answer", "neighbour", n, "error", err.Error(), "traceparent", r.Header.Get("traceparent"))
			answer[n] = "does not answer"
			continue
		}
		answer[n] = body
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

func (s *service) ask(ctx context.Context, neighbour string) (body any, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+neighbour, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return body, json.NewDecoder(res.Body).Decode(&body)
}

func (s *service) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE shop_requests_total counter\nshop_requests_total{service=%q} %d\n", s.name, s.requests.Load())
	fmt.Fprintf(w, "# TYPE shop_failures_total counter\nshop_failures_total{service=%q} %d\n", s.name, s.failures.Load())
}
