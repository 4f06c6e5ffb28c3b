package image

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var imageVerification = &check.Check{
	ID: "k8s-image-verification", Name: "image-verification", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K55"},
	Practices: []string{"image-signatures"},
	Facts:     []check.Fact{{Number: 21, Strength: check.Direct}},
	Once:      true,
	Unit: func(p *check.Pass) {
		here := survey(p.Graph)
		for _, v := range here.found {
			if v.weak == "" {
				p.On(v.object).Good(v.at)
			} else {
				p.On(v.object).Fail(v.at, "", "%s verifies image signatures but %s", v.object.Ref, v.weak)
			}
		}
		workload := firstWorkload(p.Graph)
		if len(here.found) > 0 || workload == nil {
			return
		}
		engine := here.engine
		for _, g := range p.Others {
			there := survey(g)
			if len(there.found) > 0 {
				return
			}
			if engine == nil && there.engine != nil {
				engine = there.engine
			}
		}
		switch {
		case here.engine != nil:
			p.On(here.engine).Fail(here.engine.Body.Get("kind"), "", "policies are kept here, such as %s, but none verifies who signed the images", here.engine.Ref)
		case engine != nil:
			p.On(workload).Fail(workload.Body.Get("kind"), "", "policies are kept in this repository, such as %s, but none verifies who signed the images", engine.Ref)
		default:
			p.On(workload).Unknown(workload.Body.Get("kind"), "", "whether image signatures are verified cannot be told: no admission policy of any engine is in the repository")
		}
	},
}

// verifier is an object that verifies image signatures; weak says why it does
// not keep unsigned images out.
type verifier struct {
	object *graph.Object
	at     tree.Node
	weak   string
}

// verifiers is what a graph holds of policies: those that verify signatures,
// and the first policy of any engine.
type verifiers struct {
	found  []verifier
	engine *graph.Object
}

type surveyKey struct{}

func survey(g *graph.Graph) *verifiers {
	return g.Derive(surveyKey{}, func(g *graph.Graph) any {
		v := &verifiers{}
		for _, kind := range policyKinds {
			for _, o := range g.Kind(kind) {
				v.look(o)
			}
		}
		return v
	}).(*verifiers)
}

// policyKinds are the kinds of objects that admission engines are told by.
var policyKinds = [...]string{
	"ClusterPolicy", "Policy", "ImageValidatingPolicy", "NamespacedImageValidatingPolicy", "ValidatingPolicy",
	"ClusterImagePolicy", "ImagePolicy", "Verifier", "NamespacedVerifier", "KeyManagementProvider",
	"ConstraintTemplate", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
	"ImageSecurityPolicy", "ClusterAdmissionPolicy",
}

func (v *verifiers) look(o *graph.Object) {
	add := func(at tree.Node, weak string) { v.found = append(v.found, verifier{o, at, weak}) }
	spec := o.Spec()
	switch group := o.Group(); {
	case group == "kyverno.io" && (o.Kind == "ClusterPolicy" || o.Kind == "Policy"):
		for _, rule := range spec.Get("rules").Items() {
			if images := rule.Get("verifyImages"); images.Len() > 0 {
				add(images, kyvernoWeak(spec, images))
			}
		}
	case group == "policies.kyverno.io" && strings.HasSuffix(o.Kind, "ImageValidatingPolicy"):
		weak := "only audits"
		for _, a := range spec.Get("validationActions").Items() {
			if a.Text() == "Deny" {
				weak = ""
			}
		}
		if spec.Get("validationActions").Len() == 0 {
			weak = ""
		}
		add(o.Body.Get("kind"), weak)
	case group == "policy.sigstore.dev" && o.Kind == "ClusterImagePolicy":
		weak := ""
		if spec.Get("mode").Text() == "warn" {
			weak = "only warns"
		}
		add(o.Body.Get("kind"), weak)
	case group == "config.openshift.io" && (o.Kind == "ClusterImagePolicy" || o.Kind == "ImagePolicy"),
		group == "portieris.cloud.ibm.com",
		strings.HasPrefix(group, "config.ratify.") && strings.HasSuffix(o.Kind, "Verifier"),
		strings.HasSuffix(o.Kind, "WebhookConfiguration") && strings.Contains(o.Name, "connaisseur"),
		o.Kind == "ClusterAdmissionPolicy" && strings.Contains(spec.Get("module").Text(), "verify-image-signatures"):
		add(o.Body.Get("kind"), "")
		return
	case strings.HasSuffix(o.Kind, "WebhookConfiguration"):
		return // any operator has one
	}
	if v.engine == nil && engineGroup(o.Group()) {
		v.engine = o
	}
}

func engineGroup(group string) bool {
	switch group {
	case "kyverno.io", "policies.kyverno.io", "policy.sigstore.dev", "templates.gatekeeper.sh", "policies.kubewarden.io":
		return true
	}
	return false
}

// kyvernoWeak says why a Kyverno rule does not keep unsigned images out. The
// action stands in the rule, or for all rules in the policy; without either
// Kyverno audits.
func kyvernoWeak(spec, images tree.Node) string {
	policy := spec.Get("validationFailureAction").Text()
	for _, i := range images.Items() {
		if i.Get("required").False() {
			return "does not require them"
		}
		action := i.Get("failureAction").Text()
		if action == "" {
			action = policy
		}
		if !strings.EqualFold(action, "Enforce") {
			return "only audits"
		}
	}
	return ""
}

func firstWorkload(g *graph.Graph) *graph.Object {
	for _, o := range g.Objects {
		if o.Pod != nil {
			return o
		}
	}
	return nil
}
