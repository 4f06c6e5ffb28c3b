package keeper

import (
	_ "embed" // of the stages
	"fmt"
	"strconv"

	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// network is where things of one cluster are reached. Every cluster whose
// pods really run has a /16 of its own, so that clusters stand side by side
// and this machine can route to each.
type network struct {
	address  string // of the API server, on this machine
	port     int
	pods     string // CIDR of the pods, "" where no pod runs
	services string // CIDR of the services
	kubeIP   string // the first address of services: the API server's own
	dns      string // the address of the cluster's DNS service
	node     string // the address of the real node, "" without one
}

func (n network) url() string { return fmt.Sprintf("https://%s:%d", n.address, n.port) }

// command is a program with its arguments.
type command struct {
	name string
	args []string
}

// controlPlane returns the commands of the control plane, in the order in
// which they are started.
func controlPlane(l layout, s Spec, n network) []command {
	all := []command{etcd(l), apiServer(l, n), controllerManager(l, n), scheduler(l)}
	if s.Simulated > 0 {
		all = append(all, kwok(l))
	}
	for i, c := range all {
		all[i].args = append(c.args, s.Arguments[c.name]...)
	}
	return all
}

// etcd keeps throw-away data, so it need not wait for the disk. It listens on
// sockets in the run directory: nobody else on the machine can connect.
func etcd(l layout) command {
	client, peer := "unix://"+l.at("etcd.sock"), "unix://"+l.at("peer.sock")
	return command{programs.Etcd, []string{
		"--name=" + "one", "--data-dir=" + l.at("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
		"--heartbeat-interval=10", "--election-timeout=100", // the only voter need not wait for others
		"--quota-backend-bytes=" + strconv.Itoa(4<<30), "--auto-compaction-retention=10m",
	}}
}

func apiServer(l layout, n network) command {
	return command{programs.APIServer, []string{
		"--etcd-servers=unix://" + l.at("etcd.sock"),
		"--bind-address=" + n.address, "--advertise-address=" + n.address, "--secure-port=" + strconv.Itoa(n.port),
		"--service-cluster-ip-range=" + n.services,
		"--tls-cert-file=" + l.pki("apiserver.crt"), "--tls-private-key-file=" + l.pki("apiserver.key"), "--cert-dir=" + l.at("pki"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--requestheader-client-ca-file=" + l.pki("front.crt"), "--requestheader-allowed-names=" + FrontName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + l.pki("proxy.crt"), "--proxy-client-key-file=" + l.pki("proxy.key"),
		"--kubelet-client-certificate=" + l.pki("kubelet-client.crt"), "--kubelet-client-key=" + l.pki("kubelet-client.key"),
		"--kubelet-certificate-authority=" + l.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--service-account-key-file=" + l.pki("accounts.key"), "--service-account-signing-key-file=" + l.pki("accounts.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--anonymous-auth=false", "--allow-privileged=true",
		"--audit-policy-file=" + l.at("audit-policy.yaml"), "--audit-log-path=" + l.at("audit.log"), "--audit-log-maxsize=4096",
		"--profiling=true", "--shutdown-delay-duration=0s", "--event-ttl=2h",
	}}
}

// controllerManager runs all the default controllers: tests rely on what they
// do (garbage collection, namespaces, workloads, endpoints, accounts, quotas).
func controllerManager(l layout, n network) command {
	args := []string{
		"--kubeconfig=" + l.at("controller-manager.kubeconfig"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--use-service-account-credentials", "--service-account-private-key-file=" + l.pki("accounts.key"), "--root-ca-file=" + l.pki("ca.crt"),
		"--cluster-signing-cert-file=" + l.pki("ca.crt"), "--cluster-signing-key-file=" + l.pki("ca.key"),
		"--service-cluster-ip-range=" + n.services,
		"--kube-api-qps=200", "--kube-api-burst=400",
	}
	if n.pods != "" {
		args = append(args, "--allocate-node-cidrs", "--cluster-cidr="+n.pods, "--node-cidr-mask-size=24")
	}
	return command{programs.ControllerManager, args}
}

func scheduler(l layout) command {
	return command{programs.Scheduler, []string{
		"--kubeconfig=" + l.at("scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--kube-api-qps=200", "--kube-api-burst=400",
	}}
}

// kwok keeps the nodes that carry its annotation, and the pods on them.
func kwok(l layout) command {
	return command{programs.Kwok, []string{
		"--kubeconfig=" + l.at("kwok.kubeconfig"), "--manage-all-nodes=false",
		"--manage-nodes-with-annotation-selector=" + simulatedAnnotation + "=fake",
		"--config=" + l.at("stages.yaml"),
		"--node-lease-duration-seconds=40", "--cidr=10.0.0.0/8", "--node-ip=127.0.0.1", "--server-address=",
	}}
}

// simulatedAnnotation marks the nodes that kwok keeps.
const simulatedAnnotation = "kwok.x-k8s.io/node"

// stages say how simulated nodes and pods live.
//
//go:embed stages.yaml
var stages []byte

// FrontName is the common name of a certificate of the authority "front" whose
// holder may speak for others.
const FrontName = "front-proxy"

// defaultAuditPolicy logs every change and nothing that only reads: a test
// can account for each change, and the log stays small.
const defaultAuditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["*"]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
`
