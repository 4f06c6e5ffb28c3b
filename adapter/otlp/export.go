package otlp

import (
	"context"
	"fmt"
	"math"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/autoecoops/autoecoops/fault"
)

// export deals with one message of a signal; json says what it is written in.
// The error is a gRPC status.
type export func(ctx context.Context, message []byte, json bool) (proto.Message, error)

func (s *Server) traces(ctx context.Context, message []byte, json bool) (proto.Message, error) {
	decode := Decode
	if json {
		decode = DecodeJSON
	}
	b, err := decode(message)
	if err != nil {
		s.options.Traces.Refused(1)
		return nil, s.failure(err)
	}
	taken, err := s.options.Traces.Take(ctx, b.Spans)
	if err != nil {
		s.options.Traces.Refused(len(b.Spans) + b.Dropped)
		return nil, s.failure(err)
	}
	res := &coltrace.ExportTraceServiceResponse{}
	if b.Dropped > 0 {
		s.options.Traces.Refused(b.Dropped)
		taken.Why = fmt.Sprintf("a message may have %d spans; send smaller ones", MaxSpans)
	}
	if n := taken.Rejected + b.Dropped; n > 0 {
		res.PartialSuccess = &coltrace.ExportTracePartialSuccess{RejectedSpans: int64(n), ErrorMessage: taken.Why}
	}
	return res, nil
}

func (s *Server) metrics(ctx context.Context, message []byte, json bool) (proto.Message, error) {
	req := &colmetrics.ExportMetricsServiceRequest{}
	if err := unmarshal(message, json, req); err != nil {
		return nil, s.failure(err)
	}
	n, why, err := s.options.Metrics.TakeMetrics(ctx, req)
	if err != nil {
		return nil, s.failure(err)
	}
	res := &colmetrics.ExportMetricsServiceResponse{}
	if n > 0 {
		res.PartialSuccess = &colmetrics.ExportMetricsPartialSuccess{RejectedDataPoints: n, ErrorMessage: why}
	}
	return res, nil
}

func (s *Server) logs(ctx context.Context, message []byte, json bool) (proto.Message, error) {
	req := &collogs.ExportLogsServiceRequest{}
	if err := unmarshal(message, json, req); err != nil {
		return nil, s.failure(err)
	}
	n, why, err := s.options.Logs.TakeLogs(ctx, req)
	if err != nil {
		return nil, s.failure(err)
	}
	res := &collogs.ExportLogsServiceResponse{}
	if n > 0 {
		res.PartialSuccess = &collogs.ExportLogsPartialSuccess{RejectedLogRecords: n, ErrorMessage: why}
	}
	return res, nil
}

// unmarshal reads metrics and logs. In JSON their ids of traces, which are
// hexadecimal, are taken for base64, which they cannot be told from; who needs
// them sends protobuf.
func unmarshal(message []byte, json bool, into proto.Message) error {
	if json {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, into); err != nil {
			return notJSON()
		}
		return nil
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, into); err != nil {
		return malformed()
	}
	return nil
}

// failure makes a status of an error. Only what may be shown to anyone is in it.
func (s *Server) failure(err error) error {
	text := "it could not be taken"
	if f, ok := err.(*fault.Error); ok { // what wraps a fault may hold its cause
		text = f.Public
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return status.Error(codes.InvalidArgument, text)
	case fault.Unavailable, fault.TimedOut:
		return s.busy(text)
	}
	return status.Error(codes.Internal, text)
}

// busy tells a sender to come again, and when.
func (s *Server) busy(text string) error {
	p := status.New(codes.ResourceExhausted, text).Proto()
	p.Details = append(p.Details, &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: retryInfo(s.options.RetryAfter)})
	return status.ErrorProto(p)
}

// retryInfo is a google.rpc.RetryInfo: a Duration of seconds and nanoseconds.
func retryInfo(d time.Duration) []byte {
	var span []byte
	if n := d / time.Second; n > 0 {
		span = protowire.AppendVarint(protowire.AppendTag(span, 1, protowire.VarintType), uint64(n))
	}
	if n := d % time.Second; n > 0 {
		span = protowire.AppendVarint(protowire.AppendTag(span, 2, protowire.VarintType), uint64(n))
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), span)
}

// retrySeconds is the same for the header of HTTP.
func retrySeconds(d time.Duration) string { return fmt.Sprint(int(math.Ceil(d.Seconds()))) }
