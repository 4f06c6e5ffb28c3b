package gitops

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// meter serves metrics.k8s.io from within the test: the pods of a namespace
// share the load that is set for it, in thousandths of a processor.
type meter struct {
	s *suite

	mu    sync.Mutex
	loads map[string]int
	// asked is how often the autoscaler's controller asked.
	asked atomic.Int64
}

// autoscalerUser is who asks for metrics in order to scale.
const autoscalerUser = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

var (
	podsOf      = regexp.MustCompile(`^/apis/metrics\.k8s\.io/v1beta1/namespaces/([^/]+)/pods$`)
	apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)

// newMeter starts the server and has the API server pass its requests on.
func newMeter(t *testing.T, s *suite) *meter {
	t.Helper()
	m := &meter{s: s, loads: map[string]int{}}
	server := httptest.NewTLSServer(m)
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	service := obj("v1", "Service", "kube-system", "metrics")
	service.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": host}
	s.create(t, resources["Service"], "kube-system", service)
	api := obj("apiregistration.k8s.io/v1", "APIService", "", "v1beta1.metrics.k8s.io")
	api.Object["spec"] = map[string]any{
		"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
		"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": "kube-system", "name": "metrics", "port": number},
	}
	s.create(t, apiServices, "", api)
	await(t, time.Minute, "metrics are served", func() string {
		_, err := s.client.Resource(schema.GroupVersionResource{Group: "metrics.k8s.io", Version: "v1beta1", Resource: "pods"}).Namespace("default").List(t.Context(), metav1.ListOptions{})
		return said(err)
	})
	return m
}

// load sets what the pods of a namespace have to do.
func (m *meter) load(ns string, thousandths int) {
	m.mu.Lock()
	m.loads[ns] = thousandths
	m.mu.Unlock()
}

// ServeHTTP answers as the metrics server does.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{
		"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1",
		"resources": []any{map[string]any{"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": []any{"get", "list"}}},
	}
	if found := podsOf.FindStringSubmatch(r.URL.Path); found != nil {
		items, err := m.measure(r, found[1])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer = map[string]any{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": items}
		if r.Header.Get("X-Remote-User") == autoscalerUser {
			m.asked.Add(1)
		}
	} else if r.URL.Path != "/apis/metrics.k8s.io/v1beta1" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // who asked may be gone
}

