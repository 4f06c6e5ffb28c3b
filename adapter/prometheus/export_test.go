package prometheus

import (
	"net/http"
	"strings"
)

// Storeless answers as a Prometheus does where h is asked for a list of stores, which only
// a Thanos has.
func Storeless(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/api/v1/stores") {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	})
}
