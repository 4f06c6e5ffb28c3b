package otlp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // exporters compress with it
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
)

// The methods of OpenTelemetry's services.
const (
	tracesService  = "opentelemetry.proto.collector.trace.v1.TraceService"
	metricsService = "opentelemetry.proto.collector.metrics.v1.MetricsService"
	logsService    = "opentelemetry.proto.collector.logs.v1.LogsService"
)

// grpcServer returns a server with the services that are taken.
func (s *Server) grpcServer() *grpc.Server {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(raw{}),
		grpc.MaxRecvMsgSize(s.options.MaxMessage),
		grpc.MaxConcurrentStreams(uint32(s.options.MaxRequests)),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.InTapHandle(s.admit),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute, Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
	if s.options.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.options.TLS)))
	}
	server := grpc.NewServer(options...)
	register := func(name string, do export) {
		server.RegisterService(&grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: method(do)}}}, s)
	}
	register(tracesService, s.traces)
	if s.options.Metrics != nil {
		register(metricsService, s.metrics)
	}
	if s.options.Logs != nil {
		register(logsService, s.logs)
	}
	return server
}

// admit is asked before anything of a message is read: it lets in who may come,
// while there is a slot. The slot is free again when the request's context has
// ended and nothing is done for it any more, which can be later.
func (s *Server) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	header := ""
	if all := info.Header.Get("authorization"); len(all) > 0 {
		header = all[0]
	}
	if !allowed(header, s.options.Token) {
		return ctx, status.Error(codes.Unauthenticated, "a bearer token is needed")
	}
	from := ""
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	release, ok := s.slots.tryTake(from)
	if !ok {
		s.options.Traces.Refused(1)
		return ctx, s.busy("too many requests at a time")
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.MaxTime)
	h := &hold{users: 1, release: release}
	context.AfterFunc(ctx, func() {
		cancel()
		h.drop()
	})
	return context.WithValue(ctx, holdKey{}, h), nil
}

// hold is a slot with those who use it: the request, as long as its sender
// waits, and the one who deals with it.
type hold struct {
	mu      sync.Mutex
	users   int
	release func()
}

type holdKey struct{}

// take adds a user; ok is false if the slot is free already.
func (h *hold) take() (ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users == 0 {
		return false
	}
	h.users++
	return true
}

func (h *hold) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users--; h.users == 0 {
		h.release()
	}
}

func method(do export) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if h, ok := ctx.Value(holdKey{}).(*hold); ok {
			if !h.take() {
				return nil, status.FromContextError(ctx.Err()).Err()
			}
			defer h.drop()
		}
		var m message
		if err := decode(&m); err != nil {
			return nil, err
		}
		return do(ctx, m, false)
	}
}

// message is a request as it came.
type message []byte

// raw is a codec that leaves requests as they are, and marshals answers.
type raw struct{}

var _ encoding.CodecV2 = raw{}

// Name implements encoding.CodecV2.
func (raw) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	text, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(text)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("%T is no request", v)
	}
	*m = data.Materialize()
	return nil
}
