package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/fault"
)

// Signals says what is taken in, kept and served of what workloads say: each part is
// off where it is not asked for.
type Signals struct {
	Spans   Spans
	Logs    Logs
	Metrics Metrics
	// Anomalies says what is followed for them.
	Anomalies Anomalies
}

// flags adds the settings' flags.
func (s *Signals) flags(f *pflag.FlagSet) {
	f.StringVar(&s.Spans.GRPC, "otlp-grpc", "", "the `ADDRESS` for traces of workloads, OTLP over gRPC; none if empty")
	f.StringVar(&s.Spans.HTTP, "otlp-http", "", "the `ADDRESS` for traces, OTLP over HTTP, and to ask for them as of a Jaeger; none if empty")
	f.StringVar(&s.Spans.TokenFile, "otlp-token-file", "", "a `FILE` with a bearer token that these two ask for; everybody may if empty")
	f.StringVar(&s.Logs.Listen, "logs-listen", "", "keep the newest lines of pods, and let them be asked for at this `ADDRESS` as of a Loki; none if empty")
	f.StringArrayVar(&s.Logs.Namespaces, "logs-namespace", nil, "keep the lines of this `NAMESPACE` only; may be repeated")
	f.StringVar(&s.Logs.Memory, "logs-memory", "64Mi", "the `MEMORY` for lines, packed")
	f.DurationVar(&s.Logs.Age, "logs-age", time.Hour, "how long a line is kept")
	f.StringVar(&s.Logs.TokenFile, "logs-token-file", "", "a `FILE` with a bearer token that --logs-listen asks for; everybody may if empty")
	s.Metrics.flags(f)
	s.Anomalies.flags(f)
}

// problems lists what is wrong.
func (s *Signals) problems(need func(ok bool, flag, why string)) {
	need(s.Spans.TokenFile == "" || s.Spans.wanted(), "otlp-token-file", "it is for --otlp-grpc and --otlp-http, of which none is given")
	s.Logs.problems(need)
	s.Metrics.problems(need)
}

// serveAt serves at an address until ctx ends; flag is the one to change where that
// does not go.
func serveAt(ctx context.Context, address, flag string, h http.Handler, log *slog.Logger) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "listen on", address, err, "choose another address with "+flag)
	}
	log.Info("serving", "address", l.Addr().String(), "for", strings.TrimLeft(flag, "-"))
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fault.Wrap(fault.Unavailable, "serve on", address, err, "")
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(end); err != nil {
		return errors.Join(s.Close(), nil)
	}
	return nil
}
