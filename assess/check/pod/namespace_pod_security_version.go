package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var namespacePodSecurityVersion = &check.Check{
	ID: "k8s-namespace-pod-security-version", Name: "namespace-pod-security-version", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K15"},
	Practices: []string{"pod-security-restricted"},
	Facts:     []check.Fact{{Number: 1, Strength: check.Supporting}},
	Kinds:     []string{"Namespace"},
	Object: func(p *check.Pass, o *graph.Object) {
		labels := o.Labels()
		level := labels.Node.Get(enforceLabel)
		if o.Group() != "" || level.IsNull() || level.Text() == podsecurity.Privileged.String() {
			p.Skip()
			return
		}
		version := labels.Node.Get(versionLabel)
		minor, ok := podsecurity.ParseVersion(version.Text())
		switch {
		case version.IsNull():
			p.Fail(level, "", "namespace %q enforces %s at no fixed version: an upgrade of the cluster may start to refuse its pods", o.Name, level.Text()).
				Fix("Add the label %s: %s.", versionLabel, pinned(p.Settings.KubeMinor)).
				SetIn(labels.Node, "", "{"+versionLabel+": "+pinned(p.Settings.KubeMinor)+"}")
		case pending(p, version, versionLabel):
		case !ok:
			p.Fail(version, "", "namespace %q asks for version %q, which is none: the API server refuses the label, and treats it as latest where it stands already", o.Name, version.Text()).As(ops.High).Set(pinned(p.Settings.KubeMinor))
		case minor == podsecurity.Latest:
			p.Fail(version, "", "namespace %q enforces %s at the latest version, whatever that is: an upgrade of the cluster may start to refuse its pods", o.Name, level.Text()).Set(pinned(p.Settings.KubeMinor))
		}
	},
}
