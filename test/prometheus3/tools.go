//go:build never

// Package prometheus3 is a module of its own that names the Prometheus 3 whose remote
// write 2.0 tests receive. Its dependencies are none of the product's.
package prometheus3

import _ "github.com/prometheus/prometheus/cmd/prometheus"
