package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var userNamespace = &check.Check{
	ID: "k8s-user-namespace", Name: "user-namespace", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K16"},
	Practices: leastPrivilege,
	Facts:     hardened,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if !canHaveUserNamespace(p, pod) {
			p.Skip()
			return
		}
		if podsecurity.UserNamespace(pod) {
			return
		}
		for c := range pod.Each() {
			if why := gainsFromUserNamespace(c); why != "" {
				p.Fail(pod.Spec, "hostUsers", "container %q %s, and would be nobody on the node in a user namespace of its own: hostUsers: false is possible here", c.Name, why).Set("false")
				return
			}
		}
	},
}

// canHaveUserNamespace reports whether the API server and the kubelet would
// accept hostUsers: false: on by default since 1.33, on Linux, without other
// host namespaces, raw block devices, or file systems known not to map ids.
func canHaveUserNamespace(p *check.Pass, pod *graph.Pod) bool {
	if (p.Settings.KubeMinor != 0 && p.Settings.KubeMinor < 33) || pod.Windows() {
		return false
	}
	for _, field := range [...]string{"hostNetwork", "hostPID", "hostIPC"} {
		if pod.Spec.Get(field).True() {
			return false
		}
	}
	for _, v := range pod.Spec.Get("volumes").Items() {
		if v.Has("nfs") || v.Has("hostPath") || v.Has("cephfs") || v.Has("glusterfs") {
			return false
		}
	}
	for c := range pod.Each() {
		if c.Node.Get("volumeDevices").Len() > 0 || c.Security().Get("privileged").True() {
			return false
		}
	}
	return true
}

// gainsFromUserNamespace says why a container would be safer in one, "" if it
// has no power that a user namespace would take the edge off.
func gainsFromUserNamespace(c *graph.Container) string {
	for _, n := range c.Security().At("capabilities", "add").Items() {
		if !podsecurity.RestrictedCapability(n.Text()) {
			return "adds the capability " + n.Text()
		}
	}
	user, given := effective(c, "runAsUser").Int()
	switch {
	case given && user == 0:
		return "runs as root"
	case !given && !effective(c, "runAsNonRoot").True():
		return "may run as root"
	}
	return ""
}
