// Package cluster starts real Kubernetes clusters for tests, benchmarks and
// demonstrations: a control plane in a few seconds, with one real node or many
// simulated ones where wanted, and ways to break it on purpose.
//
//	func TestSomething(t *testing.T) {
//		c := cluster.Start(t)
//		client := kubernetes.NewForConfigOrDie(c.Config())
//		...
//	}
//
// Everything a cluster started is gone when the test ends, also when it is
// killed. The first cluster on a machine has to build Kubernetes, which takes
// longer than a test may: run "make cluster" once before.
//
// The page docs/cluster.md tells what a machine must have and what happens
// where it has less.
package cluster
