//go:build never

// Package jaeger is a module of its own that names the Jaeger which tests run
// against. Its dependencies are none of the product's.
package jaeger

import _ "github.com/jaegertracing/jaeger/cmd/all-in-one"
