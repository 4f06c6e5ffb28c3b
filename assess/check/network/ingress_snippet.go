package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressSnippet = &check.Check{
	ID: "k8s-ingress-snippet", Name: "ingress-snippet", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K35"},
	Practices: []string{"network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Supporting}, {Number: 26, Strength: check.Supporting}},
	Kinds:     []string{"Ingress", "ConfigMap"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Kind == "ConfigMap" {
			at := o.Body.Get("data").Get("allow-snippet-annotations")
			if !at.Exists() {
				p.Skip()
			} else if strings.EqualFold(at.Text(), "true") {
				p.Fail(at, "", "the controller takes configuration text from any Ingress: who may edit one can read all its Secrets").As(ops.Medium).Set(`"false"`)
			}
			return
		}
		for k, v := range o.Body.At("metadata", "annotations").Fields() {
			if snippet(k.Text()) && v.Text() != "" {
				p.Fail(v, "", "%s puts raw text into the controller's configuration, which can hand out its token and with it Secrets of all namespaces", k.Text()).Fix("Remove %s and use an annotation or middleware made for the purpose.", k.Text())
			}
		}
	},
}

// snippet reports whether an annotation carries raw configuration.
func snippet(name string) bool {
	switch prefix, rest, _ := strings.Cut(name, "/"); prefix {
	case "nginx.ingress.kubernetes.io":
		return strings.HasSuffix(rest, "-snippet")
	case "nginx.org":
		return strings.HasSuffix(rest, "-snippets")
	case "haproxy.org", "haproxy-ingress.github.io":
		return strings.HasSuffix(rest, "config-snippet") || strings.HasPrefix(rest, "config-backend") || strings.HasPrefix(rest, "config-frontend")
	}
	return false
}
