package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
)

// locked is a log that several write.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestServicesSayWhereMetricsAre scrapes a pod of which only its Service says that it has
// metrics, one found both ways once, and without the right to list Services those that say
// it themselves.
func TestServicesSayWhereMetricsAre(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("temperature 21.5\n"))
	}))
	defer target.Close()
	host, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
	const notes = `"annotations":{"prometheus.io/scrape":"true"}`
	pod := func(name, more string) string {
		return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"labels":{"app":"cart"}%s},"spec":{"containers":[{"name":"app","ports":[{"name":"http","containerPort":%s}]}]},"status":{"podIP":%q,"phase":"Running"}}`, name, more, port, host)
	}
	lists := map[string]string{
		"/api/v1/namespaces/shop/pods":     pod("cart-1", "") + "," + pod("both-1", ","+notes),
		"/api/v1/namespaces/shop/services": `{"metadata":{"namespace":"shop","name":"cart",` + notes + `},"spec":{"selector":{"app":"cart"},"ports":[{"port":80,"targetPort":"http"}]}}`,
	}
	for name, c := range map[string]struct {
		denied bool
		want   []string
	}{
		"allowed": {false, []string{"both-1", "cart-1"}},
		"denied":  {true, []string{"both-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				items, known := lists[r.URL.Path]
				switch {
				case !known:
					http.NotFound(w, r)
				case c.denied && strings.HasSuffix(r.URL.Path, "/services"):
					w.WriteHeader(http.StatusForbidden)
					fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"services is forbidden","code":403}`)
				case r.URL.Query().Get("watch") == "":
					fmt.Fprintf(w, `{"metadata":{"resourceVersion":"1"},"items":[%s]}`, items)
				default:
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				}
			}))
			defer cluster.CloseClientConnections()
			client, err := kube.New(&rest.Config{Host: cluster.URL})
			if err != nil {
				t.Fatal(err)
			}
			var log locked
			m := Metrics{Dir: t.TempDir(), Retention: "1d", RetentionSize: "512MiB", MaxSeries: 1000, Pods: true, Namespaces: []string{"shop"}, Interval: time.Second}
			k, err := openMetrics(m, client, prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- k.Run(ctx) }()
			text := ""
			query := url.Values{"query": {`sum by (pod) (count_over_time(up{job=~"shop/.+"}[1h])) > 2`}}.Encode()
			for end := time.Now().Add(20 * time.Second); strings.Count(text, `"pod":`) < len(c.want) && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				w := httptest.NewRecorder()
				k.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/query?"+query, nil))
				text = w.Body.String()
			}
			w := httptest.NewRecorder()
			k.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/targets", nil))
			targets := w.Body.String()
			for _, pod := range c.want {
				if !strings.Contains(text, fmt.Sprintf(`"pod":%q`, pod)) {
					t.Errorf("%s: %s\n%s", pod, text, targets)
				}
			}
			if n := strings.Count(targets, `"scrapeUrl"`); n != len(c.want) {
				t.Errorf("%d targets, not %d: %s", n, len(c.want), targets)
			}
			if told := strings.Count(log.String(), "services whose pods are to be scraped could not be followed"); told > 1 || (told == 1) != c.denied {
				t.Errorf("told %d times: %s", told, log.String())
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
