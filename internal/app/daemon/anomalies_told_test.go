package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// archive is a cluster that keeps events, and counts how often they are read.
type archive struct {
	mu    sync.Mutex
	items []string
	asked int
	fails bool
	posts chan string
}

func (c *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		text, _ := io.ReadAll(r.Body)
		c.posts <- string(text)
		fmt.Fprint(w, "{}")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.fails || r.URL.Path != "/api/v1/namespaces/shop/events" || !strings.HasPrefix(r.URL.Query().Get("fieldSelector"), "reportingComponent=autoecoops.io/aeod") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"events is forbidden","code":403}`)
		return
	}
	// Two pages, the newest first.
	if at := len(c.items) / 2; r.URL.Query().Get("continue") == "" {
		fmt.Fprintf(w, `{"metadata":{"continue":"more"},"items":[%s]}`, strings.Join(c.items[at:], ","))
	} else {
		fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, strings.Join(c.items[:at], ","))
	}
}

// TestToldOnce: what an aeod that ran before told of monitors is not told anew, and what it
// did not, or what is another anomaly, is.
func TestToldOnce(t *testing.T) {
	const layout = "2006-01-02T15:04:05.000000Z"
	begin := time.Now().Add(-30 * time.Minute).UTC().Truncate(time.Microsecond)
	cluster := &archive{posts: make(chan string, 20)}
	server := httptest.NewServer(cluster)
	t.Cleanup(server.Close)
	client, err := kube.New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	events := kube.NewEvents(client, "test")
	go events.Run(t.Context())
	app := &v1alpha1.Application{}
	app.Namespace, app.Name = "shop", "orders"
	names := []string{"told", "untold", "again", "ended", "back"}
	for _, n := range names {
		app.Spec.Monitors = append(app.Spec.Monitors, v1alpha1.Monitor{Name: n, Expr: n})
	}
	starts := func() *anomalies {
		a := &anomalies{
			events: events, log: slog.New(slog.DiscardHandler),
			all: func() []*v1alpha1.Application { return []*v1alpha1.Application{app} },
			app: func(deliver.AppKey) *v1alpha1.Application { return app },
		}
		for range 2 {
			a.monitors()
		}
		return a
	}
	all, err := watch.MonitorsOf(app)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]observe.Signal{}
	for _, w := range all {
		of[w.What] = observe.Signal{Watch: w, Labels: map[string]string{"queue": "a"}}
	}
	anomaly := func(name string, since time.Time) observe.Anomaly {
		return observe.Anomaly{Signal: of[name], Since: since, Value: 3}
	}
	// What the one before told, as the cluster keeps it: taken from what is written, so that
	// no other text is read than that.
	old := starts()
	keep := func(name string, now turn, at time.Time) {
		t.Helper()
		old.before.notes = map[string]map[string][]note{"shop": {}}
		old.tell(anomaly(name, begin), now)
		text := <-cluster.posts
		_, rest, _ := strings.Cut(text, `"note":`)
		quoted, _, _ := strings.Cut(rest, `,"regarding"`)
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		cluster.items = append(cluster.items, fmt.Sprintf(`{"metadata":{"creationTimestamp":%q},"involvedObject":{"kind":"Application","namespace":"shop","name":"orders"},"reason":%q,"message":%s,"eventTime":%q}`,
			at.Truncate(time.Second).Format(time.RFC3339), now, quoted, at.Format(layout)))
	}
	keep("told", began, begin.Add(time.Second))
	keep("again", began, begin.Add(time.Second))
	keep("ended", began, begin.Add(time.Second))
	keep("back", began, begin.Add(time.Second))
	keep("ended", ended, begin.Add(time.Minute))
	keep("back", ended, begin.Add(time.Minute))
	keep("back", began, begin.Add(2*time.Minute))

	tells := func(a *anomalies, want string) {
		t.Helper()
		a.tell(anomaly("told", begin), began)
		a.tell(anomaly("untold", begin), began)
		a.tell(anomaly("again", begin.Add(5*time.Minute)), began)
		a.tell(anomaly("ended", begin), began)
		a.tell(anomaly("back", begin.Add(2*time.Minute)), began)
		a.tell(anomaly("told", time.Now().Add(time.Minute)), began) // it began after the start
		got := ""
		for range strings.Fields(want) {
			select {
			case text := <-cluster.posts:
				_, rest, _ := strings.Cut(text, `"note":"`)
				name, _, _ := strings.Cut(rest, " ")
				got += name + " "
			case <-time.After(time.Minute):
				t.Fatalf("told %s", got)
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("told %q, not %q", got, want)
		}
	}
	tells(starts(), "untold again ended told")
	if cluster.asked != 2 {
		t.Errorf("two pages were read in %d questions", cluster.asked)
	}
	// What is as usual again when it is first seen ended while nobody looked.
	looks := func(a *anomalies, state observe.State, want string) {
		t.Helper()
		var r observe.Report
		for _, name := range names {
			r.Signals = append(r.Signals, observe.Standing{Signal: of[name], State: state})
		}
		for range 2 {
			a.endedMeanwhile(r)
		}
		got := ""
		for range strings.Fields(want) {
			select {
			case text := <-cluster.posts:
				_, rest, _ := strings.Cut(text, `"note":"`)
				name, _, _ := strings.Cut(rest, " ")
				if !strings.Contains(text, string(ended)) {
					t.Error(text)
				}
				got += name + " "
			case <-time.After(time.Minute):
				t.Fatalf("ended %s", got)
			}
		}
		if strings.TrimSpace(got) != want || len(cluster.posts) > 0 {
			t.Errorf("ended %q and %d, not %q", got, len(cluster.posts), want)
		}
	}
	cluster.mu.Lock()
	cluster.asked = 0
	cluster.mu.Unlock()
	a := starts()
	looks(a, observe.Learning, "")
	looks(a, observe.Silent, "")
	if cluster.asked != 0 {
		t.Errorf("%d questions before anything is known", cluster.asked)
	}
	looks(a, observe.Normal, "told again back")
	a = starts()
	looks(a, observe.Abnormal, "")
	looks(a, observe.Normal, "") // that is told as it ends
	if cluster.asked != 4 {
		t.Errorf("%d questions", cluster.asked)
	}
	// What cannot be read is told, and asked for again.
	cluster.mu.Lock()
	cluster.fails, cluster.asked = true, 0
	cluster.mu.Unlock()
	looks(starts(), observe.Normal, "")
	tells(starts(), "told untold again ended back told")
	if cluster.asked != 6 {
		t.Errorf("%d questions", cluster.asked)
	}
	if len(cluster.posts) != 0 {
		t.Errorf("besides: %s", <-cluster.posts)
	}
}
