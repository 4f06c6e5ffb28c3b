package parity

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/autoecoops/autoecoops/deliver/health"
)

// clusterObject makes random objects as a cluster may hold them in the middle of
// things.
type clusterObject struct{ *rand.Rand }

func (r clusterObject) n(most int) int64 { return int64(r.IntN(most + 1)) }

func (r clusterObject) condition(typ string, reasons ...string) map[string]any {
	c := map[string]any{"type": typ, "status": []string{"True", "False", "Unknown"}[r.IntN(3)], "message": "m"}
	if len(reasons) > 0 {
		c["reason"] = reasons[r.IntN(len(reasons))]
	}
	return c
}

func (r clusterObject) make(group, kind string) map[string]any {
	apiVersion := "v1"
	if group != "" {
		apiVersion = group + "/v1"
	}
	meta := map[string]any{"name": "x", "namespace": "y", "generation": 1 + r.n(1)}
	if r.IntN(20) == 0 {
		meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": meta, "spec": map[string]any{}, "status": map[string]any{"observedGeneration": 1 + r.n(1)}}
}

// replicas fills counts that mostly fit together: random ones never would.
func (r clusterObject) replicas(o map[string]any, fields ...string) {
	spec, st := o["spec"].(map[string]any), o["status"].(map[string]any)
	want := r.n(3)
	spec["replicas"] = want
	for _, f := range fields {
		st[f] = want
		if r.IntN(6) == 0 {
			st[f] = r.n(4)
		}
	}
}

// valid makes counts as the API server accepts them: each at most the next.
func (r clusterObject) valid(st map[string]any, fields ...string) {
	for i := len(fields) - 2; i >= 0; i-- {
		st[fields[i]] = min(st[fields[i]].(int64), st[fields[i+1]].(int64))
	}
}

func (r clusterObject) deployment() map[string]any {
	o := r.make("apps", "Deployment")
	r.replicas(o, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
	st := o["status"].(map[string]any)
	r.valid(st, "availableReplicas", "readyReplicas", "replicas")
	r.valid(st, "updatedReplicas", "replicas")
	// The API server sets the deadline; the controller calls a rollout available
	// when enough replicas are.
	o["spec"].(map[string]any)["progressDeadlineSeconds"] = int64(600)
	available := "False"
	if st["availableReplicas"].(int64) >= o["spec"].(map[string]any)["replicas"].(int64) {
		available = "True"
	}
	progress := map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
	if r.IntN(6) == 0 {
		progress = map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
	}
	st["conditions"] = []any{map[string]any{"type": "Available", "status": available}, progress}
	return o
}

func (r clusterObject) statefulSet() map[string]any {
	o := r.make("apps", "StatefulSet")
	r.replicas(o, "replicas", "readyReplicas", "updatedReplicas", "currentReplicas")
	spec, st := o["spec"].(map[string]any), o["status"].(map[string]any)
	for _, f := range []string{"readyReplicas", "updatedReplicas", "currentReplicas"} {
		r.valid(st, f, "replicas")
	}
	st["currentRevision"], st["updateRevision"] = "a", []string{"a", "a", "b"}[r.IntN(3)]
	switch r.IntN(4) {
	case 0:
		spec["updateStrategy"] = map[string]any{"type": "OnDelete"}
	case 1:
		spec["updateStrategy"] = map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"partition": r.n(3)}}
	}
	return o
}

