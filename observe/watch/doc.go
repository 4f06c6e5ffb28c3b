// Package watch finds out what to watch of a source of metrics.
//
// Given the names of the metrics that there are, it chooses from a catalogue of
// conventions (OpenTelemetry, gRPC, the usual client libraries, Traefik, NGINX,
// Envoy, Istio, cAdvisor, kube-state-metrics) the expressions of PromQL that give
// request rate, errors, duration and saturation for each workload. People add
// expressions of their own as monitors.
//
// It only makes text out of names: it asks nobody. A convention whose metrics are
// not all there is left out, and told as such; a signal that two conventions tell
// is followed once, by the one that says more.
package watch
