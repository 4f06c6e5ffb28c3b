package availability

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// serviceKinds are the kinds whose pods can be many and serve for long.
var serviceKinds = []string{"Deployment", "StatefulSet", "Rollout", "ReplicaSet", "ReplicationController"}

// serves returns a Service that sends traffic to the object's pods, nil if
// there is none.
func serves(o *graph.Object) *graph.Object {
	for e := range o.In(graph.Selects) {
		if e.From.Kind == "Service" && !onlyMetrics(e.From) {
			return e.From
		}
	}
	return nil
}

// onlyMetrics reports whether a Service is there for nothing but a scraper,
// which finds the next pod by itself.
func onlyMetrics(service *graph.Object) bool {
	ports := service.Spec().Get("ports")
	for _, p := range ports.Items() {
		if !strings.Contains(p.Get("name").Text(), "metrics") {
			return strings.HasSuffix(service.Name, "-metrics")
		}
	}
	return ports.Len() > 0
}

// scaler returns what scales the object up and down, nil if nothing does.
func scaler(o *graph.Object) *graph.Object {
	for e := range o.In(graph.Scales) {
		if e.From.Kind != "VerticalPodAutoscaler" {
			return e.From
		}
	}
	return nil
}

// atLeast returns how many replicas there always are; known is false if
// something outside the manifest decides.
func atLeast(o *graph.Object) (n int64, known bool) {
	if s := scaler(o); s != nil {
		field := "minReplicas"
		if s.Kind == "ScaledObject" {
			field = "minReplicaCount"
		}
		n, ok := s.Spec().Get(field).Int()
		return n, ok
	}
	r := o.Spec().Get("replicas")
	if r.IsNull() {
		return 1, true
	}
	return r.Int()
}

// claims reports whether the pods mount a persistent volume claim.
func claims(p *graph.Pod) bool {
	for _, v := range p.Spec.Get("volumes").Items() {
		if v.Get("persistentVolumeClaim").IsMap() {
			return true
		}
	}
	return p.Object.Spec().Get("volumeClaimTemplates").Len() > 0
}

// share reads a count or a percentage of a whole, as maxSurge and
// maxUnavailable are.
func share(n tree.Node, of int64, up bool) (int64, bool) {
	if v, ok := n.Int(); ok {
		return v, true
	}
	t, ok := strings.CutSuffix(n.Text(), "%")
	if !ok {
		return 0, false
	}
	percent, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return 0, false
	}
	if up {
		return (percent*of + 99) / 100, true
	}
	return percent * of / 100, true
}
