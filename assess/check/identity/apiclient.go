package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph"
)

// apiImages are parts of image names of programs whose work is to talk to the
// API server. They are compared with the last path element, and with the whole
// path where they contain a slash.
var apiImages = [...]string{
	"controller", "operator", "kubectl", "kube-state-metrics", "cert-manager", "cainjector", "argocd", "argo-cd", "argoexec", "argocli",
	"external-dns", "external-secrets", "sealed-secrets", "reloader", "cluster-autoscaler", "autoscaler", "descheduler", "node-feature-discovery",
	"ingress-nginx", "traefik", "contour", "haproxy-ingress", "prometheus", "grafana/agent", "alloy", "promtail", "fluent-bit", "fluentd", "fluentbit",
	"filebeat", "metricbeat", "datadog", "newrelic", "opentelemetry-collector", "otel", "vector", "metrics-server", "metrics-adapter", "keda",
	"velero", "kyverno", "gatekeeper", "opa", "falco", "tetragon", "cilium", "calico", "kube-router", "flannel", "weave", "kube-proxy", "coredns",
	"istio", "pilot", "linkerd", "consul-k8s", "vault", "spire", "csi-", "provisioner", "attacher", "resizer", "snapshotter", "registrar", "longhorn",
	"rook", "crossplane", "tekton", "flux", "rancher", "jenkins", "gitlab-runner", "actions-runner", "headlamp",
	"k8s-sidecar", "k8s-wait-for", "kubernetes-", "kube-", "knative", "karpenter", "webhook", "leader-elect", "strimzi", "helm", "spark", "airflow",
	"jupyterhub", "dask", "ray", "argo", "kiali", "goldilocks", "polaris", "popeye", "trivy", "botkube", "kured", "autoecoops", "aeod",
}

// apiArgs are parts of arguments that only a client of the API server has.
var apiArgs = [...]string{
	"--leader-elect", "--enable-leader-election", "--kubeconfig", "--in-cluster", "--kubernetes", "--kube-", "--watch-namespace", "--k8s",
	"kubectl", "--leader-election", "--service-account", "/var/run/secrets/kubernetes.io/serviceaccount", "kubernetes.default",
}

// apiEnvironment are names of variables that only a client of the API server
// has.
var apiEnvironment = [...]string{"WATCH_NAMESPACE", "KUBECONFIG", "KUBERNETES_NAMESPACE", "OPERATOR_NAME", "LEADER_ELECTION", "KUBERNETES_SERVICE_HOST"}

// apiAnnotations are annotations by which a program that is injected into the
// pod uses the pod's own token.
var apiAnnotations = [...]string{"vault.hashicorp.com/agent-inject", "dapr.io/enabled", "consul.hashicorp.com/connect-inject"}

// apiClient reports whether a pod evidently talks to the API server, going by
// the names of its images, its arguments and its environment.
func apiClient(p *graph.Pod) bool {
	for c := range p.Each() {
		if apiImage(c.Node.Get("image").Text()) {
			return true
		}
		for _, list := range [...]string{"command", "args"} {
			for _, a := range c.Node.Get(list).Items() {
				if containsAny(a.Text(), apiArgs[:]) {
					return true
				}
			}
		}
		for _, e := range c.Node.Get("env").Items() {
			for _, name := range apiEnvironment {
				if e.Get("name").Text() == name {
					return true
				}
			}
		}
	}
	for _, name := range apiAnnotations {
		if p.Annotation(name) == "true" {
			return true
		}
	}
	return false
}

func apiImage(image string) bool {
	image, _, _ = strings.Cut(image, "@")
	last := image[strings.LastIndexByte(image, '/')+1:]
	last, _, _ = strings.Cut(last, ":")
	for _, part := range apiImages {
		whole := last
		if strings.Contains(part, "/") {
			whole = image
		}
		if matchesWord(whole, part) {
			return true
		}
	}
	return false
}

// matchesWord reports whether part stands in s at the beginning of a word, so
// that "opa" is in "opa-istio" but not in "europa".
func matchesWord(s, part string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], part)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(part)
		if (i == 0 || !letter(s[i-1])) && (len(part) > 4 || end == len(s) || !letter(s[end]) || part[len(part)-1] == '-') {
			return true
		}
		from = i + 1
	}
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
