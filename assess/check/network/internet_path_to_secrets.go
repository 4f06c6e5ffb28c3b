package network

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var internetPathToSecrets = &check.Check{
	ID: "k8s-internet-path-to-secrets", Name: "internet-path-to-secrets", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K36"},
	Practices: []string{"network-exposure-controlled", "segmentation"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}, {Number: 16, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		path, _ := published(pod.Object)
		if path == nil || pod.Finite() || edgeProxy(pod) {
			p.Skip()
			return
		}
		way := "internet"
		for _, o := range path {
			way += " → " + o.Kind + " " + o.Name
		}
		way += " → " + pod.Object.Kind + " " + pod.Object.Name
		at := pod.Template.At("metadata", "labels")
		if !at.Exists() {
			at = pod.Object.Body.At("metadata", "name")
		}
		if token(pod) {
			if what := wire.ReadsSecrets(p.Graph, pod); what != "" {
				name, _ := pod.ServiceAccount()
				p.Fail(at, "", "%s → account %s, which may read %s: one flaw in the program opens them all", way, name, what).As(ops.High)
				return
			}
		}
		if names := held(pod.Object); len(names) > 0 && !isolated(p, pod, egress) {
			p.Fail(at, "", "%s → %s, and nothing restricts where the pod may send them", way, secretsText(names)).
				Fix("Restrict outgoing traffic of %s by a network policy, or keep the Secrets in a workload that is not published.", pod.Object)
		}
	},
}

// token reports whether the pods carry their account's token.
func token(pod *graph.Pod) bool {
	if at := pod.Spec.Get("automountServiceAccountToken"); !at.IsNull() {
		return at.True()
	}
	for e := range pod.Object.Out(graph.RunsAs) {
		return !e.To.Body.Get("automountServiceAccountToken").False()
	}
	return true
}

// held returns the names of the Secrets that the pods read, without pull
// credentials and certificates.
func held(o *graph.Object) (names []string) {
	add := func(name string) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		names = append(names, name)
	}
	for e := range o.Out(graph.Uses) {
		if pull := e.At.Parent().Parent(); pull.Key().Text() == "imagePullSecrets" {
			continue
		}
		switch e.To.Kind {
		case "ConfigMap", "Certificate", "Bundle", "SecretProviderClass", "Ingress", "Gateway", "Service":
		case "Secret":
			if t := e.To.Body.Get("type").Text(); !strings.HasPrefix(t, "kubernetes.io/tls") {
				add(e.To.Name)
			}
		default:
			add(e.At.Text())
		}
	}
	return names
}

func secretsText(names []string) string {
	if len(names) == 1 {
		return "Secret " + names[0]
	}
	if len(names) > 3 {
		return fmt.Sprintf("%d Secrets (%s, ...)", len(names), strings.Join(names[:3], ", "))
	}
	return "Secrets " + strings.Join(names, ", ")
}