func (r clusterObject) daemonSet() map[string]any {
	o := r.make("apps", "DaemonSet")
	r.replicas(o, "desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
	st := o["status"].(map[string]any)
	// What is available is ready.
	st["numberReady"] = max(st["numberReady"].(int64), st["numberAvailable"].(int64))
	return o
}

func (r clusterObject) replicaSet() map[string]any {
	o := r.make("apps", "ReplicaSet")
	r.replicas(o, "replicas", "availableReplicas")
	st := o["status"].(map[string]any)
	st["readyReplicas"], st["fullyLabeledReplicas"] = st["availableReplicas"], st["replicas"]
	st["availableReplicas"] = min(st["availableReplicas"].(int64), st["replicas"].(int64))
	if r.IntN(6) == 0 {
		st["conditions"] = []any{r.condition("ReplicaFailure")}
	}
	return o
}

func (r clusterObject) pod() map[string]any {
	o := r.make("", "Pod")
	st := o["status"].(map[string]any)
	st["phase"] = []string{"Pending", "Running", "Succeeded", "Failed"}[r.IntN(4)]
	st["conditions"] = []any{r.condition("Ready"), r.condition("PodScheduled", "Unschedulable", "SchedulingGated")}
	if st["phase"] == "Running" && r.IntN(2) == 0 {
		st["containerStatuses"] = []any{map[string]any{"name": "a", "state": map[string]any{"waiting": map[string]any{"reason": []string{"CrashLoopBackOff", "ContainerCreating"}[r.IntN(2)]}}}}
	}
	return o
}

func (r clusterObject) other(kind int) map[string]any {
	switch kind {
	case 0:
		o := r.make("batch", "Job")
		o["status"] = map[string]any{"startTime": "2026-01-01T00:00:00Z", "conditions": []any{r.condition([]string{"Complete", "Failed", "Suspended"}[r.IntN(3)])}}
		return o
	case 1:
		o := r.make("", "PersistentVolumeClaim")
		o["status"] = map[string]any{"phase": []string{"Pending", "Bound", "Lost"}[r.IntN(3)]}
		return o
	case 2:
		o := r.make("", "Service")
		o["spec"] = map[string]any{"type": []string{"ClusterIP", "NodePort", "ExternalName", "LoadBalancer"}[r.IntN(4)], "clusterIP": "10.0.0.1"}
		return o
	case 3:
		o := r.make("apiextensions.k8s.io", "CustomResourceDefinition")
		o["status"] = map[string]any{"conditions": []any{r.condition("NamesAccepted", "x"), r.condition("Established", "Installing", "NotAccepted")}}
		return o
	case 4:
		return r.make("policy", "PodDisruptionBudget")
	case 5:
		return r.make("batch", "CronJob")
	}
	o := r.make("example.com", "Widget")
	st := o["status"].(map[string]any)
	st["conditions"] = []any{r.condition([]string{"Ready", "Reconciling", "Stalled", "Ready"}[r.IntN(4)]), r.condition("Other")}
	return o
}

// ours are the places where we differ from kstatus on purpose, and why.
var ours = map[string]string{
	"Pod current failed":                      "a pod whose containers failed has not done what it was for",
	"Pod failed progressing":                  "a pod without a node may get one: an autoscaler adds some, a deadline ends the wait",
	"Job current progressing":                 "a job that runs has not done its work yet",
	"Service current progressing":             "a load balancer without an address cannot be reached",
	"PersistentVolumeClaim inprogress failed": "a claim whose volume is gone does not come back",
	"StatefulSet current progressing":         "with OnDelete too the replicas must be ready",
	"StatefulSet inprogress healthy":          "without a partition too it is done when the revisions are the same: nothing else counts the pods of the old one",
	"Widget current unknown":                  "conditions that say nothing known are no health",
}

// TestHealthParity compares with kstatus what both judge.
func TestHealthParity(t *testing.T) {
	e := health.NewEvaluator(health.Options{})
	same := map[status.Status]health.Status{status.CurrentStatus: health.Healthy, status.InProgressStatus: health.Progressing, status.FailedStatus: health.Failed, status.TerminatingStatus: health.Terminating}
	agreed, differ := 0, map[string]int{}
	both := map[health.Status]int{}
	for seed := range uint64(20000) {
		r := clusterObject{rand.New(rand.NewPCG(seed, 1))}
		var o map[string]any
		switch k := r.IntN(12); k {
		case 0:
			o = r.deployment()
		case 1:
			o = r.statefulSet()
		case 2:
			o = r.daemonSet()
		case 3:
			o = r.replicaSet()
		case 4:
			o = r.pod()
		default:
			o = r.other(k - 5)
		}
		theirs, err := status.Compute(&unstructured.Unstructured{Object: o})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := e.Evaluate(o)
		if same[theirs.Status] == got.Status {
			agreed++
			both[got.Status]++
			continue
		}
		key := fmt.Sprintf("%s %s %s", o["kind"], lower(string(theirs.Status)), got.Status)
		differ[key]++
		if ours[key] == "" && differ[key] <= 2 {
			text, _ := json.Marshal(o)
			t.Errorf("seed %d: kstatus says %s (%s), we say %+v of\n%s", seed, theirs.Status, theirs.Message, got, text)
		}
	}
	t.Logf("%d of 20000 agree (%v); on purpose we differ in %v", agreed, both, differ)
	for key, why := range ours {
		if differ[key] == 0 {
			t.Errorf("%s: never seen, though %s", key, why)
		}
	}
	if len(both) < 4 || both[health.Healthy] < 1000 {
		t.Errorf("the objects are not varied enough: %v", both)
	}
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
