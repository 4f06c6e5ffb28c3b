package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
)

// digestKey is the Secret of the daemon with the key of its digests.
const digestKey = "aeod-digest-key"

// ownKey returns the key of the daemon's digests. Beside a cluster nobody may have
// made the daemon's namespace yet: it makes that itself, where its rights allow.
// In a cluster the namespace is that of its pod, or somebody's typing error.
func ownKey(ctx context.Context, c *kube.Client, namespace string, beside bool, log *slog.Logger) ([]byte, error) {
	key, err := c.Key(ctx, namespace, digestKey)
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != kube.CodeNamespaceMissing || !beside {
		return key, err
	}
	if refused := c.MakeNamespace(ctx, namespace); refused != nil {
		log.Warn("the daemon's namespace is not there and cannot be made", "namespace", namespace, "error", refused.Error())
		return nil, err // says how to make it
	}
	log.Info("made the namespace of the daemon's lease and keys", "namespace", namespace)
	return c.Key(ctx, namespace, digestKey)
}

// besideCluster tells whether the program does not run in a pod.
func besideCluster() bool { return os.Getenv("KUBERNETES_SERVICE_HOST") == "" }

// usage makes an error of the command line one of ours.
func usage(command string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.New(fault.Invalid, "read the command line", "", err.Error(), "see `"+command+" --help`")
}
