package otlp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/autoecoops/autoecoops/fault"
)

// Server receives OTLP. Make one with New.
type Server struct {
	options Options
	slots   *slots
}

// New returns a server. It listens to nothing yet.
func New(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Server{options: o, slots: newSlots(o.MaxRequests, o.Patience)}, nil
}

// Serve answers on the two listeners, of which one may be nil, until ctx is
// done. Then it takes nothing new, waits for what is under way, at most as long
// as the options say, and returns nil. It closes the listeners.
func (s *Server) Serve(ctx context.Context, grpcListener, httpListener net.Listener) error {
	failed := make(chan error, 2)
	stops := []func(){}
	if grpcListener != nil {
		server := s.grpcServer()
		go func() { failed <- server.Serve(bound(grpcListener, s.options.MaxConnections)) }()
		stops = append(stops, func() { stopGRPC(server, s.options.Grace) })
	}
	if httpListener != nil {
		server := &http.Server{
			Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		}
		l := bound(httpListener, s.options.MaxConnections)
		if s.options.TLS != nil {
			c := s.options.TLS.Clone()
			c.NextProtos = []string{"http/1.1"}
			l = tls.NewListener(l, c)
		}
		go func() { failed <- server.Serve(l) }()
		stops = append(stops, func() {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
			defer cancel()
			if server.Shutdown(grace) != nil {
				_ = server.Close() // what is still open had its time
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fault.Wrap(fault.Unavailable, "receive OTLP", "", err, "is the address in use?")
	}
	done := make(chan struct{})
	for _, stop := range stops {
		go func() { stop(); done <- struct{}{} }()
	}
	for range stops {
		<-done
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// stopGRPC waits for requests that are under way, and ends them after the grace.
func stopGRPC(server *grpc.Server, grace time.Duration) {
	t := time.AfterFunc(grace, server.Stop)
	defer t.Stop()
	server.GracefulStop()
}
