package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var appArmorProfile = &check.Check{
	ID: "k8s-apparmor-profile", Name: "apparmor-profile", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K08"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if pod.Windows() {
			p.Skip()
			return
		}
		look := func(whose string, sc tree.Node) {
			profile := sc.Get("appArmorProfile")
			t := profile.Get("type")
			if profile.IsNull() || podsecurity.AppArmorType(t.Str()) || pending(p, t, "appArmorProfile.type") {
				return
			}
			p.Fail(profile, "type", "%s runs without AppArmor's confinement: appArmorProfile.type is %q", whose, t.Text()).Set("RuntimeDefault")
		}
		look("the pod", pod.Security())
		for c := range pod.Each() {
			look("container "+quoted(c.Name), c.Security())
		}
		for k, v := range pod.Template.At("metadata", "annotations").Fields() {
			name, ok := podsecurity.AppArmorAnnotation(k.Text())
			if ok && !podsecurity.AppArmorAnnotationValue(v.Str()) && !pending(p, v, "the AppArmor annotation") {
				p.Fail(v, "", "container %q runs without AppArmor's confinement: its annotation says %q", name, v.Text()).Remove()
			}
		}
	},
}
