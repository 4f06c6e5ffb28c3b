package gitops

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// tracing receives traces over OTLP.
type tracing struct {
	*httptest.Server

	mu    sync.Mutex
	spans map[string][]*trace.Span // by the hexadecimal id of their trace
}

func newTracing(t *testing.T) *tracing {
	r := &tracing{spans: map[string][]*trace.Span{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if err := r.take(q); err != nil {
			t.Errorf("%s: %v", q.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *tracing) take(q *http.Request) error {
	body := io.Reader(q.Body)
	if q.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var in collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &in); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range in.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				id := hex.EncodeToString(s.TraceId)
				r.spans[id] = append(r.spans[id], s)
			}
		}
	}
	return nil
}

// has waits until a trace has spans of all these names, each once, and returns
// them by name.
func (r *tracing) has(t *testing.T, id string, names ...string) map[string]*trace.Span {
	t.Helper()
	out := map[string]*trace.Span{}
	await(t, scenarioTime, fmt.Sprintf("trace %s with %v", id, names), func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		clear(out)
		for _, s := range r.spans[id] {
			if out[s.Name] != nil {
				t.Fatalf("two spans are called %s", s.Name)
			}
			out[s.Name] = s
		}
		for _, n := range names {
			if out[n] == nil {
				return "there is no " + n
			}
		}
		return ""
	})
	return out
}

// releases are those of the Application, by revision, the last of each.
func (w *world) releases() map[string]*v1alpha1.Release {
	w.Helper()
	out := map[string]*v1alpha1.Release{}
	list, err := w.client.Resource(resources["Release"]).Namespace(w.home).List(w.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelApplication + "=" + w.ns})
	if err != nil {
		w.Fatal(err)
	}
	for _, o := range list.Items {
		r := &v1alpha1.Release{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, r); err != nil {
			w.Fatal(err)
		}
		if r.Spec.Trigger != "rollback" {
			out[r.Spec.Revision] = r
		}
	}
	return out
}

// release waits until the release of a revision is as wanted.
func (w *world) release(revision, phase string) *v1alpha1.Release {
	w.Helper()
	var r *v1alpha1.Release
	await(w.T, scenarioTime, "release of "+revision[:8]+" is "+phase, func() string {
		if r = w.releases()[revision]; r == nil {
			return "there is none"
		}
		if r.Status.Phase != phase {
			return "it is " + r.Status.Phase
		}
		return ""
	})
	return r
}

