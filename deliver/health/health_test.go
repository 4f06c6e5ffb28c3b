package health_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

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
		"pod, crashing":             {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}`, health.Failed},
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
		"route, one parent refuses": {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"True"},{"type":"ResolvedRefs","status":"True"}]},{"conditions":[{"type":"Accepted","status":"False"}]}]}}`, health.Failed},
		"route":                     {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"True"},{"type":"ResolvedRefs","status":"True"}]}]}}`, health.Healthy},
		"gateway":                   {`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","status":{"conditions":[{"type":"Accepted","status":"True"},{"type":"Programmed","status":"False"}]}}`, health.Progressing},
		"argo, degraded":            {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","status":{"health":{"status":"Degraded"}}}`, health.Failed},
		"argo, out of sync":         {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","status":{"health":{"status":"Healthy"},"sync":{"status":"OutOfSync"}}}`, health.Progressing},
		"rollout, paused":           {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","status":{"phase":"Paused"}}`, health.Suspended},
		"claim, no class":           {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"storageClassName":""},"status":{"phase":"Pending"}}`, health.Progressing},
		"claim, waits for a pod":    {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"storageClassName":"fast"},"status":{"phase":"Pending"}}`, health.Suspended},
		"claim, being provisioned":  {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"annotations":{"volume.kubernetes.io/storage-provisioner":"csi"}},"spec":{"storageClassName":"fast"},"status":{"phase":"Pending"}}`, health.Progressing},
		"deployment, no quota":      {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"conditions":[{"type":"ReplicaFailure","status":"True","message":"exceeded quota"}]}}`, health.Progressing},
		"stateful, new":             {`{"apiVersion":"apps/v1","kind":"StatefulSet"}`, health.Progressing},
		"stateful, too many":        {`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":1},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"updatedReplicas":1}}`, health.Progressing},
		"stateful, not long enough": {`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"minReadySeconds":9},"status":{"observedGeneration":1,"replicas":1,"readyReplicas":1,"updatedReplicas":1}}`, health.Progressing},
		"stateful, few updated":     {`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":2},"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"updatedReplicas":1}}`, health.Progressing},
		"stateful, ready":           {`{"apiVersion":"apps/v1","kind":"StatefulSet","status":{"observedGeneration":1,"replicas":1,"readyReplicas":1,"updatedReplicas":1,"currentRevision":"a","updateRevision":"a"}}`, health.Healthy},
		"daemon, new":               {`{"apiVersion":"apps/v1","kind":"DaemonSet"}`, health.Progressing},
		"daemon, scheduling":        {`{"apiVersion":"apps/v1","kind":"DaemonSet","status":{"observedGeneration":1,"desiredNumberScheduled":2,"currentNumberScheduled":1}}`, health.Progressing},
		"daemon, unavailable":       {`{"apiVersion":"apps/v1","kind":"DaemonSet","spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":1,"desiredNumberScheduled":2,"currentNumberScheduled":2,"numberAvailable":1}}`, health.Progressing},
		"replica set, new":          {`{"apiVersion":"apps/v1","kind":"ReplicaSet"}`, health.Progressing},
		"replica set, unavailable":  {`{"apiVersion":"apps/v1","kind":"ReplicaSet","status":{"observedGeneration":1}}`, health.Progressing},
		"replica set, too many":     {`{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"replicas":0},"status":{"observedGeneration":1,"replicas":1}}`, health.Progressing},
		"replica set":               {`{"apiVersion":"apps/v1","kind":"ReplicaSet","status":{"observedGeneration":1,"replicas":1,"availableReplicas":1}}`, health.Healthy},
		"pod, evicted":              {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Failed","reason":"Evicted","message":"low on memory"}}`, health.Failed},
		"pod, node lost":            {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Unknown"}}`, health.Unknown},
		"pod, bad image name":       {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"InvalidImageName"}}}]}}`, health.Failed},
		"pod, no image":             {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending","initContainerStatuses":[{"name":"a","state":{"waiting":{"reason":"ErrImagePull"}}}]}}`, health.Failed},
		"pod, starting":             {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"ContainerCreating"}}}]}}`, health.Progressing},
		"pod, waits oddly":          {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Pending","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"Thinking"}}}]}}`, health.Progressing},
		"job, new":                  {`{"apiVersion":"batch/v1","kind":"Job"}`, health.Progressing},
		"job, started":              {`{"apiVersion":"batch/v1","kind":"Job","status":{"startTime":"2026-01-01T00:00:00Z","active":1}}`, health.Progressing},
		"load balancer, served":     {`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`, health.Healthy},
		"external name":             {`{"apiVersion":"v1","kind":"Service","spec":{"type":"ExternalName"}}`, health.Healthy},
		"node":                      {`{"apiVersion":"v1","kind":"Node","status":{"conditions":[{"type":"Ready","status":"True"}]}}`, health.Healthy},
		"budget, new":               {`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget"}`, health.Progressing},
		"budget, two owners":        {`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","status":{"observedGeneration":1,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"SyncFailed"}]}}`, health.Failed},
		"scaler, new":               {`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler"}`, health.Progressing},
		"scaler":                    {`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","status":{"conditions":[{"type":"AbleToScale","status":"True"},{"type":"ScalingActive","status":"True"}]}}`, health.Healthy},
		"definition, refused":       {`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","status":{"conditions":[{"type":"Established","status":"False","reason":"NotAccepted"}]}}`, health.Failed},
		"definition, odd schema":    {`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","status":{"conditions":[{"type":"Established","status":"True"},{"type":"NonStructuralSchema","status":"True"}]}}`, health.Failed},
		"api service, served":       {`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","status":{"conditions":[{"type":"Available","status":"True"}]}}`, health.Healthy},
		"signing request":           {`{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest"}`, health.Progressing},
		"signing request, denied":   {`{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","status":{"conditions":[{"type":"Denied","status":"True"}]}}`, health.Failed},
		"signing request, issued":   {`{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","status":{"certificate":"x"}}`, health.Healthy},
		"attachment":                {`{"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","status":{"attached":true}}`, health.Healthy},
		"attachment, pending":       {`{"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","status":{"attached":false}}`, health.Progressing},
		"attachment, refused":       {`{"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","status":{"attached":false,"attachError":{"message":"limit"}}}`, health.Failed},
		"flow schema, dangling":     {`{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","status":{"conditions":[{"type":"Dangling","status":"True"}]}}`, health.Failed},
		"flow schema":               {`{"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema"}`, health.Healthy},
		"admission policy":          {`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy"}`, health.Healthy},
		"admission policy, warned":  {`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","status":{"typeChecking":{"expressionWarnings":[{"fieldRef":"spec.validations[0]","warning":"no such field"}]}}}`, health.Healthy},
		"ingress":                   {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress"}`, health.Healthy},
		"custom, odd status":        {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"color":"red"}}`, health.Unknown},
		"custom, old condition":     {`{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"generation":3},"status":{"conditions":[{"type":"Ready","status":"True","observedGeneration":2}]}}`, health.Progressing},
		"custom, a part is down":    {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"phase":"Running","conditions":[{"type":"PodsHealthy","status":"False"}]}}`, health.Progressing},
		"custom, parts and phase":   {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"phase":"Running","conditions":[{"type":"Tasty","status":"True"}]}}`, health.Healthy},
		"custom, work that ends":    {`{"apiVersion":"example.com/v1","kind":"VolumeBackup","status":{"state":"Running"}}`, health.Progressing},
		"custom, config error":      {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"state":"ConfigError"}}`, health.Failed},
		"custom, paused":            {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"state":"Paused"}}`, health.Suspended},
		"custom, unknown phase":     {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"state":"Unknown"}}`, health.Unknown},
		"custom, degraded":          {`{"apiVersion":"example.com/v1","kind":"Widget","status":{"conditions":[{"type":"Available","status":"True"},{"type":"Degraded","status":"True"}]}}`, health.Failed},
		"nonsense":                  {`{"apiVersion":7,"kind":[],"metadata":"x","status":[1]}`, health.Healthy},
	} {
		var o map[string]any
		if err := json.Unmarshal([]byte(c.object), &o); err != nil {
			t.Fatal(name, err)
		}
		if got := e.Evaluate(o); got.Status != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		} else if got.Status != health.Healthy && got.Message == "" || len(got.Message) > health.MaxMessage {
			t.Errorf("%s: does not say why", name)
		}
	}
}

