// Package identity gives what is told of a workload by metrics, logs and traces
// one key, whatever each of them calls it.
//
// OpenTelemetry names resources with dots (service.name), Prometheus with
// underscores (service_name), its exporters with job="namespace/name", recording
// rules and dashboards often with service, environment and instance, Kubernetes
// with labels (app.kubernetes.io/name). Of reads all of them: what is nearest to
// what a person wrote down wins over what a scraper made up.
//
// Of is total and deterministic: any input has an answer, hostile values are
// made harmless and short, and the same names give the same key in any order. A
// service that cannot be told is an empty one and never a made-up one; Join says
// how sure it is that two identities mean the same. It is vocabulary: OBSERVE
// joins by it, and ASSESS warns of a workload that cannot be joined.
package identity