func (m *meter) measure(r *http.Request, ns string) ([]any, error) {
	pods, err := m.s.client.Resource(resources["Pod"]).Namespace(ns).List(r.Context(), metav1.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector"), FieldSelector: "status.phase=Running"})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	load := m.loads[ns]
	m.mu.Unlock()
	items := []any{}
	for _, p := range pods.Items {
		items = append(items, map[string]any{
			"metadata": map[string]any{"name": p.GetName(), "namespace": ns, "labels": p.GetLabels()}, "timestamp": time.Now().UTC().Format(time.RFC3339), "window": "1s",
			"containers": []any{map[string]any{"name": "web", "usage": map[string]any{"cpu": fmt.Sprintf("%dm", load/len(pods.Items)), "memory": "1Mi"}}},
		})
	}
	return items, nil
}

// scaled is a Deployment whose pods ask for a tenth of a processor; replicas is
// a line of its spec or nothing.
func scaled(version, replicas string) string {
	text := strings.Replace(deployment(version, "c"), "name: web, image", "name: web, resources: {requests: {cpu: 100m}}, image", 1)
	return strings.Replace(text, "  replicas: 1\n", replicas, 1)
}

// autoscaler wants pods that use half of what they ask for.
const autoscaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 6
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`

// replicas waits until the Deployment has and wants n.
func (w *world) replicas(n int64) {
	w.Helper()
	await(w.T, scenarioTime, fmt.Sprintf("%d replicas", n), func() string {
		o := w.live(obj("apps/v1", "Deployment", "", "web"))
		if o == nil {
			return "there is no Deployment"
		}
		wanted, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		ready, _, _ := unstructured.NestedInt64(o.Object, "status", "readyReplicas")
		if wanted != n || ready != n {
			return fmt.Sprintf("%d are wanted, %d ready", wanted, ready)
		}
		return ""
	})
}

// touched counts the calls with which aeod changed the Deployment.
func (w *world) touched() int {
	w.Helper()
	calls, err := w.audit.changes(func(o object) bool { return o == object{"deployments", w.ns, "web"} })
	if err != nil {
		w.Fatal(err)
	}
	return len(calls)
}

// still has the autoscaler look at its metrics some times more, and checks that
// neither it nor aeod does anything.
func (w *world) still(m *meter, n int64) {
	w.Helper()
	before, since := w.touched(), m.asked.Load()
	await(w.T, scenarioTime, "the autoscaler looks on", func() string {
		if times := m.asked.Load() - since; times < 6 {
			return fmt.Sprintf("%d times", times)
		}
		return ""
	})
	w.replicas(n)
	if after := w.touched(); after != before {
		w.Errorf("aeod changed the Deployment %d times though there was nothing to do", after-before)
	}
}

// TestAutoscaler has the real controller scale what Git describes, by metrics.
// Nobody tells the operator, and the two do not fight.
func TestAutoscaler(t *testing.T) {
	s := newSuite(t, cluster.WithArguments(programs.ControllerManager,
		"--horizontal-pod-autoscaler-sync-period=500ms", "--horizontal-pod-autoscaler-initial-readiness-delay=1ms", "--horizontal-pod-autoscaler-cpu-initialization-period=1ms"))
	m := newMeter(t, s)
	t.Run("each", func(t *testing.T) {
		for i, inGit := range []bool{true, false} {
			sc := scenario{name: "the autoscaler is in Git: " + strconv.FormatBool(inGit), raw: true, first: files{}, run: func(w *world) { scales(w, m, inGit) }}
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				sc.play(t, s, short(i, sc.name))
			})
		}
	})
}

func scales(w *world, m *meter, inGit bool) {
	// What the oracle compares has no replicas: they are the autoscaler's.
	at := func(version, config string) (git, want files) {
		want = files{"d.yaml": scaled(version, ""), "c.yaml": configMap("c", config)}
		git = want.with(files{"d.yaml": scaled(version, "  replicas: 2\n")})
		if inGit {
			return git.with(files{"h.yaml": autoscaler}), want.with(files{"h.yaml": autoscaler})
		}
		return git, want
	}
	m.load(w.ns, 100)
	git, want := at("1", "1")
	w.commit(git)
	w.synced()
	w.note()
	if !inGit {
		w.replicas(2)
		w.create(w.T, resources["HorizontalPodAutoscaler"], w.ns, parse(w.T, autoscaler))
	}
	w.replicas(2)
	w.still(m, 2)

	m.load(w.ns, 250)
	w.replicas(5)
	w.judge(want)
	w.still(m, 5)

	// Once the field is let go of, scaling is none of the operator's business.
	before := w.touched()
	m.load(w.ns, 150)
	w.replicas(3)
	w.judge(want)
	w.still(m, 3)
	if n := w.touched() - before; n != 0 {
		w.Errorf("aeod changed the Deployment %d times when it was scaled again", n)
	}

	// All other fields are still kept as Git says.
	w.edit("Deployment", "web", `{"spec":{"revisionHistoryLimit":3,"template":{"metadata":{"labels":{"app":"web","by":"hand"}},"spec":{"containers":[{"name":"web","image":"example.com/web:by-hand","resources":{"requests":{"cpu":"100m"}}}]}}}}`)
	w.judge(want)
	w.without("Deployment", "web", "spec", "template", "metadata", "labels", "by")
	w.replicas(3)

	// And the next revision comes with as many as there are.
	git, want = at("2", "2")
	w.commit(git)
	w.judge(want)
	w.replicas(3)
	w.still(m, 3)
}
