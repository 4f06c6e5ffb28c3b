package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// surveying is a backend whose survey knows one slow signal, and whose cluster
// one release.
type surveying struct {
	tracing
	found    *TracesFound
	findErr  error
	query    TracesRequest
	plotted  []PlotRequest
	releases []v1alpha1.Release
	denied   error
	apps     []v1alpha1.Application
	told     Surveyed
	wanted   SurveyRequest
	lines    logging
}

func (b *surveying) Survey(_ context.Context, req SurveyRequest) (Survey, error) {
	b.wanted = req
	return b, nil
}
func (b *surveying) Advance(context.Context) error { return nil }
func (b *surveying) Told() Surveyed                { return b.told }
func (b *surveying) Plot(w io.Writer, req PlotRequest) error {
	b.plotted = append(b.plotted, req)
	_, err := fmt.Fprintln(w, "(plot)")
	return err
}
func (b *surveying) FindTraces(_ context.Context, req TracesRequest) (*TracesFound, error) {
	b.query = req
	return b.found, b.findErr
}
func (b *surveying) CompareLogs(ctx context.Context, req LogsRequest) (*ComparedLogs, error) {
	return b.lines.CompareLogs(ctx, req)
}
func (b *surveying) Cluster(ClusterOptions) (Cluster, error) {
	return releasesOnly{nil, b.releases, b.denied, b.apps}, nil
}

// releasesOnly is a cluster of which only the releases and Applications are asked for.
type releasesOnly struct {
	Cluster
	releases []v1alpha1.Release
	denied   error
	apps     []v1alpha1.Application
}

func (c releasesOnly) Applications(context.Context, string) ([]v1alpha1.Application, string, error) {
	return c.apps, "", nil
}

func (c releasesOnly) Releases(context.Context, string) ([]v1alpha1.Release, error) {
	return c.releases, c.denied
}

func slowOrders() *surveying {
	at := traceTime
	signal := observe.Signal{Watch: watch.Watch{Name: "http-duration", Golden: watch.Duration, What: "duration of requests", Unit: "s", Exemplars: "http_bucket"}, Labels: map[string]string{"namespace": "shop", "app": "orders"}}
	standing := observe.Standing{Signal: signal, State: observe.Abnormal, At: at, Value: 0.4, Anomalies: []observe.Anomaly{{Since: at.Add(-2 * time.Minute), Value: 0.4}}}
	started := metav1.NewMicroTime(at.Add(-3 * time.Minute))
	r := v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-1"}}
	r.Spec = v1alpha1.ReleaseSpec{Application: "shop", Revision: "0123456789abcdef", Objects: []string{"apps/v1/Deployment/shop/orders", "apps/v1/Deployment/shop/web", "apps/v1/Deployment/other/web"}}
	r.Status.Phase, r.Status.Timings.Started = "Good", &started
	return &surveying{
		releases: []v1alpha1.Release{r}, told: Surveyed{Report: observe.Report{At: at, Signals: []observe.Standing{standing}}, Step: 30 * time.Second},
		found: &TracesFound{Traces: []spans.Found{{Summary: spans.Summary{ID: spans.ID{15: 7}, Root: "GET /\x1b", Start: at.Add(-time.Minute), Duration: 412 * time.Millisecond, Failed: true}, How: spans.ByTraceID}, {Summary: spans.Summary{ID: spans.ID{15: 8}, Root: "GET /b", Start: at.Add(-time.Minute), Duration: time.Second}, How: spans.ByPod}}, Notes: []string{"mind\x1b"}},
	}
}

func explainOf(t *testing.T, b *surveying, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	s := &Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
	code = Main(t.Context(), b, s, Build{}, append([]string{"observe", "explain", "shop/orders", "--prometheus", "http://p"}, args...))
	return o.String(), e.String(), code
}

