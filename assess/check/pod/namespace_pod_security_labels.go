package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var namespacePodSecurityLabels = &check.Check{
	ID: "k8s-namespace-pod-security-labels", Name: "namespace-pod-security-labels", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K15"},
	Practices: []string{"pod-security-restricted"},
	Facts:     []check.Fact{{Number: 1, Strength: check.Direct}},
	Kinds:     []string{"Namespace"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != "" || system(o.Name) {
			p.Skip()
			return
		}
		labels := o.Labels()
		label := labels.Node.Get(enforceLabel)
		if label.Exists() && pending(p, label, enforceLabel) {
			return
		}
		r := reachOf(p, o.Name)
		if label.IsNull() {
			noLevel(p, o, r)
			return
		}
		level, ok := podsecurity.ParseLevel(label.Text())
		switch {
		case !ok:
			p.Fail(label, "", "namespace %q enforces %q, which is no level: the API server refuses the label, and treats it as restricted where it stands already", o.Name, label.Text()).As(ops.High).Ask("pod security level")
		case r.pods > 0 && r.level > level:
			p.Fail(label, "", "namespace %q enforces only %s, while all workloads that are here for it (%d) already meet %s", o.Name, level, r.pods, r.level).As(ops.Low).Set(r.level.String())
		case r.pods == 0 && level == podsecurity.Privileged:
			p.Fail(label, "", "namespace %q enforces privileged, which is nothing, and no workload here needs that", o.Name).As(ops.Low).Ask("pod security level")
		}
	},
}

// noLevel reports a namespace without a level, with the one that would do no
// harm today.
func noLevel(p *check.Pass, o *graph.Object, r reach) {
	why := "no Pod Security level is enforced in namespace " + quoted(o.Name) + ": privileged pods are accepted"
	switch {
	case r.pods == 0:
		p.Fail(o.Body, "metadata.labels", "%s", why)
	case r.level == podsecurity.Privileged:
		p.Fail(o.Body, "metadata.labels", "%s; %s meets not even baseline today", why, r.keeper.Ref)
	default:
		f := p.Fail(o.Body, "metadata.labels", "%s; all workloads that are here for it (%d) already meet %s", why, r.pods, r.level)
		f.Fix("Add the labels %s: %s and %s: %s.", enforceLabel, r.level, versionLabel, pinned(p.Settings.KubeMinor))
		f.Set("{" + enforceLabel + ": " + r.level.String() + ", " + versionLabel + ": " + pinned(p.Settings.KubeMinor) + "}")
	}
}
