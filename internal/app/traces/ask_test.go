package traces_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/traces"
)

// TestWhatCameIsAskedFor sends a span and asks for it as one asks a Jaeger; without
// the token neither is possible.
func TestWhatCameIsAskedFor(t *testing.T) {
	r, err := traces.New(traces.Settings{Receiver: otlp.Options{Token: func(bool) string { return "secret" }}}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	send := func(token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/traces", bytes.NewReader([]byte(message)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if a, b := send("wrong"), send("secret"); a != http.StatusUnauthorized || b != http.StatusOK {
		t.Errorf("sent: %d and %d", a, b)
	}
	for token, kind := range map[string]fault.Kind{"wrong": fault.Denied, "secret": 0} {
		store, err := traces.Jaeger(jaeger.Options{URL: server.URL, Access: rest.Access{Login: rest.Login{Token: token}}})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1_700_000_000, 0)
		found, err := store.Sample(t.Context(), at.Add(-time.Second), at.Add(time.Second), 5)
		if (err == nil) != (token == "secret") || err != nil && fault.KindOf(err) != kind || err == nil && len(found) != 1 {
			t.Errorf("asked with %s: %d traces, %v", token, len(found), err)
		}
	}
}
