package podsecurity

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

func privilegeEscalation(s *scan) {
	if s.windows() {
		return
	}
	for c := range s.pod.Each() {
		if !c.Security().Get("allowPrivilegeEscalation").False() {
			s.add(c, c.Node, "securityContext.allowPrivilegeEscalation", "does not deny privilege escalation")
		}
	}
}

// DropsAll reports whether a container drops all capabilities, in the one
// spelling that the standards accept.
func DropsAll(c *graph.Container) bool {
	for _, n := range c.Security().At("capabilities", "drop").Items() {
		if n.Text() == "ALL" {
			return true
		}
	}
	return false
}

// RestrictedCapability reports whether the restricted level allows a
// capability to be added.
func RestrictedCapability(name string) bool { return name == "NET_BIND_SERVICE" }

func capabilities(s *scan) {
	if s.windows() {
		return
	}
	for c := range s.pod.Each() {
		if !DropsAll(c) {
			s.add(c, c.Node, "securityContext.capabilities.drop", "does not drop ALL capabilities")
		}
		for _, n := range c.Security().At("capabilities", "add").Items() {
			if !RestrictedCapability(n.Text()) {
				s.add(c, n, "", "adds the capability "+n.Text())
			}
		}
	}
}

var allowedVolumes = [...]string{
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image",
	"persistentVolumeClaim", "projected", "secret",
}

var refusedVolumes = [...]string{
	"hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs",
	"rbd", "flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte",
	"azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos",
}

// RefusedVolume returns the source of a volume if its type is none that the
// restricted level allows, with the type's name. A volume without a source
// becomes an emptyDir and is allowed.
func RefusedVolume(volume tree.Node) (source tree.Node, kind string) {
	for _, k := range allowedVolumes {
		if volume.Has(k) {
			return tree.Node{}, ""
		}
	}
	for _, k := range refusedVolumes {
		if volume.Has(k) {
			return volume.Get(k), k
		}
	}
	return tree.Node{}, ""
}

func volumes(s *scan) {
	for _, v := range s.pod.Spec.Get("volumes").Items() {
		if source, kind := RefusedVolume(v); kind != "" {
			s.add(nil, source, "", "has the volume "+quote(v.Get("name").Text())+" of type "+kind)
		}
	}
}

func runAsNonRoot(s *scan) {
	if s.userNamespace() {
		return
	}
	pod := s.pod.Security().Get("runAsNonRoot")
	if pod.False() {
		s.add(nil, pod, "", "sets runAsNonRoot to false")
	}
	for c := range s.pod.Each() {
		n := c.Security().Get("runAsNonRoot")
		switch {
		case n.False():
			s.add(c, n, "", "sets runAsNonRoot to false")
		case n.IsNull() && pod.IsNull():
			s.add(c, s.pod.Spec, "securityContext.runAsNonRoot", "does not set runAsNonRoot")
		}
	}
}

func runAsUser(s *scan) {
	if s.userNamespace() {
		return
	}
	zero := func(c *graph.Container, sc tree.Node) {
		n := sc.Get("runAsUser")
		if v, ok := n.Int(); ok && v == 0 {
			s.add(c, n, "", "runs as user 0")
		}
	}
	zero(nil, s.pod.Security())
	for c := range s.pod.Each() {
		zero(c, c.Security())
	}
}

func seccompRestricted(s *scan) {
	if s.windows() {
		return
	}
	pod := s.pod.Security().Get("seccompProfile")
	if !pod.IsNull() && !SeccompType(pod.Get("type").Str()) {
		s.add(nil, pod, "type", "sets the seccomp profile type "+quote(pod.Get("type").Str()))
	}
	for c := range s.pod.Each() {
		p := c.Security().Get("seccompProfile")
		switch {
		case p.IsNull() && pod.IsNull():
			s.add(c, s.pod.Spec, "securityContext.seccompProfile.type", "sets no seccomp profile")
		case !p.IsNull() && !SeccompType(p.Get("type").Str()):
			s.add(c, p, "type", "sets the seccomp profile type "+quote(p.Get("type").Str()))
		}
	}
}
