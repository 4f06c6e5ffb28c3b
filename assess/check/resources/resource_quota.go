package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var resourceQuota = &check.Check{
	ID: "k8s-resource-quota", Name: "resource-quota", Pages: pages,
	Absence:   true,
	Severity:  ops.Low,
	Ideas:     []string{"K53"},
	Practices: []string{"availability"},
	Facts:     declared,
	Kinds:     []string{"Namespace"},
	Object: func(p *check.Pass, o *graph.Object) {
		guard(p, o, "ResourceQuota", "nothing bounds what namespace %[2]q with its %[1]s takes of the cluster: it has no ResourceQuota")
	},
}
