package health_test

import (
	"encoding/json"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/health"
)

func TestEvaluate(t *testing.T) {
	e := health.NewEvaluator(health.Options{})
	for name, c := range map[string]struct {
		object string
		want   health.Status
	}{
		"deployment, new":           {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":2}}`, health.Progressing},
		"deployment, stale":         {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1}}`, health.Progressing},
		"deployment, updating":      {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":2,"updatedReplicas":1,"availableReplicas":2}}`, health.Progressing},
		"deployment, old pods":      {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":2,"updatedReplicas":1,"availableReplicas":1}}`, health.Progressing},
		"deployment, unavailable":   {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1}}`, health.Progressing},
		"deployment, ready":         {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1}}`, health.Healthy},
		"deployment, to zero":       {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":0},"status":{"observedGeneration":1}}`, health.Healthy},
		"deployment, stuck":         {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{},"status":{"observedGeneration":1,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}`, health.Failed},
		"deployment, paused":        {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"paused":true},"status":{"observedGeneration":1}}`, health.Suspended},
		"stateful, not ready":       {`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"readyReplicas":1}}`, health.Progressing},
		"stateful, partition":       {`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2,"updateStrategy":{"rollingUpdate":{"partition":1}}},"status":{"observedGeneration":1,"readyReplicas":2,"updatedReplicas":1,"updateRevision":"b","currentRevision":"a"}}`, health.Healthy},
		"stateful, updating":        {`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,"readyReplicas":2,"updatedReplicas":2,"updateRevision":"b","currentRevision":"a"}}`, health.Progressing},
		"stateful, on delete":       {`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"generation":1},"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":1,"readyReplicas":1}}`, health.Healthy},
		"daemon, updating":          {`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"status":{"observedGeneration":1,"desiredNumberScheduled":2,"updatedNumberScheduled":1}}`, health.Progressing},
		"daemon, no nodes":          {`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1},"status":{"observedGeneration":1}}`, health.Healthy},
		"replica set, quota":        {`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"generation":1},"status":{"observedGeneration":1,"conditions":[{"type":"ReplicaFailure","status":"True","message":"exceeded quota"}]}}`, health.Progressing},
		"pod, crashing":             {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}`, health.Progressing},
		"pod, ready":                {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`, health.Healthy},
		"pod, failed":               {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Failed"}}`, health.Failed},
		"pod, done":                 {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Succeeded"}}`, health.Healthy},
		"pod, no node":              {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False"}]}}`, health.Progressing},
		"job, running":              {`{"apiVersion":"batch/v1","kind":"Job","status":{"active":1}}`, health.Progressing},
		"job, done":                 {`{"apiVersion":"batch/v1","kind":"Job","status":{"conditions":[{"type":"Complete","status":"True"}]}}`, health.Healthy},
		"job, failed":               {`{"apiVersion":"batch/v1","kind":"Job","status":{"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded"}]}}`, health.Failed},
		"job, suspended":            {`{"apiVersion":"batch/v1","kind":"Job","spec":{"suspend":true}}`, health.Suspended},
		"cron job":                  {`{"apiVersion":"batch/v1","kind":"CronJob"}`, health.Healthy},
		"cron job, suspended":       {`{"apiVersion":"batch/v1","kind":"CronJob","spec":{"suspend":true}}`, health.Suspended},
		"claim, pending":            {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Pending"}}`, health.Progressing},
		"claim, bound":              {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Bound"}}`, health.Healthy},
		"claim, lost":               {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Lost"}}`, health.Failed},
		"volume":                    {`{"apiVersion":"v1","kind":"PersistentVolume","status":{"phase":"Available"}}`, health.Healthy},
		"volume, failed":            {`{"apiVersion":"v1","kind":"PersistentVolume","status":{"phase":"Failed"}}`, health.Failed},
		"volume, pending":           {`{"apiVersion":"v1","kind":"PersistentVolume"}`, health.Progressing},
		"service":                   {`{"apiVersion":"v1","kind":"Service","spec":{"type":"ClusterIP"}}`, health.Healthy},
		"load balancer":             {`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"}}`, health.Progressing},
		"namespace":                 {`{"apiVersion":"v1","kind":"Namespace","status":{"phase":"Active"}}`, health.Healthy},
		"namespace, new":            {`{"apiVersion":"v1","kind":"Namespace"}`, health.Progressing},
		"namespace, going":          {`{"apiVersion":"v1","kind":"Namespace","status":{"phase":"Terminating"}}`, health.Terminating},
		"node, lost":                {`{"apiVersion":"v1","kind":"Node","status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}`, health.Failed},
		"budget":                    {`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"generation":1},"status":{"observedGeneration":1}}`, health.Healthy},
		"scaler, no metrics":        {`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"conditions":[{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric"}]}}`, health.Progressing},
		"scaler, at zero":           {`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"conditions":[{"type":"ScalingActive","status":"False","reason":"ScalingDisabled"}]}}`, health.Suspended},
		"definition, new":           {`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition"}`, health.Progressing},
		"definition, served":        {`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","status":{"conditions":[{"type":"Established","status":"True"},{"type":"NamesAccepted","status":"True"}]}}`, health.Healthy},
		"definition, name taken":    {`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","status":{"conditions":[{"type":"NamesAccepted","status":"False"}]}}`, health.Failed},
		"api service":               {`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","status":{"conditions":[{"type":"Available","status":"False"}]}}`, health.Progressing},
		"config map":                {`{"apiVersion":"v1","kind":"ConfigMap"}`, health.Healthy},
		"role":                      {`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role"}`, health.Healthy},
		"being deleted":             {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"deletionTimestamp":"x"}}`, health.Terminating},
		"custom, nothing yet":       {`{"apiVersion":"example.com/v1","kind":"Widget"}`, health.Unknown},
		"custom, ready":             {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Ready","status":"True"}]}}`, health.Healthy},
		"custom, stale":             {`{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"generation":2},"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]}}`, health.Progressing},
		"custom, not ready":         {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Ready","status":"False","message":"no"}]}}`, health.Progressing},
		"custom, stalled":           {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Ready","status":"True"},{"type":"Stalled","status":"True"}]}}`, health.Failed},
		"custom, reconciling":       {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Reconciling","status":"True"}]}}`, health.Progressing},
		"custom, odd conditions":    {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Tasty","status":"True"}]}}`, health.Unknown},
		"custom, phase":             {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"phase":"Running"}}`, health.Healthy},
		"custom, bad phase":         {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"state":"error"}}`, health.Failed},
		"custom, odd phase":         {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"phase":"Brewing"}}`, health.Progressing},
		"custom, silent":            {`{"apiVersion":"monitoring.coreos.com/v1","kind":"ServiceMonitor"}`, health.Healthy},
		"certificate":               {`{"apiVersion":"cert-manager.io/v1","kind":"Certificate","status":{"conditions":[{"type":"Issuing","status":"True"},{"type":"Ready","status":"False"}]}}`, health.Progressing},
		"certificate, new":          {`{"apiVersion":"cert-manager.io/v1","kind":"Certificate"}`, health.Unknown},
		"route, new":                {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute"}`, health.Unknown},
		"route, one parent refuses": {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"True"},{"type":"ResolvedRefs","status":"True"}]},{"conditions":[{"type":"Accepted","status":"False"}]}]}}`, health.Progressing},
		"route":                     {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"True"},{"type":"ResolvedRefs","status":"True"}]}]}}`, health.Healthy},
		"gateway":                   {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","status":{"conditions":[{"type":"Accepted","status":"True"},{"type":"Programmed","status":"False"}]}}`, health.Progressing},
		"argo, degraded":            {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","status":{"health":{"status":"Degraded"}}}`, health.Failed},
		"argo, out of sync":         {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","status":{"health":{"status":"Healthy"},"sync":{"status":"OutOfSync"}}}`, health.Progressing},
		"rollout, paused":           {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","status":{"phase":"Paused"}}`, health.Suspended},
		"nonsense":                  {`{"apiVersion":7,"kind":[],"metadata":"x","status":[1]}`, health.Healthy},
	} {
		var o map[string]any
		if err := json.Unmarshal([]byte(c.object), &o); err != nil {
			t.Fatal(name, err)
		}
		if got := e.Evaluate(o); got.Status != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		} else if got.Status != health.Healthy && got.Message == "" {
			t.Errorf("%s: does not say why", name)
		}
	}
}

func TestAggregate(t *testing.T) {
	order := []health.Status{health.Failed, health.Terminating, health.Unknown, health.Progressing, health.Suspended, health.Healthy}
	for i, worse := range order {
		for _, better := range order[i:] {
			got := health.Aggregate([]health.Health{{Status: better}, {Status: worse, Message: "x"}})
			if got.Status != worse {
				t.Errorf("%s and %s: %s", worse, better, got.Status)
			}
		}
	}
	if health.Aggregate(nil).Status != health.Healthy {
		t.Error("nothing is unhealthy")
	}
}

func BenchmarkDeployment(b *testing.B) {
	var o map[string]any
	if err := json.Unmarshal([]byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1,"conditions":[{"type":"Progressing","status":"True"}]}}`), &o); err != nil {
		b.Fatal(err)
	}
	e := health.NewEvaluator(health.Options{})
	b.ReportAllocs()
	for b.Loop() {
		e.Evaluate(o)
	}
}
