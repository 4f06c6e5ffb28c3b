package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var clusterAdminBinding = &check.Check{
	ID: "k8s-cluster-admin-binding", Name: "cluster-admin-binding", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K21"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     []string{"RoleBinding", "ClusterRoleBinding"},
	Object: func(p *check.Pass, b *graph.Object) {
		kind, role := rbac.RoleRef(b)
		if !rbac.IsBinding(b) || b.Labels().Get("kubernetes.io/bootstrapping") == "rbac-defaults" {
			p.Skip()
			return
		}
		if kind != "ClusterRole" || role != "cluster-admin" {
			return
		}
		at := b.Body.At("roleRef", "name")
		if b.Kind == "RoleBinding" && b.Namespace != "kube-system" {
			who, _ := strongest(p, b)
			p.Fail(at, "", "%s gets every right in namespace %q, its quotas, policies and bindings included", who, b.Namespace).As(ops.Medium).
				Fix("Bind the built-in ClusterRole `admin` or `edit` instead: they leave quotas and the namespace itself alone.")
			return
		}
		who, severity := strongest(p, b)
		where := "in the whole cluster"
		if b.Kind == "RoleBinding" {
			where = "in kube-system, and from there in the whole cluster"
		}
		p.Fail(at, "", "%s gets every right %s", who, where).As(severity)
	},
}

// strongest names the subject of a binding for whom its role is the most
// surprising, and how bad that is: a workload whose takeover is the cluster's,
// a program whose task is the cluster, or people.
func strongest(p *check.Pass, b *graph.Object) (who string, s ops.Severity) {
	who, s = "whoever is added to this binding", ops.Low
	for sub := range rbac.Subjects(b) {
		severity := ops.Medium
		switch {
		case sub.Kind == "Group" && (sub.Name == "system:authenticated" || sub.Name == "system:unauthenticated" || sub.Name == "system:serviceaccounts"):
			severity = ops.Critical
		case sub.Kind == "ServiceAccount" && controllerAccount(p.Graph, sub):
			severity = ops.High
		case sub.Kind == "ServiceAccount":
			severity = ops.Critical
		case sub.Kind == "Group" && sub.Name == "system:masters":
			severity = ops.Low // has all rights anyway
		}
		if severity > s {
			who, s = sub.String(), severity
			if severity == ops.High {
				who += ", which runs a controller,"
			}
		}
	}
	return who, s
}
