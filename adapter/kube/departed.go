package kube

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// Departed is a workload of which a pod was ended on a node.
type Departed struct {
	At   time.Time
	Of   identity.Key
	Node string
}

// killing is what a kubelet says when it ends a pod's containers.
const killing = "Killing"

// Departures lists the pods of a namespace, or of all if it is "", that were ended since a
// moment, of the workloads that still have others: who ran on a node that was drained is
// not told by pods any more, but for an hour by its kubelet.
func (d Desk) Departures(ctx context.Context, namespace string, since time.Time, placed []Placed) (out []Departed, err error) {
	query := url.Values{"fieldSelector": {"involvedObject.kind=Pod,reason=" + killing}}
	all, err := d.Client.events(ctx, eventsPath(namespace), query, since, func(h Happening) bool {
		return h.Kind == "Pod" && h.Reason == killing && h.By == "kubelet" && h.On != ""
	}, "of pods that were ended")
	type object struct{ namespace, name string }
	owners := map[object]identity.Key{}
	for _, p := range placed {
		owners[object{p.Namespace, p.Owner}] = p.Of
	}
	known := map[Departed]bool{}
	for _, h := range all {
		for _, name := range ownersOf(h.Name) {
			of, ok := owners[object{h.Namespace, name}]
			if x := (Departed{Of: of, Node: h.On}); ok && !known[x] {
				known[x] = true
				x.At = h.At
				out = append(out, x)
			}
			if ok {
				break
			}
		}
	}
	return out, forPeople(err)
}

// ownersOf are the names that the owner of a pod may have: a Deployment's has two parts
// less, that of another workload one.
func ownersOf(pod string) (names []string) {
	for range 2 {
		i := strings.LastIndexByte(pod, '-')
		if i <= 0 {
			break
		}
		pod = pod[:i]
		names = append(names, pod)
	}
	slices.Reverse(names)
	return names
}