// TestAggregate is the whole table of two: the worse of both is that of the
// whole, and of equals the first is kept.
func TestAggregate(t *testing.T) {
	order := []health.Status{health.Failed, health.Terminating, health.Unknown, health.Progressing, health.Suspended, health.Healthy}
	for i, a := range order {
		for j, b := range order {
			want := health.Health{Status: a, Message: "a"}
			if j < i {
				want = health.Health{Status: b, Message: "b"}
			}
			got := health.Aggregate([]health.Health{{Status: a, Message: "a"}, {Status: b, Message: "b"}})
			if a == health.Healthy && b == health.Healthy {
				want.Message = ""
			}
			if got != want {
				t.Errorf("%s and %s: %+v, want %+v", a, b, got, want)
			}
		}
	}
	if health.Aggregate(nil).Status != health.Healthy {
		t.Error("nothing is unhealthy")
	}
	if got := health.Aggregate([]health.Health{{Status: health.Progressing}, {Status: "odd"}, {}}); got.Status != "odd" {
		t.Errorf("an odd status does not count as unknown: %+v", got)
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("ü", 400)
	e := health.NewEvaluator(health.Options{})
	got := e.Evaluate(map[string]any{"apiVersion": "a/v1", "kind": "B", "status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "reason": long, "message": long}}}})
	if len(got.Message) > health.MaxMessage || len(got.Reason) > 64 || !utf8.ValidString(got.Message) || !strings.HasSuffix(got.Message, "…") {
		t.Errorf("%d bytes: %+v", len(got.Message), got)
	}
	if size := unsafe.Sizeof(got); size > 64 {
		t.Errorf("a health takes %d bytes", size)
	}
}

func TestKnown(t *testing.T) {
	e := health.NewEvaluator(health.Options{Silent: []string{"example.com/Mute"}})
	for kind, want := range map[string][2]bool{
		"/ConfigMap": {true, true}, "apps/Deployment": {true, false}, "example.com/Mute": {true, true}, "example.com/Widget": {false, false},
		"traefik.io/Anything": {true, true}, "networking.istio.io/Sidecar": {true, false}, "s3.aws.upbound.io/Bucket": {true, false}, "aws.upbound.io/ProviderConfigUsage": {true, true},
		"argoproj.io/AppProject": {true, true},
	} {
		group, name, _ := strings.Cut(kind, "/")
		if got := [2]bool{e.Knows(group, name), e.Silent(group, name)}; got != want {
			t.Errorf("%s: known, silent: %v, want %v", kind, got, want)
		}
	}
	if h := e.Evaluate(map[string]any{"apiVersion": "example.com/v1", "kind": "Widget"}); h.Reason != health.NoStatus {
		t.Errorf("%+v", h)
	}
	if h := e.Evaluate(map[string]any{"apiVersion": "cert-manager.io/v1", "kind": "Certificate"}); h.Reason != health.NotObserved {
		t.Errorf("%+v", h)
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

func BenchmarkCertificate(b *testing.B) {
	var o map[string]any
	if err := json.Unmarshal([]byte(`{"apiVersion":"cert-manager.io/v1","kind":"Certificate","metadata":{"generation":1},"status":{"conditions":[{"type":"Ready","status":"True","observedGeneration":1}]}}`), &o); err != nil {
		b.Fatal(err)
	}
	e := health.NewEvaluator(health.Options{})
	b.ReportAllocs()
	for b.Loop() {
		e.Evaluate(o)
	}
}

func BenchmarkEvaluator(b *testing.B) {
	for b.Loop() {
		health.NewEvaluator(health.Options{})
	}
}
