package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/node"
	"github.com/autoecoops/autoecoops/test/cluster/pki"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// realNode is the node whose pods really run.
type realNode struct {
	keeper *keeper
	plan   node.Plan
	node   *node.Node
	failed chan error // why it ended by itself
	warm   chan error // the end of warmUp
}

// newRealNode makes the namespaces of the node and begins to warm it up. It
// joins the cluster later.
func newRealNode(ctx context.Context, k *keeper) (*realNode, error) {
	host, err := node.Check(ctx, k.dir)
	if err != nil {
		return nil, fmt.Errorf("start a real node: %w", err)
	}
	number, err := node.Reserve(k.dir)
	if err != nil {
		return nil, fmt.Errorf("start a real node: %w", err)
	}
	r := &realNode{keeper: k, failed: make(chan error, 16), warm: make(chan error, 1), plan: node.Plan{
		Name: k.spec.Name + "-node", Dir: k.dir, Number: number,
		Kubelet: k.spec.Programs[programs.Kubelet], Proxy: k.spec.Programs[programs.KubeProxy],
		Plugins: host.Plugins, Overlay: host.Overlay,
	}}
	r.node, err = node.Start(ctx, k.launcher, r.plan, r.fail)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a real node: %w", err), node.Release(k.dir))
	}
	go func() { r.warm <- r.warmUp(ctx) }()
	return r, nil
}

// warmUp does what needs no API server, while that starts.
func (r *realNode) warmUp(ctx context.Context) error {
	if err := r.node.Order(ctx, "start", "containerd"); err != nil {
		return err
	}
	for _, archive := range r.keeper.spec.Archives {
		if err := r.node.Import(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}

func (r *realNode) fail(err error) {
	r.keeper.log.Error("real node", "error", err)
	select {
	case r.failed <- err:
	default:
	}
}

// failure returns why the node ended, if it did.
func (r *realNode) failure() error {
	select {
	case err := <-r.failed:
		r.failed <- err // for the next who asks
		return err
	default:
		return nil
	}
}

func (r *realNode) network() network {
	n := r.plan.Number
	return network{address: n.Host(), pods: n.Pods(), services: n.Services(), kubeIP: n.KubeService(), dns: n.DNS(), node: n.Node()}
}

// join makes the node one of the cluster's and returns when it and the
// cluster's DNS are ready.
func (r *realNode) join(ctx context.Context) error {
	k := r.keeper
	if err := r.writeCredentials(); err != nil {
		return err
	}
	if err := <-r.warm; err != nil {
		return err
	}
	for _, program := range []string{"kubelet", "kube-proxy"} {
		if err := r.node.Order(ctx, "start", program); err != nil {
			return err
		}
	}
	if err := k.deployDNS(ctx); err != nil {
		return err
	}
	err := k.wait(ctx, "the real node", func(ctx context.Context) error {
		ready, err := k.readyNodes(ctx, "fieldSelector=metadata.name%3D"+r.plan.Name)
		if err == nil && ready == 0 {
			err = errors.New("the node is not ready")
		}
		return err
	})
	if err != nil {
		return err
	}
	k.tell(Event{Say: "the node " + r.plan.Name + " is ready"})
	return k.wait(ctx, "the cluster's DNS", k.dnsReady)
}

// writeCredentials writes the certificates of the node's programs.
func (r *realNode) writeCredentials() error {
	k, now, name := r.keeper, time.Now(), r.plan.Name
	dir := r.plan.Files()
	ca := k.credentials.ca
	serving, err := ca.Issue(pki.Subject{Name: "system:node:" + name, Groups: []string{"system:nodes"}, Hosts: []string{name, r.plan.Number.Node()}}, now)
	if err != nil {
		return err
	}
	if err := serving.Save(dir, "kubelet"); err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/"+node.CAFile, ca.Pair().Cert, 0o644); err != nil {
		return fmt.Errorf("write the authority for the node: %w", err)
	}
	for file, subject := range map[string]pki.Subject{
		node.KubeletConfig: {Name: "system:node:" + name, Groups: []string{"system:nodes"}},
		node.ProxyConfig:   {Name: "system:kube-proxy"},
	} {
		pair, err := ca.Issue(subject, now)
		if err != nil {
			return err
		}
		if err := pki.SaveKubeconfig(dir+"/"+file, k.spec.Name, k.net.url(), subject.Name, ca.Pair().Cert, pair); err != nil {
			return err
		}
	}
	return nil
}

// kill ends the node and removes what it had outside of its namespaces.
func (r *realNode) kill() {
	r.node.Kill()
	if err := node.Release(r.keeper.dir); err != nil {
		r.keeper.log.Error("node not cleared away", "error", err)
	}
}

func (r *realNode) describe() []Server {
	var all []Server
	for _, name := range node.Programs() {
		all = append(all, Server{Name: name, State: r.node.State(name), Log: r.keeper.layout.log(name)})
	}
	return all
}

// order starts or stops one of the node's programs; known is false if it has
// no such program.
func (r *realNode) order(ctx context.Context, name, verb string) (known bool, err error) {
	if !slices.Contains(node.Programs(), name) {
		return false, nil
	}
	if verb != "start" && verb != "stop" {
		return true, fmt.Errorf("%s %s: in the node only start and stop are possible", verb, name)
	}
	return true, r.node.Order(ctx, verb, name)
}

func (r *realNode) loadImage(ctx context.Context, archive string) error {
	return r.node.Import(ctx, archive)
}
