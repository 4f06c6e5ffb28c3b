package kube

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
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
func (c *Client) Lead(ctx context.Context, l Lease, log *slog.Logger, work func(context.Context)) error {
	leases, err := coordination.NewForConfig(c.config)
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

// Key returns the 32 bytes in a Secret of our own, made if there is none.
func (c *Client) Key(ctx context.Context, namespace, name string) ([]byte, error) {
	path := "/api/v1/namespaces/" + namespace + "/secrets"
	for range 3 {
		text, err := c.do(ctx, request{verb: http.MethodGet, path: path + "/" + name})
		if err == nil {
			var s struct{ Data map[string]string }
			if err := json.Unmarshal(text, &s); err != nil {
				return nil, fault.New(fault.Unavailable, "read secret", name, "the answer is no Secret", "")
			}
			key, err := base64.StdEncoding.DecodeString(s.Data["key"])
			if err != nil || len(key) != 32 {
				return nil, fault.New(fault.Blocked, "read secret", namespace+"/"+name, "it holds no key of 32 bytes", "delete it, and a new one is made; Secrets then look changed once")
			}
			return key, nil
		}
		if f := classify(err, "read secret", namespace+"/"+name, true); fault.KindOf(f) != fault.NotFound {
			return nil, f
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails, says its documentation
		body, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace},
			"type": "Opaque", "data": map[string]any{"key": base64.StdEncoding.EncodeToString(key)},
		})
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "write secret", name, err, "")
		}
		_, err = c.do(ctx, request{verb: http.MethodPost, path: path, body: body})
		if f := classify(err, "create secret", namespace+"/"+name, true); f != nil && fault.KindOf(f) != fault.Conflict {
			return nil, f
		}
	}
	return nil, fault.New(fault.Conflict, "make secret", namespace+"/"+name, "it comes and goes", "does another program delete it?")
}
