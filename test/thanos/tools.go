//go:build never

// Package thanos is a module of its own that names the Thanos which tests run
// against. Its dependencies are none of the product's.
package thanos

import _ "github.com/thanos-io/thanos/cmd/thanos"
