// Package lease lets programs agree, by a Lease object of Kubernetes, on one of
// them that works. It is a package of its own because its library brings typed
// clients for every kind, which the command line has no use for.
package lease

import (
	"context"
	"log/slog"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/autoecoops/autoecoops/fault"
)

// Lease names the object by which programs agree on one that works.
type Lease struct{ Namespace, Name, Holder string }

// The times of a lease: who does not renew it for leaseFor has lost it.
const (
	leaseFor   = 15 * time.Second
	renewFor   = 10 * time.Second
	retryEvery = 2 * time.Second
)

// Lead waits for the lease, calls work, and returns when work did. The context
// of work ends when the lease is lost; Lead then returns an error, and the
// program should end: what it still believes may be stale.
func Lead(ctx context.Context, config *rest.Config, l Lease, log *slog.Logger, work func(context.Context)) error {
	leases, err := coordination.NewForConfig(config)
	if err != nil {
		return fault.Wrap(fault.Invalid, "make a client for", "leases", err, "")
	}
	lost := false
	done := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name}, Client: leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: l.Holder},
		},
		LeaseDuration: leaseFor, RenewDeadline: renewFor, RetryPeriod: retryEvery, ReleaseOnCancel: true, Name: l.Name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				defer close(done)
				log.Info("leading", "holder", l.Holder)
				work(ctx)
			},
			OnStoppedLeading: func() { lost = ctx.Err() == nil },
		},
	})
	if err != nil {
		return fault.Wrap(fault.Internal, "prepare the lease", l.Name, err, "")
	}
	elector.Run(ctx)
	if elector.IsLeader() || lost {
		<-done
	} else {
		select {
		case <-done:
		default:
		}
	}
	if lost {
		return fault.New(fault.Unavailable, "hold the lease", l.Namespace+"/"+l.Name, "it could not be renewed in time: another program may work now", "the daemon ends, and is started again")
	}
	return nil
}