// TestPushToProduction takes commits from a push to a forge into the cluster,
// and a bad one back into Git: the webhook is all that tells of them, and each
// can be followed as a trace.
func TestPushToProduction(t *testing.T) {
	s := newSuite(t)
	traces := newTracing(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traces.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
	var f *forge
	start := files{"d.yaml": deployment("1", "c"), "c.yaml": configMap("c", "1")}
	sc := scenario{
		name: "from a push to production and back", own: true, raw: true, first: start,
		before: func(w *world) {
			f = newForge(w)
			secret := obj("v1", "Secret", w.home, "forge")
			secret.Object["stringData"] = map[string]any{"token": forgeToken}
			w.create(w.T, resources["Secret"], w.home, secret)
			hook := obj("v1", "Secret", "autoecoops", "aeod-webhook")
			hook.Object["stringData"] = map[string]any{"github": webhookSecret}
			w.create(w.T, resources["Secret"], "autoecoops", hook)
		},
		tune: func(a *v1alpha1.Application) { f.follow(a) },
		run:  func(w *world) { pushes(w, f, traces, start) },
	}
	sc.play(t, s, "push")
}

func pushes(w *world, f *forge, traces *tracing, start files) {
	d := w.ownDaemon("", "--leader-elect=false", "--listen", "127.0.0.1:0")
	first := w.repo.head()
	w.synced()
	w.note()

	// Nobody is believed without the secret, and nothing comes of it.
	good := start.with(files{"d.yaml": deployment("2", "c"), "c.yaml": configMap("c", "2")})
	second := w.repo.commit(good)
	w.learn(good)
	if code, said := f.push(d, "another secret", first, second); code != http.StatusUnauthorized {
		w.Errorf("a message with a wrong signature got %d: %s", code, said)
	}
	w.at(first)
	f.told(d, first, second)
	w.judge(good)
	f.says("aeo/push/push", second, "success", "applied and healthy")
	f.says("aeo/gate/push/push", second, "success", "passes")
	r := w.release(second, "Good")
	followed(w, traces, r, "")

	// A revision whose containers crash goes back, in the cluster and in Git.
	bad := strings.Replace(deployment("3", "c"), "labels: {app: web}}", `labels: {app: web}, annotations: {cluster.autoecoops.io/simulate: crash-loop}}`, 1)
	third := f.pushed(d, good.with(files{"d.yaml": bad, "c.yaml": configMap("c", "3")}))
	r = w.release(third, "Failed")
	w.refused(good, "Stalled", "True", ".", "quarantined .failed.")
	f.says("aeo/push/push", third, "failure", "failed")
	followed(w, traces, r, r.Status.Message)
	await(w.T, scenarioTime, "the release names the pull request", func() string {
		if got := w.releases()[third].Status.PullRequest; got != f.address(1) {
			return "it names " + got
		}
		return ""
	})
	once := func(when string) pull {
		w.Helper()
		all := f.requests()
		if len(all) != 1 || all[0].base != "main" {
			w.Fatalf("%s there are these pull requests: %+v", when, all)
		}
		return all[0]
	}
	p := once("after the rollback")
	if w.repo.git("rev-parse", p.head+"^{tree}") != w.repo.git("rev-parse", second+"^{tree}") {
		w.Errorf("the pull request does not take Git back to the good revision:\n%s", w.repo.git("diff", second, p.head))
	}
	if !strings.Contains(p.body, third[:8]) {
		w.Errorf("the pull request does not say what it reverts:\n%s", p.body)
	}

	// Neither the same message again nor a restart opens another.
	if code, said := f.push(d, webhookSecret, second, third); code != http.StatusAccepted || !strings.Contains(said, "came before") {
		w.Errorf("the same message again got %d: %s", code, said)
	}
	d.kill()
	w.again(d)
	w.poke()
	await(w.T, scenarioTime, "the request is acted on", func() string {
		app, err := w.status()
		if err != nil {
			return err.Error()
		}
		if app.Status.Handled[v1alpha1.AnnotationSync] != fmt.Sprint(w.asked) {
			return "not yet"
		}
		return ""
	})
	w.refused(good, "Stalled", "True", ".", "quarantined .failed.")
	once("after a restart")

	// A person merges it, and all is well.
	fourth := f.merge(p)
	f.told(d, third, fourth)
	w.judge(good)
	once("at the end")
	if app, err := w.status(); err != nil || !ready(app) {
		w.Errorf("not ready at the end: %v", err)
	}
}

// followed checks a release's trace: every step from the commit to health, in
// their order, below one span that says how it ended.
func followed(w *world, traces *tracing, r *v1alpha1.Release, failed string) {
	w.Helper()
	steps := []string{"commit", "fetch", "render", "gate", "apply", "healthy"}
	spans := traces.has(w.T, r.Annotations[v1alpha1.AnnotationTraceID], append(steps, "release")...)
	root := spans["release"]
	if root.GetStatus().GetMessage() != failed || len(root.ParentSpanId) != 0 {
		w.Errorf("the release's span is %v", root)
	}
	var last uint64
	for _, name := range steps {
		x := spans[name]
		if string(x.ParentSpanId) != string(root.SpanId) {
			w.Errorf("%s is not below the release", name)
		}
		if x.StartTimeUnixNano < last || x.EndTimeUnixNano < x.StartTimeUnixNano || x.EndTimeUnixNano > root.EndTimeUnixNano {
			w.Errorf("%s is at the wrong place", name)
		}
		last = x.StartTimeUnixNano
	}
}
