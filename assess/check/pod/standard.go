package pod

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
)

const (
	enforceLabel = "pod-security.kubernetes.io/enforce"
	versionLabel = "pod-security.kubernetes.io/enforce-version"
)

// standard is a level and version of the Pod Security Standards.
type standard struct {
	level podsecurity.Level
	minor int
	// enforced tells whether a namespace's label asks for it, so that the API
	// server refuses pods which do not meet it.
	enforced bool
}

// String returns, for example, "restricted v1.37".
func (s standard) String() string { return s.level.String() + " " + podsecurity.FormatVersion(s.minor) }

// standardOf returns what a namespace declares, or what the settings ask for
// if it is not in the repository or declares nothing.
func standardOf(p *check.Pass, namespace string) standard {
	if namespace != "" {
		ns := p.Graph.Find("Namespace", "", namespace)
		if ns == nil {
			ns = p.Elsewhere("Namespace", "", namespace)
		}
		if ns != nil && ns.Labels().Has(enforceLabel) && !graph.Placeholder(ns.Labels().Get(enforceLabel)) {
			s := standard{enforced: true, minor: podsecurity.Latest}
			s.level, _ = podsecurity.ParseLevel(ns.Labels().Get(enforceLabel))
			if v, ok := ns.Labels().Lookup(versionLabel); ok {
				s.minor, _ = podsecurity.ParseVersion(v)
			}
			s.minor = atMost(s.minor, p.Settings.KubeMinor)
			return s
		}
	}
	level, _ := podsecurity.ParseLevel(p.Settings.PodSecurity)
	return standard{level: level, minor: atMost(p.Settings.PodSecurityMinor, p.Settings.KubeMinor)}
}

// atMost returns the version that a cluster of minor version kube applies when
// it is asked for another: no newer one than its own.
func atMost(minor, kube int) int {
	if kube > 0 && (minor < 0 || minor > kube) {
		return kube
	}
	return minor
}

// reach is how far up the standards the pods of a namespace already are: the
// highest level that all of them meet, and the first that keeps them from the
// next.
type reach struct {
	pods   int
	level  podsecurity.Level
	keeper *graph.Object
}

func reachOf(p *check.Pass, namespace string) reach {
	r := reach{level: podsecurity.Restricted}
	for _, pod := range p.Graph.Pods(namespace) {
		r.pods++
		for r.level > podsecurity.Privileged && !podsecurity.Allowed(pod, r.level, p.Settings.KubeMinor) {
			r.level--
			r.keeper = pod.Object
		}
	}
	return r
}

// system reports whether Kubernetes itself keeps its own things in a namespace.
func system(namespace string) bool {
	return namespace == "kube-system" || namespace == "kube-public" || namespace == "kube-node-lease"
}

// pinned is the version to write into a label for a cluster.
func pinned(kube int) string {
	if kube <= 0 {
		kube = podsecurity.Newest
	}
	return "v1." + strconv.Itoa(kube)
}
