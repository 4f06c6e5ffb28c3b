package app

import (
	"context"
	"os/user"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// Cluster implements cli.Backend.
func (b backend) Cluster(o cli.ClusterOptions) (cli.Cluster, error) {
	ko := kube.Options{Kubeconfig: o.Kubeconfig, Context: o.Context, UserAgent: "aeo/" + version}
	config, err := kube.Load(ko)
	if err != nil {
		return nil, err
	}
	client, err := kube.New(config)
	if err != nil {
		return nil, err
	}
	return desk{kube.Desk{Client: client}, kube.Namespace(ko)}, nil
}

// desk implements cli.Cluster.
type desk struct {
	kube.Desk
	namespace string
}

// Namespace implements cli.Cluster.
func (d desk) Namespace() string { return d.namespace }

// Person implements cli.Cluster: who the API server says the caller is, or else
// the machine.
func (d desk) Person(ctx context.Context) string {
	if who := d.Desk.Person(ctx); who != "" {
		return who
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
