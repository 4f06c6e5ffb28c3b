package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// usualSpan is how many bytes a span takes, to begin with a list that fits.
const usualSpan = 300

// Decode reads a message of spans in protobuf: an ExportTraceServiceRequest, a
// TracesData or what Tempo calls a Trace, which are the same on the wire. The
// error is of kind Invalid when it is no protobuf.
func Decode(message []byte) (Batch, error) {
	d := decoder{resource: newValues(resourceAttributes()), span: newValues(spanAttributes()), shared: shared{}}
	d.batch.Spans = make([]trace.Span, 0, min(MaxSpans, len(message)/usualSpan+1))
	if err := fields(message, func(n protowire.Number, f field) error {
		if n == 1 && f.bytes != nil {
			return d.resourceSpans(f.bytes)
		}
		return nil
	}); err != nil {
		return Batch{}, err
	}
	return d.batch, nil
}

func malformed() error {
	return fault.New(fault.Invalid, "read OTLP", "", "it is no protobuf of OpenTelemetry's", "")
}

// field is the value of one field: bytes is not nil if it is a length-delimited
// one, else it is in number.
type field struct {
	bytes  []byte
	number uint64
}

// fields calls f for each field of a message.
func fields(message []byte, f func(protowire.Number, field) error) error {
	for len(message) > 0 {
		n, typ, size := protowire.ConsumeTag(message)
		if size < 0 {
			return malformed()
		}
		message = message[size:]
		var v field
		switch typ {
		case protowire.BytesType:
			v.bytes, size = protowire.ConsumeBytes(message)
			if v.bytes == nil {
				v.bytes = []byte{}
			}
		case protowire.VarintType:
			v.number, size = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			v.number, size = protowire.ConsumeFixed64(message)
		default:
			size = protowire.ConsumeFieldValue(n, typ, message)
		}
		if size < 0 {
			return malformed()
		}
		message = message[size:]
		if err := f(n, v); err != nil {
			return err
		}
	}
	return nil
}

// decoder gathers the spans of one message.
type decoder struct {
	batch    Batch
	resource *values
	span     *values
	shared   shared
	from     *identity.Identity
}

func (d *decoder) resourceSpans(message []byte) error {
	d.resource.reset()
	err := fields(message, func(n protowire.Number, f field) error {
		if n != 1 || f.bytes == nil {
			return nil
		}
		return fields(f.bytes, func(n protowire.Number, f field) error {
			if n != 1 || f.bytes == nil {
				return nil
			}
			return keyValue(f.bytes, d.resource)
		})
	})
	if err != nil {
		return err
	}
	from := identity.Of(d.resource.get)
	d.from = &from
	return fields(message, func(n protowire.Number, f field) error {
		if n != 2 || f.bytes == nil {
			return nil
		}
		return fields(f.bytes, func(n protowire.Number, f field) error {
			if n != 2 || f.bytes == nil {
				return nil
			}
			if len(d.batch.Spans) >= MaxSpans {
				d.batch.Dropped++
				return nil
			}
			return d.addSpan(f.bytes)
		})
	})
}

func (d *decoder) addSpan(message []byte) error {
	d.span.reset()
	s := trace.Span{From: d.from}
	var status []byte
	err := fields(message, func(n protowire.Number, f field) error {
		switch n {
		case 1:
			s.Trace = traceID(f.bytes)
		case 2:
			s.ID = spanID(f.bytes)
		case 4:
			s.Parent = spanID(f.bytes)
		case 5:
			s.Name = d.shared.text(cut(f.bytes, maxValue))
		case 6:
			s.Kind = kind(f.number)
		case 7:
			s.Start = moment(f.number)
		case 8:
			s.End = moment(f.number)
		case 9:
			if f.bytes != nil {
				return keyValue(f.bytes, d.span)
			}
		case 13:
			return addLink(f.bytes, &s)
		case 15:
			return fields(f.bytes, func(n protowire.Number, f field) error {
				switch n {
				case 2:
					status = f.bytes
				case 3:
					s.Failed = f.number == 2
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.Failed {
		if err := d.exception(message); err != nil {
			return err
		}
	}
	d.finish(&s, status)
	d.batch.Spans = append(d.batch.Spans, s)
	return nil
}

// finish tells the other side of a call, and why a span failed.
func (d *decoder) finish(s *trace.Span, status []byte) {
	switch s.Kind {
	case trace.Client, trace.Producer, trace.Consumer:
		if d.span.any {
			s.Remote = d.shared.remote(trace.RemoteOf(d.span.get))
		}
	}
	if s.Failed {
		s.Message = trace.FailureOf(string(cut(status, maxValue)), d.span.get)
	}
}

// exception reads what the events of a failed span tell of it.
func (d *decoder) exception(message []byte) error {
	left := maxEvents
	return fields(message, func(n protowire.Number, f field) error {
		if n != 11 || left == 0 {
			return nil
		}
		left--
		return fields(f.bytes, func(n protowire.Number, f field) error {
			if n != 3 || f.bytes == nil {
				return nil
			}
			return keyValue(f.bytes, d.span)
		})
	})
}

func addLink(message []byte, s *trace.Span) error {
	if len(s.Links) >= trace.MaxLinks {
		return nil
	}
	var l trace.Link
	if err := fields(message, func(n protowire.Number, f field) error {
		switch n {
		case 1:
			l.Trace = traceID(f.bytes)
		case 2:
			l.Span = spanID(f.bytes)
		}
		return nil
	}); err != nil {
		return err
	}
	if !l.Trace.IsZero() && !l.Span.IsZero() {
		s.Links = append(s.Links, l)
	}
	return nil
}

// keyValue reads one attribute.
func keyValue(message []byte, into *values) error {
	a, wanted := attribute(0), false
	var val []byte
	if err := fields(message, func(n protowire.Number, f field) error {
		switch {
		case n == 1 && f.bytes != nil:
			a, wanted = into.known[string(f.bytes)]
		case n == 2 && f.bytes != nil:
			val = f.bytes
		}
		return nil
	}); err != nil || !wanted {
		return err
	}
	return fields(val, func(n protowire.Number, f field) error {
		switch {
		case n == 1 && f.bytes != nil:
			into.put(a, f.bytes)
		case n == 3 && f.bytes == nil:
			into.putInt(a, int64(f.number))
		}
		return nil
	})
}

func cut(b []byte, n int) []byte { return b[:min(n, len(b))] }

// traceID and spanID are zero for what has another length.
func traceID(b []byte) (id trace.ID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

func spanID(b []byte) (id trace.SpanID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

func kind(n uint64) trace.Kind {
	if n > uint64(trace.Consumer) {
		return trace.Unspecified
	}
	return trace.Kind(n)
}

// moment is 0, which no span has, for what is after the year 2262.
func moment(n uint64) int64 {
	if n > 1<<63-1 {
		return 0
	}
	return int64(n)
}
