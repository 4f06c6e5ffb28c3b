//go:build never

// Package loki is a module of its own that names the Loki which tests run
// against. Its dependencies are none of the product's, and its replacements are
// those of Loki's own module: without them it does not build.
package loki

import _ "github.com/grafana/loki/v3/cmd/loki"
