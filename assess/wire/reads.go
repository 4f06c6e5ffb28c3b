package wire

import (
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
)

// ReadsSecrets says in words which Secrets the account of a pod may read
// through the API: "Secrets of all namespaces", "Secrets of namespace shop", or
// "" where none, or only some that are named one by one.
func ReadsSecrets(g *graph.Graph, pod *graph.Pod) string {
	account, _ := pod.ServiceAccount()
	found := ""
	for r := range g.Subjects("ServiceAccount", pod.Object.Namespace, account) {
		for e := range r.From.Out(graph.Grants) {
			for _, rule := range rbac.Rules(e.To) {
				if rule.Restricted() || !(rule.Allows("get", "", "secrets") || rule.Allows("list", "", "secrets") || rule.Allows("watch", "", "secrets")) {
					continue
				}
				if r.From.Kind == "ClusterRoleBinding" {
					return "Secrets of all namespaces"
				}
				if found = "Secrets of its namespace"; r.From.Namespace != "" {
					found = "Secrets of namespace " + r.From.Namespace
				}
			}
		}
		if _, name := rbac.RoleRef(r.From); name == "cluster-admin" && r.From.Kind == "ClusterRoleBinding" {
			return "Secrets of all namespaces"
		}
	}
	return found
}
