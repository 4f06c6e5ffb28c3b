package metrics

import (
	"net/http"

	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/remotewrite"
)

// Receive returns a handler that takes what Prometheus sends by remote write into
// something else than the store.
func Receive(into storage.Appendable) (http.Handler, error) {
	return remotewrite.New(remotewrite.Options{Into: into})
}
