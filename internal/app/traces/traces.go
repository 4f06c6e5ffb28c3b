// Package traces wires the plane's window of traces to the receiver that fills
// it, and to the stores that keep traces longer.
package traces

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/adapter/tempo"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// Settings say where spans come in and how many are kept. What is zero is as
// usual.
type Settings struct {
	// GRPC and HTTP are the addresses to listen at, as in 127.0.0.1:4317 and
	// 127.0.0.1:4318; "" listens to none.
	GRPC, HTTP string
	Window     trace.Options
	// Receiver are the bounds of the receiver; its Traces and Others are set here.
	Receiver otlp.Options
}

// Receiver fills a window with what is pushed to it.
type Receiver struct {
	Window   *trace.Window
	settings Settings
	server   *otlp.Server
	now      func() time.Time
}

// New returns a receiver that listens to nothing yet.
func New(s Settings, now func() time.Time) (*Receiver, error) {
	w, err := trace.NewWindow(s.Window)
	if err != nil {
		return nil, err
	}
	s.Receiver.Traces, s.Receiver.Others = otlp.Into(w, now), jaeger.Handler(w)
	server, err := otlp.New(s.Receiver)
	if err != nil {
		return nil, err
	}
	return &Receiver{Window: w, settings: s, server: server, now: now}, nil
}

// Handler answers OTLP over HTTP, and who asks for traces as of a Jaeger, without an
// address of its own.
func (r *Receiver) Handler() http.Handler { return r.server.Handler() }

// Serve takes spans, and answers who asks for them at the HTTP address, until ctx is done. The window's time goes on also while
// none come: that is how silence is seen.
func (r *Receiver) Serve(ctx context.Context) error {
	var listeners [2]net.Listener
	for i, address := range [...]string{r.settings.GRPC, r.settings.HTTP} {
		if address == "" {
			continue
		}
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			for _, open := range listeners {
				if open != nil {
					err = errors.Join(err, open.Close())
				}
			}
			return fault.Wrap(fault.Unavailable, "receive spans at", address, err, "is the address in use?")
		}
		listeners[i] = l
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				r.Window.Advance(r.now())
			case <-ctx.Done():
				return
			}
		}
	}()
	return r.server.Serve(ctx, listeners[0], listeners[1])
}

// Decode reads spans in OpenTelemetry's protocol, from protobuf or from JSON;
// dropped is how many there were that it did not read.
func Decode(message []byte, json bool) (spans []trace.Span, dropped int, err error) {
	read := otlp.Decode
	if json {
		read = otlp.DecodeJSON
	}
	b, err := read(message)
	return b.Spans, b.Dropped, err
}

// Tempo returns a store of traces that is a Tempo.
func Tempo(o tempo.Options) (trace.Store, error) {
	o.Decode = Decode
	return tempo.New(o)
}

// Jaeger returns a store of traces that is a Jaeger.
func Jaeger(o jaeger.Options) (trace.Store, error) { return jaeger.New(o) }
