package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var rwoVolumeShared = &check.Check{
	ID: "k8s-rwo-volume-shared", Name: "rwo-volume-shared", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K45"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Pod == nil || !claims(o.Pod) {
			p.Skip()
			return
		}
		any := false
		for _, v := range o.Pod.Spec.Get("volumes").Items() {
			at := v.At("persistentVolumeClaim", "claimName")
			if at.Text() == "" || v.At("persistentVolumeClaim", "readOnly").True() || wire.TemplatedClaim(o, v.Get("name").Text()) {
				continue
			}
			any = true
			pvc := p.Graph.FindGroup("", "PersistentVolumeClaim", o.Namespace, at.Text())
			if pvc == nil {
				pvc = p.Elsewhere("PersistentVolumeClaim", o.Namespace, at.Text())
			}
			if pvc == nil {
				if several(o) {
					p.Unknown(at, "", "PersistentVolumeClaim %q is not in this repository, so whether several pods may share it cannot be seen", at.Text())
				}
				continue
			}
			if mode := single(pvc.Spec().Get("accessModes")); mode != "" {
				shared(p, o, at, pvc, mode)
			}
		}
		if !any {
			p.Skip()
		}
	},
}

// single returns the access mode of a claim that no two nodes can use at the
// same time, "" if a mode of it allows that.
func single(modes tree.Node) (mode string) {
	for _, m := range modes.Items() {
		switch m.Text() {
		case "ReadWriteOnce":
			if mode == "" {
				mode = m.Text()
			}
		case "ReadWriteOncePod":
			mode = m.Text()
		default:
			return ""
		}
	}
	return mode
}

// several reports whether the workload certainly runs more than one pod, or
// may during a rollout.
func several(o *graph.Object) bool {
	_, high, _ := span(o)
	return o.Kind == "DaemonSet" || high > 1
}

// oneNode reports whether all pods are bound to one node.
func oneNode(pod *graph.Pod) bool {
	return pod.Spec.Get("nodeName").Text() != "" || pod.Spec.At("nodeSelector", "kubernetes.io/hostname").Exists()
}

func shared(p *check.Pass, o *graph.Object, at tree.Node, pvc *graph.Object, mode string) {
	_, high, known := span(o)
	pinned := mode == "ReadWriteOnce" && oneNode(o.Pod)
	switch {
	case pinned:
	case o.Kind == "DaemonSet":
		p.Fail(at, "", "every node's pod mounts claim %q, which is %s: all but those of one node wait for ever", pvc.Name, mode)
	case high > 1:
		r := p.Fail(at, "", "up to %d pods mount claim %q, which is %s: pods on a second node wait for ever", high, pvc.Name, mode)
		r.Fix("Use a StatefulSet with volumeClaimTemplates, a volume with ReadWriteMany, or one replica of %s.", o)
	case !known:
		p.Unknown(at, "", "the number of replicas is filled in elsewhere; claim %q is %s", pvc.Name, mode)
	case high == 1 && surges(o):
		r := p.Fail(at, "", "a rolling update starts the new pod before the old one lets go of claim %q, which is %s: the release hangs if they are on different nodes", pvc.Name, mode)
		r.Fix("Set strategy.type: Recreate in %s.", o)
		if mode == "ReadWriteOnce" {
			r.As(ops.Medium)
		}
	}
}

// surges reports whether a rollout runs a pod more than asked for. The default
// of 25 % is rounded up, to one.
func surges(o *graph.Object) bool {
	strategy := o.Spec().Get("strategy")
	switch o.Kind {
	case "Deployment":
		if t := strategy.Get("type").Text(); t != "" && !strings.EqualFold(t, "RollingUpdate") {
			return false
		}
		surge := strategy.At("rollingUpdate", "maxSurge")
		return surge.IsNull() || (surge.Text() != "0" && surge.Text() != "0%")
	case "Rollout":
		surge := strategy.At("canary", "maxSurge")
		return surge.IsNull() || (surge.Text() != "0" && surge.Text() != "0%")
	}
	return false
}
