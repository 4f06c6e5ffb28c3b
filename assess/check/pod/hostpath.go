package pod

import (
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// hostMount is a folder or file of the node that a pod mounts.
type hostMount struct {
	// name is the volume's; at is its hostPath.path.
	name string
	at   tree.Node
	// path is cleaned, shown is as written.
	path, shown string
	// used tells whether any container mounts it, writable whether one may
	// write to it.
	used, writable bool
}

// eachHostMount calls yield for each hostPath volume of a pod.
func eachHostMount(pod *graph.Pod, yield func(hostMount)) {
	for _, v := range pod.Spec.Get("volumes").Items() {
		source := v.Get("hostPath")
		if source.IsNull() {
			continue
		}
		m := hostMount{name: v.Get("name").Text(), at: source.Get("path"), shown: source.Get("path").Text()}
		m.path = clean(m.shown)
		if !m.at.Exists() {
			m.at = source
		}
		narrow, sub := true, ""
		for c := range pod.Each() {
			for _, mount := range c.Node.Get("volumeMounts").Items() {
				if mount.Get("name").Text() != m.name {
					continue
				}
				if s := mount.Get("subPath").Text(); s == "" || (m.used && s != sub) {
					narrow = false
				} else {
					sub = s
				}
				m.used = true
				m.writable = m.writable || !mount.Get("readOnly").True()
			}
		}
		if narrow && sub != "" {
			m.shown = m.shown + "/" + sub
			m.path = clean(m.shown)
		}
		yield(m)
	}
}

// clean returns a path without detours, with /run for /var/run, which are the
// same folder on every Linux of today.
func clean(p string) string {
	if !strings.HasPrefix(p, "/") {
		return p
	}
	p = path.Clean(p)
	if p == "/var/run" || strings.HasPrefix(p, "/var/run/") {
		p = strings.TrimPrefix(p, "/var")
	}
	return p
}

func within(p, dir string) bool {
	return p == dir || dir == "/" || (strings.HasPrefix(p, dir) && p[len(dir)] == '/')
}

// sensitivePath is a part of a node's file system. The severities are those of
// reading and of writing it, 0 for what does no harm.
type sensitivePath struct {
	dir string
	// below tells whether what lies in it is as sensitive.
	below       bool
	read, write ops.Severity
	holds       string
}

// sensitivePaths are in the order in which they are tried, the narrow before
// the wide.
var sensitivePaths = []sensitivePath{
	{"/etc/localtime", true, 0, ops.Medium, "the node's time zone"},
	{"/etc/timezone", true, 0, ops.Medium, "the node's time zone"},
	{"/etc/machine-id", true, 0, ops.Medium, "the node's id"},
	{"/etc/hostname", true, 0, ops.Medium, "the node's name"},
	{"/etc/os-release", true, 0, ops.Medium, "the node's release"},
	{"/etc/resolv.conf", true, 0, ops.High, "the node's resolver"},
	{"/etc/ssl", true, 0, ops.High, "the node's trusted certificates"},
	{"/etc/pki", true, 0, ops.High, "the node's trusted certificates"},
	{"/etc/ca-certificates", true, 0, ops.High, "the node's trusted certificates"},
	{"/etc/cni", true, ops.Medium, ops.High, "the configuration of the pods' network"},
	{"/etc/kubernetes", true, ops.High, ops.Critical, "the keys and static pods of the cluster"},
	{"/etc", true, ops.High, ops.Critical, "the node's configuration, accounts and keys"},
	{"/root", true, ops.High, ops.Critical, "the home of the node's administrator"},
	{"/home/kubernetes/bin", true, 0, ops.High, "the programs that set up the pods' network as root"},
	{"/home", true, ops.High, ops.Critical, "the homes of the node's users, with their keys"},
	{"/boot", true, ops.Medium, ops.Critical, "the node's kernel"},
	{"/usr/share", true, 0, ops.High, "the node's programs"},
	{"/usr/src", true, 0, ops.High, "the node's kernel sources"},
	{"/usr/lib/modules", true, 0, ops.Critical, "the node's kernel modules"},
	{"/lib/modules", true, 0, ops.Critical, "the node's kernel modules"},
	{"/usr", true, ops.Medium, ops.Critical, "the node's programs"},
	{"/bin", true, ops.Medium, ops.Critical, "the node's programs"},
	{"/sbin", true, ops.Medium, ops.Critical, "the node's programs"},
	{"/lib", true, ops.Medium, ops.Critical, "the node's libraries"},
	{"/lib64", true, ops.Medium, ops.Critical, "the node's libraries"},
	{"/opt/cni/bin", true, 0, ops.High, "the programs that set up the pods' network as root"},
	{"/dev/shm", true, ops.Medium, ops.High, "memory shared with the node's processes"},
	{"/dev", false, ops.High, ops.Critical, "the node's disks and devices"},
	{"/proc", true, ops.High, ops.Critical, "the node's processes and kernel settings"},
	{"/sys", true, 0, ops.High, "the node's kernel settings"},
	{"/var/lib/kubelet/plugins", true, 0, ops.Medium, "the sockets of storage drivers"},
	{"/var/lib/kubelet/plugins_registry", true, 0, ops.Medium, "the sockets of storage drivers"},
	{"/var/lib/kubelet/device-plugins", true, 0, ops.Medium, "the sockets of device plugins"},
	{"/var/lib/kubelet/pod-resources", true, 0, ops.Medium, "the kubelet's list of devices"},
	{"/var/lib/kubelet/pods", true, ops.High, ops.High, "the volumes, secrets and tokens of all pods of the node"},
	{"/var/lib/kubelet", true, ops.High, ops.Critical, "the kubelet's keys and the secrets and tokens of all pods"},
	{"/var/lib/etcd", true, ops.Critical, ops.Critical, "the cluster's database, with every secret"},
	{"/var/lib/docker/containers", true, 0, ops.High, "the logs and settings of all containers"},
	{"/var/lib/docker", true, ops.High, ops.Critical, "the files of all containers"},
	{"/var/lib/containerd", true, ops.High, ops.Critical, "the files of all containers"},
	{"/var/lib/containers", true, ops.High, ops.Critical, "the files of all containers"},
	{"/var/lib/rancher", true, ops.High, ops.Critical, "the cluster's keys and database"},
	{"/var/log", false, 0, ops.High, "the node's logs, through which the kubelet can be made to read any file"},
	{"/var/lib", false, ops.High, ops.Critical, "the kubelet's keys and the files of all pods"},
	{"/var", false, ops.High, ops.Critical, "the kubelet's keys and the files of all pods"},
	{"/run", false, ops.High, ops.Critical, "the sockets of the node's services"},
	{"/", false, ops.High, ops.Critical, "the whole node"},
}

// sensitivity finds what a path of the node holds, nil if nothing special.
func sensitivity(p string) *sensitivePath {
	for i := range sensitivePaths {
		s := &sensitivePaths[i]
		if p == s.dir || (s.below && within(p, s.dir)) {
			return s
		}
	}
	return nil
}

// runtimeSockets are the sockets by which container runtimes are commanded,
// with /run for /var/run.
var runtimeSockets = [...]string{
	"/run/docker.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock",
	"/run/dockershim.sock", "/run/podman/podman.sock", "/run/k3s/containerd/containerd.sock",
	"/run/k0s/containerd.sock", "/run/docker/containerd/containerd.sock",
}

// runtimeSocket returns the runtime's socket that a mounted path is or holds.
// The root folder is left to the check of sensitive paths.
func runtimeSocket(p string) string {
	if strings.HasPrefix(p, `\\.\pipe\`) {
		if strings.HasSuffix(p, "docker_engine") || strings.HasSuffix(p, "containerd-containerd") {
			return p
		}
		return ""
	}
	if p == "/" || p == "/var" {
		return ""
	}
	for _, s := range runtimeSockets {
		if within(s, p) {
			return s
		}
	}
	switch path.Base(p) {
	case "docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock", "podman.sock":
		return p
	}
	return ""
}
