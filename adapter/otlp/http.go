package otlp

import (
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Handler answers POST /v1/traces, and /v1/metrics and /v1/logs where they are
// taken.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", s.serve(s.traces))
	if s.options.Metrics != nil {
		mux.HandleFunc("POST /v1/metrics", s.serve(s.metrics))
	}
	if s.options.Logs != nil {
		mux.HandleFunc("POST /v1/logs", s.serve(s.logs))
	}
	if s.options.Others != nil {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			if s.admitted(w, r) {
				s.options.Others.ServeHTTP(w, r)
			}
		})
	}
	return mux
}

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

func (s *Server) serve(do export) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.admitted(w, r) {
			return
		}
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != typeProtobuf && kind != typeJSON {
			http.Error(w, "send "+typeProtobuf+" or "+typeJSON, http.StatusUnsupportedMediaType)
			return
		}
		release, ok := s.slots.take(r.Context(), r.RemoteAddr)
		if !ok {
			s.options.Traces.Refused(1)
			s.answer(w, kind, nil, s.busy("too many requests at a time"))
			return
		}
		defer release()
		// A test's recorder has no deadline; a connection does.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.options.MaxTime))
		message, code, err := s.body(w, r)
		if err != nil {
			if code == http.StatusRequestEntityTooLarge {
				s.options.Traces.Refused(1)
			}
			s.write(w, kind, code, status.New(grpcCode(code), err.Error()).Proto())
			return
		}
		res, err := do(r.Context(), message, kind == typeJSON)
		s.answer(w, kind, res, err)
	}
}

// admitted reports whether a request has the token, and answers it if not.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	if allowed(r.Header.Get("Authorization"), s.options.Token) {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
	return false
}

// body reads a message; code is what to answer where that fails.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (message []byte, code int, err error) {
	limit := int64(s.options.MaxMessage)
	large := errors.New("the message is too large; send smaller ones")
	if r.ContentLength > limit {
		return nil, http.StatusRequestEntityTooLarge, large
	}
	var from io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, http.StatusBadRequest, errors.New("it is not compressed with gzip")
		}
		defer z.Close()
		from = z
	default:
		return nil, http.StatusUnsupportedMediaType, errors.New("compress with gzip or not at all")
	}
	message, err = io.ReadAll(io.LimitReader(from, limit+1))
	var cut *http.MaxBytesError
	switch {
	case errors.As(err, &cut) || int64(len(message)) > limit:
		return nil, http.StatusRequestEntityTooLarge, large
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("the message is cut off")
	}
	return message, 0, nil
}

// answer writes a response, or the status of an error in the same form.
func (s *Server) answer(w http.ResponseWriter, kind string, res proto.Message, err error) {
	code := http.StatusOK
	if err != nil {
		st := status.Convert(err)
		res = st.Proto()
		switch st.Code() {
		case codes.InvalidArgument:
			code = http.StatusBadRequest
		case codes.ResourceExhausted:
			code = http.StatusTooManyRequests
			w.Header().Set("Retry-After", retrySeconds(s.options.RetryAfter))
		default:
			code = http.StatusInternalServerError
		}
	}
	s.write(w, kind, code, res)
}

// grpcCode is the code of a status that says what an HTTP status says.
func grpcCode(code int) codes.Code {
	switch code {
	case http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	case http.StatusUnsupportedMediaType:
		return codes.Unimplemented
	}
	return codes.InvalidArgument
}

// write writes a message in the form of the request.
func (s *Server) write(w http.ResponseWriter, kind string, code int, m proto.Message) {
	marshal := proto.Marshal
	if kind == typeJSON {
		marshal = marshalJSON
	}
	text, err := marshal(m)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(text) // a sender that is gone needs no answer
}

// marshalJSON leaves out the details of a status, whose types JSON would need.
func marshalJSON(m proto.Message) ([]byte, error) {
	if st, ok := m.(interface {
		GetCode() int32
		GetMessage() string
	}); ok {
		m = status.New(codes.Code(st.GetCode()), st.GetMessage()).Proto()
	}
	return protojson.Marshal(m)
}
