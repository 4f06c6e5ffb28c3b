package api

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var webhookFailurePolicy = &check.Check{
	ID: "k8s-webhook-failure-policy", Name: "webhook-failure-policy", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K58"},
	Practices: []string{"policy-at-admission"},
	Facts:     []check.Fact{{Number: 38, Strength: check.Supporting}, {Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != "admissionregistration.k8s.io" {
			p.Skip()
			return
		}
		for _, w := range o.Body.Get("webhooks").Items() {
			webhook(p, o, w)
		}
	},
}

func webhook(p *check.Pass, o *graph.Object, w tree.Node) {
	name := w.Get("name").Text()
	policy := w.Get("failurePolicy").Text()
	if policy == "" {
		policy = "Fail"
		if o.Version() == "v1beta1" {
			policy = "Ignore"
		}
	}
	if policy == "Ignore" {
		if o.Kind == "ValidatingWebhookConfiguration" && enforces(name, w) {
			at, missing := w.Get("failurePolicy"), ""
			if !at.Exists() {
				at, missing = w, "failurePolicy"
			}
			p.Fail(at, missing, "webhook %s enforces a policy, but lets every request pass while its server is away", name).As(ops.Low)
		}
		return
	}
	if t := w.Get("timeoutSeconds"); t.IntOr(0) > 10 {
		p.Fail(t, "", "webhook %s holds up each request it covers for %s s when its server hangs, and then refuses it", name, t.Text()).As(ops.Low).Set("10")
	}
	what := blocks(w)
	if what == "" || w.Get("objectSelector").Len() > 0 || w.Get("matchConditions").Len() > 0 {
		return
	}
	at, missing := w.Get("namespaceSelector"), ""
	if at.Len() == 0 {
		at, missing = w, "namespaceSelector"
	}
	own := w.At("clientConfig", "service", "namespace").Text()
	service := w.At("clientConfig", "service", "name").Text()
	switch {
	case own != "" && covers(p, w, own):
		p.Fail(at, missing, "webhook %s must answer before %s in its own namespace %s can be made: if Service %s goes down it cannot come back by itself", name, what, own, service).As(ops.High)
	case covers(p, w, "kube-system"):
		p.Fail(at, missing, "webhook %s must answer before %s in kube-system can be made: while its server is away the cluster cannot repair itself", name, what)
	}
}

// covers reports whether a webhook is certainly called for a namespace.
func covers(p *check.Pass, w tree.Node, namespace string) bool {
	n := w.Get("namespaceSelector")
	return n.Len() == 0 || wire.NamespaceMatches(p.Graph, n, namespace) == wire.Yes
}

// blocks names what cannot be made while a webhook does not answer, of the
// things a cluster needs to repair itself, "" if it covers none of them.
func blocks(w tree.Node) string {
	for _, r := range w.Get("rules").Items() {
		if r.Get("scope").Text() == "Cluster" || !holds(r.Get("operations"), "CREATE") {
			continue
		}
		switch {
		case holds(r.Get("apiGroups"), "") && (holds(r.Get("resources"), "pods") || holds(r.Get("resources"), "*/*")):
			return "pods"
		case holds(r.Get("apiGroups"), "coordination.k8s.io") && holds(r.Get("resources"), "leases"):
			return "leases"
		}
	}
	return ""
}

func holds(list tree.Node, want string) bool {
	for _, e := range list.Items() {
		if t := e.Text(); t == want || t == "*" {
			return true
		}
	}
	return false
}

// enforces reports whether a webhook's name or path says that it enforces a
// policy.
func enforces(name string, w tree.Node) bool {
	path := w.At("clientConfig", "service", "path").Text()
	for _, word := range [...]string{"policy", "policies", "kyverno", "gatekeeper", "opa", "kubewarden", "admit", "enforce", "security"} {
		if strings.Contains(name, word) || strings.Contains(path, word) {
			return true
		}
	}
	return false
}
