package cluster

import (
	"maps"
	"slices"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
)

// Option changes what cluster is started.
type Option func(*keeper.Spec)

// WithNode adds one real node, on which containers run. Start skips the test
// where the machine does not allow it.
func WithNode() Option {
	return func(s *keeper.Spec) { s.Real = true }
}

// WithSimulatedNodes adds n nodes on which pods become ready though nothing
// runs. Beside a real node they bear the taint kwok.x-k8s.io/node=fake.
func WithSimulatedNodes(n int) Option {
	return func(s *keeper.Spec) { s.Simulated = n }
}

// Simulate is the annotation of pods on simulated nodes that has them fail.
// Its values are "unready", "crash-loop", "image-error" and "oom"; without it
// pods become ready, and pods of jobs succeed.
const Simulate = "cluster.autoecoops.io/simulate"

// WithAuditPolicy replaces the audit policy, which otherwise logs every change
// without its content. yaml is a Policy of audit.k8s.io/v1.
func WithAuditPolicy(yaml string) Option {
	return func(s *keeper.Spec) { s.AuditPolicy = yaml }
}

// WithArguments adds arguments to a program of the control plane, for example
// feature gates to "kube-apiserver".
func WithArguments(program string, arguments ...string) Option {
	return func(s *keeper.Spec) {
		s.Arguments = maps.Clone(s.Arguments)
		if s.Arguments == nil {
			s.Arguments = map[string][]string{}
		}
		s.Arguments[program] = append(slices.Clone(s.Arguments[program]), arguments...)
	}
}

// WithImages has the real node start with the images of the archives, as
// StaticImage writes them.
func WithImages(archives ...string) Option {
	return func(s *keeper.Spec) { s.Archives = append(slices.Clone(s.Archives), archives...) }
}
