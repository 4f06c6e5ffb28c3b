package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressNginxRetired = &check.Check{
	ID: "k8s-ingress-nginx-retired", Name: "ingress-nginx-retired", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K35"},
	Practices: []string{"network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 25, Strength: check.Supporting}},
	Kinds:     []string{"Ingress", "IngressClass", "Deployment", "DaemonSet"},
	Object: func(p *check.Pass, o *graph.Object) {
		switch {
		case o.Kind == "Ingress":
			retiredIngress(p, o)
		case o.Kind == "IngressClass":
			if at := o.Spec().Get("controller"); at.Text() == retiredController {
				p.Fail(at, "", "this class is served by ingress-nginx, which has had no security fixes since March 2026")
			}
		case o.Pod != nil:
			found := false
			for c := range o.Pod.Each() {
				if at := c.Node.Get("image"); retiredImage(at.Text()) {
					found = true
					p.Fail(at, "", "container %q runs ingress-nginx, which has had no security fixes since March 2026, and faces the outside", c.Name).As(ops.High)
				}
			}
			if !found {
				p.Skip()
			}
		}
	},
}

const retiredController = "k8s.io/ingress-nginx"

func retiredImage(image string) bool {
	return strings.Contains(image, "ingress-nginx/controller") || strings.Contains(image, "kubernetes-ingress-controller/nginx-ingress-controller") ||
		strings.Contains(image, "rancher/nginx-ingress-controller")
}

// retiredIngress reports an Ingress that is served by ingress-nginx: its class
// says so, or it has annotations that only that controller reads.
func retiredIngress(p *check.Pass, o *graph.Object) {
	at := o.Spec().Get("ingressClassName")
	if !at.Exists() {
		at = o.Body.At("metadata", "annotations", "kubernetes.io/ingress.class")
	}
	class := at.Text()
	if c := p.Graph.Find("IngressClass", "", class); class != "" && c != nil {
		if c.Spec().Get("controller").Text() == retiredController {
			p.Fail(at, "", "class %q is served by ingress-nginx, which has had no security fixes since March 2026", class)
		}
		return
	}
	if class != "" && !strings.Contains(class, "nginx") {
		return
	}
	for k := range o.Body.At("metadata", "annotations").Fields() {
		if strings.HasPrefix(k.Text(), "nginx.ingress.kubernetes.io/") {
			if class == "" {
				at = o.Body.At("metadata", "annotations")
			}
			p.Fail(at, "", "annotation %s is for ingress-nginx, which has had no security fixes since March 2026", k.Text())
			return
		}
	}
	if c := p.Elsewhere("IngressClass", "", class); c != nil && c.Spec().Get("controller").Text() == retiredController {
		p.Fail(at, "", "class %q is served by ingress-nginx, which has had no security fixes since March 2026", class)
		return
	}
	if class == "nginx" {
		p.Unknown(at, "", "the IngressClass %q is not in this repository: it may be the retired ingress-nginx or another controller", class)
	}
}