// TestExplainShowsChangesAndTraces has a mark for each release, and the traces of
// the time that is abnormal.
func TestExplainShowsChangesAndTraces(t *testing.T) {
	b := slowOrders()
	out, errs, code := explainOf(t, b, "--releases", "--jaeger", "http://j")
	if code != 0 || !strings.Contains(out, "00000000000000000000000000000007  11:59:00  412ms  GET /?  failed  named by an exemplar") ||
		!strings.Contains(out, "00000000000000000000000000000008  11:59:00  1s     GET /b          by pod and time") || !strings.Contains(errs, "note: mind?\n") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if len(b.plotted) != 1 || len(b.plotted[0].Marks) != 1 || b.plotted[0].Marks[0].Text != "shop@01234567" {
		t.Errorf("drawn %+v", b.plotted)
	}
	if r := b.query; r.Exemplars != `http_bucket{app="orders",namespace="shop"}` || r.Metrics.URL != "http://p" || !r.From.Equal(traceTime.Add(-4*time.Minute)) || r.Around != 30*time.Second {
		t.Errorf("asked for %+v", r)
	}
	q := b.query.Query
	if q.From.Service != "orders" || q.From.Namespace != "shop" || q.Failed || !q.Since.Equal(traceTime.Add(-2*time.Minute)) || !q.Until.Equal(traceTime.Add(time.Second)) {
		t.Errorf("asked for %+v", q)
	}
	b.found = &TracesFound{}
	if out, _, _ := explainOf(t, b, "--tempo", "http://t"); !strings.Contains(out, "Traces: none of that time.") {
		t.Errorf("without traces:\n%s", out)
	}
	b.findErr = fault.New(fault.Unavailable, "ask Tempo", "t", "refused", "")
	if out, _, code := explainOf(t, b, "--tempo", "http://t"); code != 0 || !strings.Contains(out, "could not be asked for") || !strings.Contains(out, "refused") {
		t.Errorf("of a store that is down: code %d\n%s", code, out)
	}
	if out, _, _ := explainOf(t, slowOrders()); strings.Contains(out, "Traces") {
		t.Errorf("nobody asked for traces:\n%s", out)
	}
	b.denied = fault.New(fault.Denied, "list", "releases", "it may not", "ask for the right")
	if out, errs, code := explainOf(t, b, "--releases"); code != 0 || !strings.Contains(out, "(plot)") || !strings.Contains(errs, "blind: the Releases could not be read: list releases: it may not") {
		t.Errorf("without the right: code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := explainOf(t, b, "--tempo", "http://t", "--jaeger", "http://j"); code != 2 || !strings.Contains(errs, "--jaeger is given too") {
		t.Errorf("code %d\n%s", code, errs)
	}
}

// TestCausesReadTraces compares calls before and since the trouble, and goes on
// where the store is down.
func TestCausesReadTraces(t *testing.T) {
	b := slowOrders()
	b.costs = &CallCosts{Before: spans.CostsOf([][]spans.Span{purchase(1, time.Millisecond, false)}), After: spans.CostsOf(nil), Notes: []string{"half"}}
	run := func() (string, string) {
		var o, e bytes.Buffer
		s := &Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
		Main(t.Context(), b, s, Build{}, []string{"observe", "causes", "--prometheus", "http://p", "--jaeger", "http://j", "--timeout", "7s"})
		return o.String(), e.String()
	}
	_, errs := run()
	if !strings.Contains(errs, "note: half") || !strings.Contains(errs, "blind: there are no traces since") {
		t.Errorf("standard error: %s", errs)
	}
	if a := b.asked; a.Source.Timeout != 7*time.Second || !a.To.Equal(traceTime.Add(-settling)) || a.Mid.Sub(a.From) != time.Hour || !a.Mid.Before(a.To) {
		t.Errorf("asked for %+v", a)
	}
	b.err = fault.New(fault.Unavailable, "ask Jaeger", "j", "refused", "")
	out, errs := run()
	if !strings.Contains(errs, "blind: traces could not be asked for") || out == "" {
		t.Errorf("%s%s", out, errs)
	}
}

// TestMonitorsOfApplications has them watched beside those of the command line, where a
// cluster is to be asked.
func TestMonitorsOfApplications(t *testing.T) {
	b := slowOrders()
	b.apps = []v1alpha1.Application{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"},
		Spec:       v1alpha1.ApplicationSpec{Monitors: []v1alpha1.Monitor{{Name: "queue", Expr: "sum(queue_length)", Worse: "Higher"}}},
	}}
	run := func(more ...string) (int, string) {
		var out, errs bytes.Buffer
		args := append([]string{"observe", "anomalies", "--prometheus", "http://prometheus:9090", "--monitor", "up=sum(up)"}, more...)
		code := Main(t.Context(), b, &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, Build{}, args)
		return code, errs.String()
	}
	if code, errs := run(); code > 1 || len(b.wanted.Monitors) != 1 {
		t.Errorf("%d %s: %+v", code, errs, b.wanted.Monitors)
	}
	if code, errs := run("--applications", "-n", "shop"); code > 1 || len(b.wanted.Monitors) != 2 || b.wanted.Monitors[1].Name != "monitor/shop/orders/queue" || b.wanted.Monitors[1].Namespace != "shop" {
		t.Errorf("%d %s: %+v", code, errs, b.wanted.Monitors)
	}
	b.apps[0].Spec.Monitors[0].LeastChange = "much"
	if code, errs := run("--applications"); code != 2 || !strings.Contains(errs, "spec.monitors queue") {
		t.Errorf("%d %s", code, errs)
	}
}

// TestTopHasMonitors shows a monitor also while nothing is wrong with it.
func TestTopHasMonitors(t *testing.T) {
	m := watch.Watch{Name: "monitor/shop/orders/queue", Golden: watch.Monitor, What: "queue", Namespace: "shop", Workload: "orders"}
	var out bytes.Buffer
	if err := topTable(&out, Surveyed{Report: observe.Report{Signals: []observe.Standing{
		{Signal: observe.Signal{Watch: m}, State: observe.Normal, Value: 12},
		{Signal: observe.Signal{Watch: m, Labels: map[string]string{"zone": "b"}}, State: observe.Abnormal, Value: 99},
	}}}); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Split(out.String(), "\n"); !strings.HasPrefix(rows[1], "shop/orders ") || !strings.HasSuffix(rows[1], "queue 12, queue zone=b 99 !") {
		t.Errorf("%s", &out)
	}
}

// TestExplainTellsParts says of a trace that its root is missing, also in JSON.
func TestExplainTellsParts(t *testing.T) {
	b := slowOrders()
	b.found.Traces[0].Partial, b.found.Traces[1].Partial = true, true
	out, _, _ := explainOf(t, b, "--jaeger", "http://j")
	if !strings.Contains(out, "GET /?  failed, only a part: its root is missing  named by") || !strings.Contains(out, "GET /b  only a part: its root is missing          by pod and time") {
		t.Error(out)
	}
	if out, _, _ := explainOf(t, b, "--jaeger", "http://j", "-o", "json"); strings.Count(out, `"partial": true`) != 2 {
		t.Error(out)
	}
}
