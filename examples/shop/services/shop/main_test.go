package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPageAsksNeighbours(t *testing.T) {
	catalog := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"service":"catalog"}`)) }))
	defer catalog.Close()
	for neighbour, want := range map[string]int{strings.TrimPrefix(catalog.URL, "http://"): 200, "127.0.0.1:1": 502} {
		s := &service{name: "storefront", neighbours: []string{neighbour}, client: http.DefaultClient, log: slog.New(slog.DiscardHandler)}
		w := httptest.NewRecorder()
		s.page(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != want || !strings.Contains(w.Body.String(), "storefront") {
			t.Errorf("%s: %d %s", neighbour, w.Code, w.Body)
		}
	}
}

func TestRefusesNonsense(t *testing.T) {
	t.Setenv("CURRENCY", "EURO")
	if err := run(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "EURO") {
		t.Error(err)
	}
}
