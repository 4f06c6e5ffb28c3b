package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/logs/live"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestLogsAreKept reads a pod's log from an API server, and lets it be asked for.
func TestLogsAreKept(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/log"):
			now := time.Now().UTC()
			fmt.Fprintf(w, "%s all is well\n", now.Add(-14*time.Minute).Format(time.RFC3339Nano))
			fmt.Fprintf(w, "%s an order came\n", now.Format(time.RFC3339Nano))
			fmt.Fprintf(w, "%s ERROR order 7 was lost: disk full, on /var/lib/orders\n", now.Format(time.RFC3339Nano))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case r.URL.Query().Get("watch") == "true":
			<-r.Context().Done()
		default:
			fmt.Fprint(w, `{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"namespace":"shop","name":"orders-0","labels":{"app.kubernetes.io/name":"orders"}},"spec":{"nodeName":"n1"},"status":{"containerStatuses":[{"name":"app","state":{"running":{}}}]}}]}`)
		}
	}))
	defer api.Close()
	client, err := kube.New(&rest.Config{Host: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	events, got := eventsOf(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	reg := prometheus.NewRegistry()
	k, err := openLogs(Logs{Listen: address, Namespaces: []string{"shop"}, Memory: "1Mi", Age: time.Hour, TokenFile: token}, client, events, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k.every = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.run(ctx) }()
	ask := func(token string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, "http://"+address+`/loki/api/v1/query_range?query=%7Bservice_name%3D%22orders%22%7D`, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	text, code := "", 0
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until) && !strings.Contains(text, "an order came"); time.Sleep(20 * time.Millisecond) {
		code, text = ask("secret")
	}
	if code != http.StatusOK || !strings.Contains(text, `{"container":"app","namespace":"shop","node":"n1","pod":"orders-0","service_name":"orders"}`) {
		t.Errorf("%d %s", code, text)
	}
	for _, wrong := range []string{"", "other"} {
		if code, _ := ask(wrong); code != http.StatusUnauthorized {
			t.Errorf("the token %q is let through: %d", wrong, code)
		}
	}
	select {
	case e := <-got:
		for _, w := range []string{"/namespaces/shop/events", `"reason":"NewErrorLines"`, `"type":"Warning"`, "shop/orders writes lines of level error that it never wrote before, 1 since", `order \u003c*\u003e was lost`, "for example ERROR order 7 was lost"} {
			if !strings.Contains(e, w) {
				t.Errorf("%q is missing in %s", w, e)
			}
		}
	case <-time.After(time.Minute):
		t.Error("nobody is told of the error")
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP aeo_observe_lines_received_total Lines of pods that came.
# TYPE aeo_observe_lines_received_total counter
aeo_observe_lines_received_total 3
# HELP aeo_observe_log_findings Kinds of error lines that a workload writes and that are new, or far more than usual.
# TYPE aeo_observe_log_findings gauge
aeo_observe_log_findings{kind="new",namespace="shop",workload="orders"} 1
# HELP aeo_observe_logs_followed Logs of containers that are followed.
# TYPE aeo_observe_logs_followed gauge
aeo_observe_logs_followed 1
`), "aeo_observe_lines_received_total", "aeo_observe_logs_followed", "aeo_observe_log_findings"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 17 {
		t.Errorf("%d metrics, %v", n, err)
	}
	// The address is taken now.
	if err := serveAt(t.Context(), address, "--logs-listen", http.NotFoundHandler(), k.log); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestLogsOptions(t *testing.T) {
	if k, err := openLogs(Logs{}, nil, nil, nil, nil); k != nil || err != nil {
		t.Errorf("nobody wants lines: %v %v", k, err)
	}
	if _, err := openLogs(Logs{Listen: ":0", Memory: "1Mi", TokenFile: filepath.Join(t.TempDir(), "none")}, nil, nil, prometheus.NewRegistry(), nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	good := Logs{Listen: ":3100", Memory: "64Mi", Age: time.Hour}
	for flag, change := range map[string]func(*Logs){
		"":                  func(*Logs) {},
		"--logs-memory":     func(l *Logs) { l.Memory = "much" },
		"--logs-memory: ":   func(l *Logs) { l.Memory = "1Ki" },
		"--logs-age":        func(l *Logs) { l.Age = time.Second },
		"--logs-token-file": func(l *Logs) { l.Listen, l.TokenFile = "", "token" },
		"--logs-namespace":  func(l *Logs) { l.Listen, l.Namespaces = "", []string{"shop"} },
	} {
		o := Default()
		o.Signals.Logs = good
		change(&o.Signals.Logs)
		if err := o.Validate(); flag == "" && err != nil || flag != "" && (err == nil || !strings.Contains(err.Error(), flag)) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestLineNews says what people read of findings in lines.
func TestLineNews(t *testing.T) {
	long := strings.Repeat("ü", 1000)
	finding := func(kind logs.SignalKind) live.Finding {
		return live.Finding{Of: identity.Key{Namespace: "shop", Service: "orders\x1b[1m"}, Signal: logs.Signal{
			Kind: kind, Since: 1_700_000_000_000, Lines: 890, Expected: 12.34, Template: logs.Template{ID: 7, Text: "payment <*> failed " + long, Level: logs.Error, Example: "payment 5\x1b[31m failed\u202e " + long},
		}}
	}
	for name, c := range map[string]struct {
		kind   logs.SignalKind
		began  bool
		reason string
		says   string
	}{
		"new":     {logs.NewTemplate, true, newLines, "shop/orders[1m writes lines of level error that it never wrote before, 890 since 22:13:20: \"payment <*> failed üü"},
		"surge":   {logs.SurgingTemplate, true, surgingLines, "far more lines of level error than it did, 890 since 22:13:20 where 12.3 a minute are usual: \"payment"},
		"its end": {logs.SurgingTemplate, false, surgeOfLinesEnded, "writes as many lines as usual again: \"payment"},
		"no news": {logs.NewTemplate, false, "", ""},
	} {
		reason, message := lineNews(finding(c.kind), c.began)
		if reason != c.reason || !strings.Contains(message, c.says) || len(message) > 1000 || strings.ContainsAny(message, "\x1b\u202e") || !utf8.ValidString(message) {
			t.Errorf("%s: %s, %d bytes: %q", name, reason, len(message), message)
		}
		if c.says != "" && !strings.Contains(message, "0000000000000007") {
			t.Errorf("%s does not name the template: %s", name, message)
		}
	}
	secret := finding(logs.NewTemplate)
	secret.Signal.Template.Text, secret.Signal.Template.Example = "vault login --token hunter2", "vault login --token hunter2"
	if _, message := lineNews(secret, true); strings.Contains(message, "hunter2") || !strings.Contains(message, "0000000000000007, whose text may hold a credential: see `aeo observe logs -n shop`") {
		t.Errorf("a credential of words is told: %s", message)
	}
	// What is of no namespace is no event.
	events, got := eventsOf(t)
	lineTeller{events, slog.New(slog.DiscardHandler)}.tell(live.Finding{Of: identity.Key{Namespace: "../x"}, Signal: logs.Signal{Kind: logs.NewTemplate}}, true)
	lineTeller{nil, slog.New(slog.DiscardHandler)}.tell(finding(logs.NewTemplate), true)
	if len(got) != 0 {
		t.Errorf("%s", <-got)
	}
}

// TestPodsForLogsAreRefused is a note of /readyz, which stays ready.
func TestPodsForLogsAreRefused(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"pods is forbidden","code":403}`)
	}))
	defer api.Close()
	client, err := kube.New(&rest.Config{Host: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	d := &daemon{opts: Default(), client: client, log: log, reg: prometheus.NewRegistry()}
	d.opts.Signals.Logs = Logs{Listen: "127.0.0.1:0", Memory: "1Mi", Age: time.Hour}
	d.pages = newPages(d.reg, log)
	d.pages.ready.Store(true)
	if err := d.openReceivers(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.signals.receivers[len(d.signals.receivers)-1](ctx) }()
	text := ""
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until) && !strings.Contains(text, "[!]"); time.Sleep(20 * time.Millisecond) {
		w := httptest.NewRecorder()
		d.pages.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
		if text = w.Body.String(); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, text)
		}
	}
	if !strings.Contains(text, "[!] pods for logs: ") || !strings.Contains(text, "forbidden") || !strings.Contains(text, "; the rest works") {
		t.Error(text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
