package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceAccountMissing = &check.Check{
	ID: "k8s-service-account-missing", Name: "service-account-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K19"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 32, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		namespace := pod.Object.Namespace
		name, at := pod.ServiceAccount()
		switch {
		case name == "default" || findAccount(p, namespace, name) != nil:
			return
		case templated(name):
			p.Unknown(at, "", "the account's name is only known once %s is filled in", name)
			return
		}
		if b := bindingNaming(p, namespace, name); b != nil {
			p.Fail(at, "", "ServiceAccount %s does not exist, though %s gives it rights: no pod can be created", named(namespace, name), b.Ref)
			return
		}
		if other := otherNamespace(p, name); other != nil {
			p.Fail(at, "", "ServiceAccount %s does not exist (%s is in another namespace): no pod can be created", named(namespace, name), other.Ref)
			return
		}
		if accountsKept(p, namespace) {
			p.Fail(at, "", "ServiceAccount %s does not exist, though the repository keeps other accounts of its namespace: no pod can be created", named(namespace, name))
			return
		}
		p.Unknown(at, "", "ServiceAccount %s is not in the repository: without it no pod can be created", named(namespace, name))
	},
}

// bindingNaming returns a binding that names the account itself.
func bindingNaming(p *check.Pass, namespace, name string) *graph.Object {
	for r := range p.Graph.Subjects("ServiceAccount", namespace, name) {
		return r.From
	}
	return nil
}

// otherNamespace returns an account of this name in whatever namespace.
func otherNamespace(p *check.Pass, name string) *graph.Object {
	for _, o := range p.Graph.Named("ServiceAccount", name) {
		return o
	}
	for _, g := range p.Others {
		for _, o := range g.Named("ServiceAccount", name) {
			return o
		}
	}
	return nil
}
