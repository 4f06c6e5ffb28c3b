package podsecurity

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

const (
	appArmorAnnotation  = "container.apparmor.security.beta.kubernetes.io/"
	seccompAnnotation   = "seccomp.security.alpha.kubernetes.io/pod"
	seccompOfContainers = "container.seccomp.security.alpha.kubernetes.io/"
)

// AppArmorType reports whether the standards allow a value of
// appArmorProfile.type.
func AppArmorType(t string) bool { return t == "RuntimeDefault" || t == "Localhost" }

// AppArmorAnnotation reports whether an annotation key sets an AppArmor
// profile, and for which container.
func AppArmorAnnotation(key string) (container string, ok bool) {
	return strings.CutPrefix(key, appArmorAnnotation)
}

// AppArmorAnnotationValue reports whether the standards allow an annotation's
// value.
func AppArmorAnnotationValue(v string) bool {
	return v == "" || v == "runtime/default" || strings.HasPrefix(v, "localhost/")
}

func appArmor(s *scan) {
	profile := func(c *graph.Container, sc tree.Node) {
		p := sc.Get("appArmorProfile")
		if t := p.Get("type"); !p.IsNull() && !AppArmorType(t.Str()) {
			s.add(c, p, "type", "sets the AppArmor profile type "+quote(t.Str()))
		}
	}
	profile(nil, s.pod.Security())
	for c := range s.pod.Each() {
		profile(c, c.Security())
	}
	for k, v := range s.pod.Template.At("metadata", "annotations").Fields() {
		if name, ok := AppArmorAnnotation(k.Text()); ok && !AppArmorAnnotationValue(v.Str()) {
			s.add(nil, v, "", "sets the AppArmor profile "+quote(v.Str())+" for container "+quote(name))
		}
	}
}

// defaultCapabilities are those that a container has unless they are dropped,
// without NET_RAW, which is not allowed to be added.
var defaultCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// BaselineCapability reports whether the baseline level allows a capability to
// be added.
func BaselineCapability(name string) bool { return slices.Contains(defaultCapabilities, name) }

func addedCapabilities(s *scan) {
	for c := range s.pod.Each() {
		for _, n := range c.Security().At("capabilities", "add").Items() {
			if !BaselineCapability(n.Text()) {
				s.add(c, n, "", "adds the capability "+n.Text())
			}
		}
	}
}

func hostNamespaces(s *scan) {
	for _, field := range [...]string{"hostNetwork", "hostPID", "hostIPC"} {
		if n := s.pod.Spec.Get(field); n.True() {
			s.add(nil, n, "", "sets "+field)
		}
	}
}

func hostPaths(s *scan) {
	for _, v := range s.pod.Spec.Get("volumes").Items() {
		if n := v.Get("hostPath"); !n.IsNull() {
			s.add(nil, n, "", "has the hostPath volume "+quote(v.Get("name").Text()))
		}
	}
}

func hostPorts(s *scan) {
	for c := range s.pod.Each() {
		for _, p := range c.Node.Get("ports").Items() {
			if n := p.Get("hostPort"); n.IntOr(0) != 0 {
				s.add(c, n, "", "takes host port "+n.Text())
			}
		}
	}
}

// HandlerHosts calls yield for each host that a probe or lifecycle hook of a
// container names, with the field that names it.
func HandlerHosts(c *graph.Container, yield func(handler string, host tree.Node)) {
	look := func(name string, handler tree.Node) {
		for _, kind := range [...]string{"httpGet", "tcpSocket"} {
			if h := handler.At(kind, "host"); h.Str() != "" {
				yield(name, h)
			}
		}
	}
	for _, probe := range [...]string{"livenessProbe", "readinessProbe", "startupProbe"} {
		look(probe, c.Node.Get(probe))
	}
	life := c.Node.Get("lifecycle")
	look("postStart", life.Get("postStart"))
	look("preStop", life.Get("preStop"))
}

func handlerHosts(s *scan) {
	for c := range s.pod.Each() {
		HandlerHosts(c, func(handler string, host tree.Node) {
			s.add(c, host, "", handler+" names the host "+quote(host.Str()))
		})
	}
}

func privileged(s *scan) {
	for c := range s.pod.Each() {
		if n := c.Security().Get("privileged"); n.True() {
			s.add(c, n, "", "is privileged")
		}
	}
}

func procMount(s *scan) {
	if !s.userNamespace() {
		maskedProc(s)
	}
}

func maskedProc(s *scan) {
	for c := range s.pod.Each() {
		if n := c.Security().Get("procMount"); !n.IsNull() && n.Str() != "Default" {
			s.add(c, n, "", "sets procMount "+quote(n.Str()))
		}
	}
}

