// Package health tells, from an object's own status, whether it is as it should
// be. It follows the conventions of Kubernetes: observedGeneration first, then
// the rules of the kind, then the usual conditions of custom resources.
package health

import "strings"

// Status is a health in one word.
type Status string

// The statuses. Unknown is no health: an object of a kind that reports its
// state, and has not reported yet, is not taken for healthy.
const (
	Healthy     Status = "healthy"
	Progressing Status = "progressing"
	Failed      Status = "failed"
	Suspended   Status = "suspended"
	Terminating Status = "terminating"
	Unknown     Status = "unknown"
)

// Health is what an object's status says.
type Health struct {
	Status Status
	// Reason is one word, Message says more; both may be empty.
	Reason, Message string
}

// Options change what an Evaluator knows.
type Options struct{}

// Evaluator tells the health of objects. It is safe for concurrent use.
type Evaluator struct{}

// NewEvaluator returns an Evaluator.
func NewEvaluator(Options) *Evaluator { return &Evaluator{} }

// Evaluate tells an object's health.
func (*Evaluator) Evaluate(body map[string]any) Health {
	o := object(body)
	meta := o.sub("metadata")
	if meta["deletionTimestamp"] != nil {
		return Health{Terminating, "Deleting", "it is being deleted"}
	}
	apiVersion, kind := o.text("apiVersion"), o.text("kind")
	group := ""
	if g, _, ok := strings.Cut(apiVersion, "/"); ok {
		group = g
	}
	status := o.sub("status")
	if rule := rules[group+"/"+kind]; rule != nil {
		if stale(meta, status) {
			return Health{Progressing, "NotObserved", "its controller has not seen the newest change yet"}
		}
		return rule(o)
	}
	if silent(group, kind) {
		return Health{Status: Healthy}
	}
	if stale(meta, status) {
		return Health{Progressing, "NotObserved", "its controller has not seen the newest change yet"}
	}
	return byConditions(status)
}

// stale tells whether the status is older than the spec.
func stale(meta, status object) bool {
	seen, ok := status.number("observedGeneration")
	generation, known := meta.number("generation")
	return ok && known && seen != generation
}

// builtinGroups are those of Kubernetes whose objects say nothing of themselves
// unless rules know better.
var builtinGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "networking.k8s.io": true, "rbac.authorization.k8s.io": true,
	"storage.k8s.io": true, "scheduling.k8s.io": true, "node.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true,
	"admissionregistration.k8s.io": true, "certificates.k8s.io": true, "flowcontrol.apiserver.k8s.io": true, "events.k8s.io": true,
	"authentication.k8s.io": true, "authorization.k8s.io": true, "resource.k8s.io": true,
}

// silentKinds are custom resources that never write a status.
var silentKinds = map[string]bool{
	"monitoring.coreos.com/PodMonitor": true, "monitoring.coreos.com/Probe": true, "monitoring.coreos.com/AlertmanagerConfig": true,
	"monitoring.coreos.com/ServiceMonitor": true, "monitoring.coreos.com/PrometheusRule": true,
	"networking.istio.io/VirtualService": true, "networking.istio.io/DestinationRule": true, "networking.istio.io/Gateway": true,
	"networking.istio.io/ServiceEntry": true, "networking.istio.io/Sidecar": true, "networking.istio.io/EnvoyFilter": true,
	"security.istio.io/AuthorizationPolicy": true, "security.istio.io/PeerAuthentication": true, "security.istio.io/RequestAuthentication": true,
	"traefik.io/IngressRoute": true, "traefik.io/IngressRouteTCP": true, "traefik.io/Middleware": true, "traefik.io/TLSOption": true, "traefik.io/TLSStore": true,
	"keda.sh/TriggerAuthentication": true, "keda.sh/ClusterTriggerAuthentication": true, "argoproj.io/AppProject": true, "argoproj.io/AnalysisTemplate": true,
	"cilium.io/CiliumNetworkPolicy": true, "cilium.io/CiliumClusterwideNetworkPolicy": true, "snapshot.storage.k8s.io/VolumeSnapshotClass": true,
	"notification.toolkit.fluxcd.io/Alert": true, "notification.toolkit.fluxcd.io/Provider": true, "autoecoops.io/Release": true,
}

// silent tells whether objects of a kind have nothing to say: that they exist
// is all the health there is.
func silent(group, kind string) bool {
	return builtinGroups[group] || silentKinds[group+"/"+kind]
}

// object is a map with short ways to read it; all are safe on nil.
type object map[string]any

func (o object) sub(key string) object {
	m, _ := o[key].(map[string]any)
	return m
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) list(key string) []any {
	l, _ := o[key].([]any)
	return l
}

func (o object) flag(key string) bool {
	b, _ := o[key].(bool)
	return b
}

// number reads an integer; ok is false if there is none.
func (o object) number(key string) (n int64, ok bool) {
	switch v := o[key].(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), true
	}
	return 0, false
}

// count reads an integer, 0 if there is none.
func (o object) count(key string) int64 {
	n, _ := o.number(key)
	return n
}

// condition returns a condition of a status by type, nil if it is not there.
func (o object) condition(typ string) object {
	for _, it := range o.list("conditions") {
		c, _ := it.(map[string]any)
		if c["type"] == typ {
			return c
		}
	}
	return nil
}

func (o object) says(message string) string {
	if m := o.text("message"); m != "" {
		return m
	}
	if r := o.text("reason"); r != "" {
		return r
	}
	return message
}
