package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// linkOwners links owners to the objects that carry an ownerReference to them.
func linkOwners(g *graph.Graph) {
	for _, o := range g.Objects {
		for _, r := range o.Body.At("metadata", "ownerReferences").Items() {
			name := r.Get("name").Text()
			if owner := g.Find(r.Get("kind").Text(), o.Namespace, name); owner != nil && owner != o {
				g.Link(&graph.Edge{Kind: graph.Owns, From: owner, To: o, At: r})
			}
		}
	}
}

// linkDefinitions links CustomResourceDefinitions to their custom resources.
func linkDefinitions(g *graph.Graph) {
	for _, crd := range g.Kind("CustomResourceDefinition") {
		group, at := crd.Spec().Get("group").Text(), crd.Spec().At("names", "kind")
		for _, o := range g.Kind(at.Text()) {
			if o.Group() == group {
				g.Link(&graph.Edge{Kind: graph.Defines, From: crd, To: o, At: at})
			}
		}
	}
}

// linkCallbacks links webhook configurations, conversion webhooks and
// APIServices to the Service that answers for them.
func linkCallbacks(g *graph.Graph) {
	for _, kind := range [...]string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
		for _, o := range g.Kind(kind) {
			for _, w := range o.Body.Get("webhooks").Items() {
				linkCallback(g, o, "webhook", w.At("clientConfig", "service").Get("name"), w.At("clientConfig", "service").Get("namespace").Text())
			}
		}
	}
	for _, o := range g.Kind("CustomResourceDefinition") {
		conv := o.Spec().Get("conversion")
		if conv.Get("strategy").Text() != "Webhook" {
			continue
		}
		svc := conv.At("webhook", "clientConfig", "service")
		linkCallback(g, o, "conversion", svc.Get("name"), svc.Get("namespace").Text())
	}
	for _, o := range g.Kind("APIService") {
		svc := o.Spec().Get("service")
		linkCallback(g, o, "apiService", svc.Get("name"), svc.Get("namespace").Text())
	}
}

func linkCallback(g *graph.Graph, from *graph.Object, role string, at tree.Node, namespace string) {
	if at.Text() == "" {
		return
	}
	refer(g, &graph.Reference{Kind: graph.Calls, From: from, At: at, TargetKind: "Service", Namespace: namespace, Name: at.Text(), Role: role})
}