// SELinuxType reports whether the standards of a minor version allow a value
// of seLinuxOptions.type.
func SELinuxType(t string, minor int) bool {
	switch t {
	case "", "container_t", "container_init_t", "container_kvm_t":
		return true
	case "container_engine_t":
		return minor < 0 || minor >= 31
	}
	return false
}

func seLinux(s *scan) {
	options := func(c *graph.Container, sc tree.Node) {
		o := sc.Get("seLinuxOptions")
		if t := o.Get("type"); !SELinuxType(t.Str(), s.minor) {
			s.add(c, t, "", "sets the SELinux type "+quote(t.Str()))
		}
		for _, field := range [...]string{"user", "role"} {
			if n := o.Get(field); n.Str() != "" {
				s.add(c, n, "", "sets an SELinux "+field)
			}
		}
	}
	options(nil, s.pod.Security())
	for c := range s.pod.Each() {
		options(c, c.Security())
	}
}

// SeccompType reports whether the standards allow a value of
// seccompProfile.type.
func SeccompType(t string) bool { return t == "RuntimeDefault" || t == "Localhost" }

func seccompBaseline(s *scan) {
	if s.minor < 19 {
		seccompAnnotations(s)
		return
	}
	profile := func(c *graph.Container, sc tree.Node) {
		if p := sc.Get("seccompProfile"); !p.IsNull() && !SeccompType(p.Get("type").Str()) {
			s.add(c, p, "type", "sets the seccomp profile type "+quote(p.Get("type").Str()))
		}
	}
	profile(nil, s.pod.Security())
	for c := range s.pod.Each() {
		profile(c, c.Security())
	}
}

func seccompAnnotations(s *scan) {
	all := s.pod.Template.At("metadata", "annotations")
	look := func(c *graph.Container, n tree.Node) {
		v := n.Str()
		if n.Exists() && v != "runtime/default" && v != "docker/default" && !strings.HasPrefix(v, "localhost/") {
			s.add(c, n, "", "sets the seccomp profile "+quote(v)+" by annotation")
		}
	}
	look(nil, all.Get(seccompAnnotation))
	for c := range s.pod.Each() {
		look(c, all.Get(seccompOfContainers+c.Name))
	}
}

// safeSysctls are the sysctls that a pod may set, each with the first minor
// version of the standards that allows it.
var safeSysctls = []struct {
	name  string
	since int
}{
	{"kernel.shm_rmid_forced", 0},
	{"net.ipv4.ip_local_port_range", 0},
	{"net.ipv4.tcp_syncookies", 0},
	{"net.ipv4.ping_group_range", 0},
	{"net.ipv4.ip_unprivileged_port_start", 0},
	{"net.ipv4.ip_local_reserved_ports", 27},
	{"net.ipv4.tcp_keepalive_time", 29},
	{"net.ipv4.tcp_fin_timeout", 29},
	{"net.ipv4.tcp_keepalive_intvl", 29},
	{"net.ipv4.tcp_keepalive_probes", 29},
	{"net.ipv4.tcp_rmem", 32},
	{"net.ipv4.tcp_wmem", 32},
	{"net.ipv4.tcp_slow_start_after_idle", 37},
	{"net.ipv4.tcp_notsent_lowat", 37},
}

// SafeSysctl reports whether the standards of a minor version allow a sysctl.
func SafeSysctl(name string, minor int) bool {
	for _, s := range safeSysctls {
		if s.name == name {
			return minor < 0 || minor >= s.since
		}
	}
	return false
}

func sysctls(s *scan) {
	for _, n := range s.pod.Security().Get("sysctls").Items() {
		if name := n.Get("name"); !SafeSysctl(name.Text(), s.minor) {
			s.add(nil, n, "name", "sets the sysctl "+name.Text())
		}
	}
}

// HostProcess returns the field of a security context that makes a Windows
// container a process of its host, absent if none does.
func HostProcess(securityContext tree.Node) tree.Node {
	if n := securityContext.At("windowsOptions", "hostProcess"); n.True() {
		return n
	}
	return tree.Node{}
}

func hostProcess(s *scan) {
	if n := HostProcess(s.pod.Security()); n.Exists() {
		s.add(nil, n, "", "runs as a Windows host process")
	}
	for c := range s.pod.Each() {
		if n := HostProcess(c.Security()); n.Exists() {
			s.add(c, n, "", "runs as a Windows host process")
		}
	}
}

func quote(s string) string { return `"` + s + `"` }
