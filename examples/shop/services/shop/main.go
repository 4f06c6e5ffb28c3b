// Command shop is the smallest program that behaves like the services of this
// repository: it serves pages, calls its neighbours, answers probes, measures and
// traces requests, and stops at settings that make no sense. SERVICE says which
// service it is, NEIGHBOURS whom it asks, LATENCY how long it dawdles, and ADDRESS
// where it listens. With FAULTS=on it can be told at /fault to fail in other ways.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// version is set by the linker.
var version = "1.0"

// service is one service of the shop.
type service struct {
	name       string
	neighbours []string
	currency   string
	latency    time.Duration
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
	s := &service{
		name: os.Getenv("SERVICE"), currency: os.Getenv("CURRENCY"), log: log,
		client: &http.Client{Timeout: 5 * time.Second, Transport: otelhttp.NewTransport(http.DefaultTransport)},
	}
	for n := range strings.FieldsSeq(os.Getenv("NEIGHBOURS")) {
		s.neighbours = append(s.neighbours, n)
	}
	switch s.currency {
	case "", "EUR", "USD", "GBP":
	default:
		return fmt.Errorf("CURRENCY is %q: it must be EUR, USD or GBP", s.currency)
	}
	if text := os.Getenv("LATENCY"); text != "" {
		var err error
		if s.latency, err = time.ParseDuration(text); err != nil || s.latency < 0 {
			return fmt.Errorf("LATENCY is %q: it must be a duration as in 250ms", text)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	done, err := traces(ctx, s.name)
	if err != nil {
		return fmt.Errorf("send traces: %w", err)
	}
	measured := newMeasures()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /metrics", measured.handler())
	page := s.page
	if os.Getenv("FAULTS") == "on" {
		f := newFaults(log)
		page = f.around(page)
		mux.Handle("PUT /fault", f)
	}
	mux.Handle("GET /{$}", measured.page("/", page))
	server := &http.Server{Addr: cmp.Or(os.Getenv("ADDRESS"), ":8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(end)
		_ = done(end) // the collector may be gone
	}()
	log.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}

// page answers with what the service is, and what its neighbours say.
func (s *service) page(w http.ResponseWriter, r *http.Request) {
	if s.latency > 0 {
		time.Sleep(s.latency)
		s.log.Warn("slow query", "took", s.latency.String(), "trace_id", traceID(r.Context()))
	}
	answer := map[string]any{"service": s.name, "version": version}
	if s.currency != "" {
		answer["currency"] = s.currency
	}
	status := http.StatusOK
	for _, n := range s.neighbours {
		body, err := s.ask(r.Context(), n)
		if err != nil {
			status = http.StatusBadGateway
			s.log.Warn("a neighbour does not answer", "neighbour", n, "error", err.Error(), "trace_id", traceID(r.Context()))
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

// traceID is that of the request at work, zeros if it is not traced.
func traceID(ctx context.Context) string {
	return trace.SpanContextFromContext(ctx).TraceID().String()
}
