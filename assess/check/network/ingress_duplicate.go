package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressDuplicate = &check.Check{
	ID: "k8s-ingress-duplicate", Name: "ingress-duplicate", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K34"},
	Practices: []string{"network-exposure-controlled", "wiring"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Unit: func(p *check.Pass) {
		first := map[request]claim{}
		for _, o := range p.Graph.Kind("Ingress") {
			if !claims(o) {
				continue
			}
			for _, r := range o.Spec().Get("rules").Items() {
				for _, path := range r.At("http", "paths").Items() {
					at := request{ingressClass(o), strings.ToLower(r.Get("host").Text()), pathOf(path), path.Get("pathType").Text()}
					before, taken := first[at]
					if !taken {
						first[at] = claim{o, path.Get("backend")}
						continue
					}
					duplicate(p, o, path, at, before)
				}
			}
		}
	},
}

// request is what requests are told apart by.
type request struct{ class, host, path, pathType string }

type claim struct {
	o       *graph.Object
	backend tree.Node
}

func pathOf(path tree.Node) string {
	if t := path.Get("path").Text(); t != "" {
		return t
	}
	return "/"
}

func ingressClass(o *graph.Object) string {
	if c := o.Spec().Get("ingressClassName").Text(); c != "" {
		return c
	}
	return o.Annotation("kubernetes.io/ingress.class")
}

// claims reports whether the Ingress claims its paths for itself: canaries
// share them on purpose, and the paths of some controllers have conditions.
func claims(o *graph.Object) bool {
	for k, v := range o.Body.At("metadata", "annotations").Fields() {
		t := k.Text()
		if (t == "nginx.ingress.kubernetes.io/canary" && v.Text() == "true") || strings.HasPrefix(t, "alb.ingress.kubernetes.io/conditions.") ||
			t == "alb.ingress.kubernetes.io/group.order" || t == "traefik.ingress.kubernetes.io/router.priority" || t == "nginx.ingress.kubernetes.io/server-alias" {
			return false
		}
	}
	return true
}

func duplicate(p *check.Pass, o *graph.Object, path tree.Node, at request, before claim) {
	host := at.host
	if host == "" {
		host = "any host"
	}
	where := path.Get("path")
	if !where.Exists() {
		where = path
	}
	p.On(o)
	if before.o == o {
		p.Fail(where, "", "%s%s stands twice in this Ingress", host, at.path)
		return
	}
	p.Fail(where, "", "%s%s is claimed by %s too: which one answers is left to the controller", host, at.path, before.o)
}
