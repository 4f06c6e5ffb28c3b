package faultproxy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fault answers a request in place of the API server, which it may still ask
// by calling next.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Answer returns code with a Status as the API server would. The API server
// does not see the request. With 429 and retry above 0 the answer tells the
// client to come again after so many seconds.
func Answer(code, retry int, message string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if retry > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retry))
		}
		writeStatus(w, status(code, message))
	}
}

// Refuse returns the Status s: what a webhook, a quota or a policy would say.
// The API server does not see the request.
func Refuse(s metav1.Status) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { writeStatus(w, &s) }
}

// Delay lets the request through after d, or not at all when the client gives
// up before.
func Delay(d time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			abort()
		}
	}
}

// Hold lets requests through once release is closed; until then they hang.
func Hold(release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-release:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			abort()
		}
	}
}

// Reset breaks the request off. The API server does not see it.
func Reset() Fault {
	return func(http.ResponseWriter, *http.Request, http.Handler) { abort() }
}

// LoseAnswer lets the API server do what is asked, and then breaks the request
// off: the client cannot know whether it happened.
func LoseAnswer() Fault {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&deaf{header: http.Header{}}, r)
		abort()
	}
}

// Truncate passes on the first n bytes of the answer's body and then breaks it
// off. The API server has done what was asked.
func Truncate(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&short{ResponseWriter: w, left: n}, r)
		abort()
	}
}

// deaf takes an answer and forgets it.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

// short passes on the beginning of an answer.
type short struct {
	http.ResponseWriter
	left int
}

// Unwrap lets the proxy flush what passed.
func (s *short) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Write passes on what fits and pretends that all did.
func (s *short) Write(b []byte) (int, error) {
	if fits := b[:min(len(b), s.left)]; len(fits) > 0 {
		if _, err := s.ResponseWriter.Write(fits); err != nil {
			return 0, err
		}
		s.left -= len(fits)
	}
	return len(b), nil
}

// abort breaks the request off; the server recovers from it.
func abort() { panic(http.ErrAbortHandler) }

func status(code int, message string) *metav1.Status {
	reason := map[int]metav1.StatusReason{
		http.StatusUnauthorized:          metav1.StatusReasonUnauthorized,
		http.StatusForbidden:             metav1.StatusReasonForbidden,
		http.StatusNotFound:              metav1.StatusReasonNotFound,
		http.StatusConflict:              metav1.StatusReasonConflict,
		http.StatusGone:                  metav1.StatusReasonExpired,
		http.StatusUnprocessableEntity:   metav1.StatusReasonInvalid,
		http.StatusTooManyRequests:       metav1.StatusReasonTooManyRequests,
		http.StatusInternalServerError:   metav1.StatusReasonInternalError,
		http.StatusServiceUnavailable:    metav1.StatusReasonServiceUnavailable,
		http.StatusGatewayTimeout:        metav1.StatusReasonTimeout,
		http.StatusRequestEntityTooLarge: metav1.StatusReasonRequestEntityTooLarge,
	}[code]
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	}
}

func writeStatus(w http.ResponseWriter, s *metav1.Status) {
	s.Kind, s.APIVersion = "Status", "v1"
	text, err := json.Marshal(s)
	if err != nil {
		abort()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(s.Code))
	_, _ = w.Write(text) // the client may have gone
}
