// Package node runs one real Kubernetes node: containerd, a kubelet and
// kube-proxy in process, mount and network namespaces of their own.
//
// The namespaces are what makes it safe to have on a working machine. Mounts,
// interfaces, packet filter rules and sysctls of the node are seen by nobody
// else, several nodes stand side by side, and when the first process of the
// namespaces ends the kernel ends every other one and everything they had.
// What lies outside, a cgroup and one end of a network link, carries the
// node's number and is removed by whoever ends it.
package node

import (
	"fmt"
	"path/filepath"
)

// The numbers of nodes. A node's number is the second byte of every address
// of its cluster, so that clusters do not collide and this machine can route
// to each of them.
const (
	firstNumber = 128
	lastNumber  = 250
)

// Number is a node's number on this machine.
type Number int

// Host is the address of this machine on the link to the node. The API server
// listens there, and pods reach this machine by it.
func (n Number) Host() string { return fmt.Sprintf("10.%d.255.1", n) }

// Node is the address of the node.
func (n Number) Node() string { return fmt.Sprintf("10.%d.255.2", n) }

// Network is the CIDR of all addresses of the cluster.
func (n Number) Network() string { return fmt.Sprintf("10.%d.0.0/16", n) }

// Pods is the CIDR of the cluster's pods.
func (n Number) Pods() string { return fmt.Sprintf("10.%d.0.0/17", n) }

// NodePods is the part of Pods that the node has: it is the only one.
func (n Number) NodePods() string { return fmt.Sprintf("10.%d.0.0/24", n) }

// Services is the CIDR of the cluster's services.
func (n Number) Services() string { return fmt.Sprintf("10.%d.128.0/18", n) }

// KubeService is the address of the API server's own service.
func (n Number) KubeService() string { return fmt.Sprintf("10.%d.128.1", n) }

// DNS is the address of the cluster's DNS service.
func (n Number) DNS() string { return fmt.Sprintf("10.%d.128.10", n) }

// cgroup is the name of the cgroup below which the pods run.
func (n Number) cgroup() string { return fmt.Sprintf("aeo-cluster-%d", n) }

// link is the name of this machine's end of the link.
func (n Number) link() string { return fmt.Sprintf("aeo-c%d", n) }

// Plan is what a node is made from.
type Plan struct {
	// Name is the node's name in the cluster.
	Name string `json:"name"`
	// Dir is the run directory of the cluster. Its subdirectory "node" is the
	// node's; logs go to "log".
	Dir string `json:"dir"`
	// Number is the node's.
	Number Number `json:"number"`
	// Kubelet and Proxy are the paths of the programs.
	Kubelet string `json:"kubelet"`
	// Proxy is the path of kube-proxy.
	Proxy string `json:"proxy"`
	// Plugins is the folder of the CNI plugins.
	Plugins string `json:"plugins"`
	// Overlay says whether containers' root file systems can be overlays; else
	// they are copies.
	Overlay bool `json:"overlay"`
}

func (p Plan) at(parts ...string) string {
	return filepath.Join(append([]string{p.Dir, "node"}, parts...)...)
}

// The files that the one who joins the node to a cluster puts into Files.
const (
	// CAFile is the authority of the API server and its clients.
	CAFile = "ca.crt"
	// ServingCert is the kubelet's serving certificate; ServingKey its key.
	ServingCert = "kubelet.crt"
	// ServingKey is the key of ServingCert.
	ServingKey = "kubelet.key"
	// KubeletConfig is the kubelet's kubeconfig.
	KubeletConfig = "kubelet.kubeconfig"
	// ProxyConfig is kube-proxy's kubeconfig.
	ProxyConfig = "kube-proxy.kubeconfig"
)

// Files is the folder of the node's configuration and credentials.
func (p Plan) Files() string { return p.at("etc") }

// PauseImage is the image whose process holds the namespaces of a pod. The
// archive with it has to be imported before the first pod starts.
const PauseImage = "localhost/aeo/pause:1"

// socket is containerd's, inside the node.
const socket = "/run/containerd/containerd.sock"
