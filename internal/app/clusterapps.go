package app

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/preview"
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
	return desk{kube.Desk{Client: client}, kube.Namespace(ko), b.now()}, nil
}

// desk implements cli.Cluster.
type desk struct {
	kube.Desk
	namespace string
	now       time.Time
}

// stand opens what renders and tries revisions; close it after use.
func stand(client *kube.Client, now time.Time) (*preview.Stand, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "find the cache folder", "", err, "set XDG_CACHE_HOME")
	}
	// What the daemon renders with, so that the answer is the daemon's.
	charts := helm.New(helm.Options{APIVersions: servedByAll})
	return preview.Open(preview.Parts{
		Client: client, CacheDir: filepath.Join(dir, "aeo", "sources"), Charts: charts, Kustom: kustomize.New(kustomize.Options{Charts: chartFunc(charts)}),
		Engine: newEngine("", servedByAll...), Choose: chooseChecks, Now: func() time.Time { return now }, Getenv: os.Getenv,
	})
}

// Preview implements cli.Previews.
func (d desk) Preview(ctx context.Context, app *v1alpha1.Application, req cli.PreviewRequest) (*cli.Preview, error) {
	s, err := stand(d.Client, d.now)
	if err != nil {
		return nil, err
	}
	p, err := s.Preview(ctx, app, req)
	return p, errors.Join(err, s.Close())
}

// Object implements cli.Previews.
func (d desk) Object(ctx context.Context, app *v1alpha1.Application, g deliver.GVK, k deliver.Key) (*cli.ObjectTrace, error) {
	s, err := stand(d.Client, d.now)
	if err != nil {
		return nil, err
	}
	o, err := s.Object(ctx, app, g, k)
	return o, errors.Join(err, s.Close())
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
