package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/pki"
	"github.com/autoecoops/autoecoops/test/cluster/process"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
	"github.com/autoecoops/autoecoops/test/cluster/setup"
)

// Cluster is a running cluster.
type Cluster struct {
	keeper *keeper.Client
	end    func() error
	config *rest.Config
}

// ErrNoRealNode says that this machine does not allow a real node. The error
// that holds it says what is lacking.
var ErrNoRealNode = setup.ErrNoRealNode

// Start starts a cluster for the test t: a control plane alone unless options
// say more. It ends with the test. When the test fails, the ends of the
// programs' logs are printed.
func Start(t testing.TB, options ...Option) *Cluster {
	t.Helper()
	c, err := up(t.Context(), setup.NameOf(t.Name()), options)
	if errors.Is(err, ErrNoRealNode) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.logs())
		}
		if err := c.Down(); err != nil {
			t.Errorf("end the cluster: %v", err)
		}
	})
	return c
}

// Up starts a cluster that ends with Down, or with this process.
func Up(ctx context.Context, name string, options ...Option) (*Cluster, error) {
	return up(ctx, name, options)
}

func up(ctx context.Context, name string, options []Option) (*Cluster, error) {
	dir, err := setup.TempDir()
	if err != nil {
		return nil, err
	}
	spec := keeper.Spec{Name: name, Dir: dir}
	for _, o := range options {
		o(&spec)
	}
	tell := programs.Lines(os.Stderr) // a build takes minutes; silence would look like a hang
	if spec, err = setup.Prepare(ctx, setup.Request{Spec: spec, Progress: tell}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	exe, err := programs.Builder{Progress: tell}.Own(ctx, "cluster")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	kept, err := keeper.Launch(ctx, exe, spec, nil)
	if err != nil {
		return nil, err
	}
	c, err := open(kept.Client, kept.End)
	if err != nil {
		return nil, errors.Join(err, kept.End())
	}
	return c, nil
}

// Open returns the running cluster that the command "cluster up" started under
// a name. Down ends it.
func Open(ctx context.Context, name string) (*Cluster, error) {
	dir, err := setup.NamedDir(name)
	if err != nil {
		return nil, err
	}
	client := keeper.NewClient(dir)
	if s, err := client.Status(ctx); err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	} else if !s.Ready {
		return nil, fmt.Errorf("open cluster %s: it is still starting", name)
	}
	return open(client, func() error { return keeper.Down(context.Background(), dir) })
}

func open(client *keeper.Client, end func() error) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", keeper.KubeconfigPath(client.Dir()))
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.QPS = -1 // the API server limits its clients itself
	return &Cluster{client, end, config}, nil
}

// Down ends the cluster and returns when nothing is left of it.
func (c *Cluster) Down() error { return c.end() }

// RunDir is the folder that holds everything of the cluster, logs in "log".
func (c *Cluster) RunDir() string { return c.keeper.Dir() }

// Kubeconfig is the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return keeper.KubeconfigPath(c.RunDir()) }

// Config returns the administrator's client configuration, without a limit on
// the client's side. The caller may change it.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// User returns the client configuration of a user with the given name and
// groups. It may do what roles are bound to those; nothing at first.
func (c *Cluster) User(name string, groups ...string) (*rest.Config, error) {
	ca, err := pki.Load(keeper.PKIDir(c.RunDir()), "ca")
	if err != nil {
		return nil, err
	}
	pair, err := ca.Issue(pki.Subject{Name: name, Groups: groups}, time.Now())
	if err != nil {
		return nil, err
	}
	config := c.Config()
	config.CertData, config.KeyData = pair.Cert, pair.Key
	return config, nil
}

// Status tells how the programs of the cluster are.
func (c *Cluster) Status(ctx context.Context) (keeper.Status, error) { return c.keeper.Status(ctx) }

// StopAPIServer ends the API server at once, as a crash would.
func (c *Cluster) StopAPIServer(ctx context.Context) error {
	return c.keeper.Stop(ctx, programs.APIServer)
}

// StartAPIServer starts the API server again, on the same address, and returns
// when it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	return c.keeper.Start(ctx, programs.APIServer)
}

// Host is the address by which pods on the real node reach this machine; there
// is none without such a node. Servers for pods have to listen on it.
func (c *Cluster) Host(ctx context.Context) (string, error) {
	s, err := c.keeper.Status(ctx)
	if err == nil && s.Host == "" {
		err = errors.New("find this machine's address for pods: the cluster has no real node")
	}
	return s.Host, err
}

// Stop ends a program of the control plane or of the real node at once, as a
// crash would. The names are those of package programs, and "containerd".
func (c *Cluster) Stop(ctx context.Context, program string) error {
	return c.keeper.Stop(ctx, program)
}

// Restart starts a program that was stopped or has ended.
func (c *Cluster) Restart(ctx context.Context, program string) error {
	return c.keeper.Start(ctx, program)
}

// Freeze keeps a program from running without ending it: connections stay
// open, nothing answers. Thaw lets it run on.
func (c *Cluster) Freeze(ctx context.Context, program string) error {
	return c.keeper.Freeze(ctx, program)
}

// Thaw lets a frozen program run on.
func (c *Cluster) Thaw(ctx context.Context, program string) error {
	return c.keeper.Thaw(ctx, program)
}

// LoadImage imports an image archive into the real node.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	return c.keeper.LoadImage(ctx, archive)
}

// logs returns the ends of the programs' logs.
func (c *Cluster) logs() string {
	paths, err := filepath.Glob(filepath.Join(c.RunDir(), "log", "*.log"))
	if err != nil || len(paths) == 0 {
		return "no logs of the cluster are left"
	}
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "--- end of %s\n%s\n", filepath.Base(p), process.Tail(p, 15))
	}
	return b.String()
}
