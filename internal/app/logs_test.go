package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
)

var logNoon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shopLog is two hours of a shop's log. Since 11:48 orders are lost and payments
// are tried again more often.
func shopLog(each func(at time.Time, line string)) {
	for i := range 1440 {
		at := logNoon.Add(time.Duration(i-1440) * 5 * time.Second)
		late := at.After(logNoon.Add(-12 * time.Minute))
		each(at, fmt.Sprintf("INFO request %08x served in %d ms", i*7919, 5+i%40))
		if i%6 == 0 || late {
			each(at, fmt.Sprintf("WARN retry of payment %d", i))
		}
		if late && i%4 == 0 {
			each(at, fmt.Sprintf("ERROR order %d was lost: disk full password=hunter2 trace_id=4bf92f3577b34da6a3ce929d0e0e%04x\n\tat shop.Orders.save(Orders.java:%d)", i, i, i))
		}
	}
}

// told is the part of the JSON that is looked at.
type toldLogs struct {
	Changes []struct {
		Change, Source, Template, Level, Example string
		Before                                   *int
		After                                    int
		Since, First, Last                       time.Time
		Traces                                   []string
	}
	Read struct {
		Lines, Joined, Cut, Undated, Unplaced, Bytes int
		Counted                                      map[string]int
		Sources                                      int
		WithoutBefore, Failed, Notes                 []string
		Mid, To                                      time.Time
	}
}

// observeLogs runs the command.
func observeLogs(t *testing.T, in io.Reader, env map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	b := backend{clock: func() time.Time { return logNoon }}
	code = cli.Main(t.Context(), b, &cli.Streams{In: in, Out: &o, Err: &e, Getenv: func(n string) string { return env[n] }}, cli.Build{}, append([]string{"observe", "logs"}, args...))
	for _, text := range []string{o.String(), e.String()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a password is told: %s", text)
		}
		if strings.ContainsAny(text, "\x1b\x07\x00\u009b\u202e") {
			t.Errorf("a terminal would obey: %q", text)
		}
	}
	return code, o.String(), e.String()
}

func jsonLogs(t *testing.T, in io.Reader, args ...string) (int, toldLogs) {
	t.Helper()
	code, out, errs := observeLogs(t, in, nil, append(args, "-o", "json")...)
	var told toldLogs
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("%v: %s %s", err, out, errs)
	}
	return code, told
}

// lostOrders checks that the shop's trouble is told first.
func lostOrders(t *testing.T, code int, told toldLogs, source string) {
	t.Helper()
	if code != 1 || len(told.Changes) != 2 {
		t.Fatalf("code %d: %+v", code, told)
	}
	x := told.Changes[0]
	if x.Change != "new" || x.Source != source || x.Level != "error" || x.Before == nil || *x.Before != 0 || x.After != 35 || len(x.Traces) != 3 ||
		!strings.Contains(x.Template, "was lost: disk full") || !strings.Contains(x.Example, "Orders.java") || x.Since.Before(logNoon.Add(-12*time.Minute)) || x.Since.After(logNoon.Add(-11*time.Minute)) {
		t.Errorf("%+v", x)
	}
	if x := told.Changes[1]; x.Change != "more" || x.Level != "warn" || *x.Before == 0 || !strings.Contains(x.Template, "retry of payment") {
		t.Errorf("%+v", x)
	}
	if told.Read.Counted["lost"] != 0 || len(told.Read.Failed) != 0 || told.Read.Joined != 35 {
		t.Errorf("%+v", told.Read)
	}
}

func shopFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	shopLog(func(at time.Time, line string) { fmt.Fprintf(&b, "%s %s\n", at.Format(time.RFC3339), line) })
	file := filepath.Join(t.TempDir(), "shop.log")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLogsOfFiles reads a file, standard input that is one, and a pipe.
func TestLogsOfFiles(t *testing.T) {
	file := shopFile(t)
	code, told := jsonLogs(t, nil, file)
	lostOrders(t, code, told, file)
	open, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	code, told = jsonLogs(t, open, "-")
	lostOrders(t, code, told, "standard input")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code, told = jsonLogs(t, io.MultiReader(bytes.NewReader(text)), "-")
	lostOrders(t, code, told, "standard input")
	if !told.Read.To.Equal(logNoon) {
		t.Errorf("a pipe's time ends at %v", told.Read.To)
	}

	code, out, errs := observeLogs(t, nil, nil, file)
	if code != 1 || !strings.HasPrefix(out, "CHANGE") || !strings.Contains(out, "new     error") || !strings.Contains(out, "traces: 4bf92f35") || !strings.Contains(errs, "belong to the line before") || !strings.Contains(out, "usual") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	// Before the trouble nothing changed.
	code, out, errs = observeLogs(t, nil, nil, file, "--at", "2026-03-01T11:40:00Z")
	if code != 0 || !strings.HasPrefix(out, "Nothing changed") || !strings.Contains(errs, "are of before or after") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	// With nothing from before it cannot be said what is new.
	code, out, errs = observeLogs(t, nil, nil, file, "--since", "3h")
	if code != 3 || !strings.Contains(out, "first seen") || !strings.Contains(out, "unknown") || !strings.Contains(errs, "no line from before") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	// A pipe that ended long ago: it says where to look.
	code, out, errs = observeLogs(t, strings.NewReader("2025-01-01T00:00:00Z fine\n"), nil, "-", "--at", "2026-01-01T00:00:00Z")
	if code != 3 || !strings.HasPrefix(out, "Nothing can be said") || !strings.Contains(errs, "2025-01-01T00:00:01Z") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// newHostile is a log with everything in it that a log should not have.
func newHostile() io.Reader {
	head := "no time yet\n" +
		"2026-03-01T11:00:00Z fine\n2026-03-01T11:30:00Z fine\n" +
		"2026-03-01T11:59:00Z ERROR \x1b]0;owned\a\x1b[2J\x1b[31mpass\x1b[0mword=\x1b[1mhunter2\x1b[0m \u009b31m\u202eevil\n" +
		"2026-03-01T11:59:01Z nul \x00 byte\n2026-03-01T11:59:02Z caf\xe9 closed\nwithout a time\n" +
		`2026-03-01T11:59:03Z {"level":"error","msg":"login\u001b[2J \u009b2J failed","password":"hunter2"}` + "\n"
	long := io.LimitReader(endless('x'), 100<<20)
	return io.MultiReader(strings.NewReader(head+"2026-03-01T11:59:04Z ERROR long "), long, strings.NewReader("\n2026-03-01T11:59:05Z fine\n"))
}

// endless is one byte without end.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// TestLogsHostile reads bytes that are no text, sequences that a terminal obeys and a
// line of 100 MiB, in little memory, and counts all of them.
func TestLogsHostile(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	code, told := jsonLogs(t, newHostile(), "-", "--all")
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
		t.Errorf("%d MiB of memory", used>>20)
	}
	r := told.Read
	if code != 1 || r.Lines != 10 || r.Unplaced != 1 || r.Undated != 1 || r.Cut != 1 || r.Counted["binary"] != 1 || r.Counted["invalid"] != 1 {
		t.Errorf("%d %+v", code, r)
	}
	found := 0
	for _, c := range told.Changes {
		if c.Change == "new" && c.Level == "error" {
			found++
		}
	}
	if found < 3 {
		for _, c := range told.Changes {
			t.Errorf("%s %s %.80q %.80q", c.Change, c.Level, c.Template, c.Example)
		}
	}
	code, out, errs := observeLogs(t, newHostile(), nil, "-", "--all")
	if code != 1 || !strings.Contains(errs, "are no text") || !strings.Contains(errs, "too long") || !strings.Contains(errs, "they were left out") || !strings.Contains(out, "redacted") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// shopLoki answers as a Loki that has the shop's log. Its lines lie in a stream for
// each pod.
type shopLoki struct {
	t       *testing.T
	asked   []string
	shift   time.Duration // of its time against that of the log
	counts  bool          // it tells the number of lines
	broken  bool
	headers http.Header
}

func (s *shopLoki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.asked, s.headers = append(s.asked, r.URL.Path+" "+q.Get("query")), r.Header
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if r.URL.Path == "/loki/api/v1/query" {
		if !s.counts {
			http.Error(w, "too heavy", http.StatusBadRequest)
			return
		}
		end, _ := strconv.ParseInt(q.Get("time"), 10, 64)
		n := 0
		text := q.Get("query")
		ms, _ := strconv.ParseInt(strings.TrimSuffix(text[strings.LastIndex(text, "[")+1:], "ms]))"), 10, 64)
		shopLog(func(at time.Time, line string) {
			if u := at.Add(s.shift).UnixNano(); u >= end-ms*1e6 && u < end {
				n += 1 + strings.Count(line, "\n")
			}
		})
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"%d"]}]}}`, end/1e9, n)
		return
	}
	if s.broken {
		fmt.Fprint(w, "<html>please log in</html>")
		return
	}
	start, _ := strconv.ParseInt(q.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
	limit, _ := strconv.Atoi(q.Get("limit"))
	values := [][]any{}
	i := 0
	shopLog(func(at time.Time, line string) {
		for n, part := range strings.Split(line, "\n") {
			i++
			u := at.Add(s.shift).UnixNano() + int64(i%5)*1000 + int64(n)
			if u >= start && u < end && len(values) < limit {
				values = append(values, []any{strconv.FormatInt(u, 10), part, map[string]any{"structuredMetadata": map[string]string{"detected_level": "unknown"}}})
			}
		}
	})
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{
		"resultType": "streams", "encodingFlags": []string{"categorize-labels"},
		"result": []any{map[string]any{"stream": map[string]string{"namespace": "shop", "app": "orders", "pod": "orders-1"}, "values": values}},
	}})
}

// TestLogsOfLoki asks a server over HTTP.
func TestLogsOfLoki(t *testing.T) {
	s := &shopLoki{t: t}
	server := httptest.NewServer(s)
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, told := jsonLogs(t, nil, "--loki", server.URL, "-n", "shop", "--token-file", token, "--tenant", "us")
	lostOrders(t, code, told, "shop/orders")
	if s.headers.Get("Authorization") != "Bearer sesame" || s.headers.Get("X-Scope-OrgID") != "us" || !strings.Contains(strings.Join(s.asked, "\n"), `{namespace="shop"}`) {
		t.Errorf("%v %v", s.headers, s.asked)
	}
	// Of too many lines the newest part of each window is read, and the rates are of
	// these.
	s.counts = true
	code, told = jsonLogs(t, nil, "--loki", server.URL, "--query", `{app="orders"}`, "--max-lines", "200")
	if code != 1 || told.Read.Lines > 400 || told.Read.Lines < 250 || len(told.Read.Notes) != 1 || !strings.Contains(told.Read.Notes[0], "--max-lines") || len(told.Read.Failed) != 0 {
		t.Errorf("%d %+v", code, told.Read)
	}
	if len(told.Changes) < 1 || told.Changes[0].Change != "new" || !strings.Contains(told.Changes[0].Template, "was lost") {
		t.Errorf("%+v", told.Changes)
	}
	// If the number is not known, what was not read is told.
	s.counts = false
	code, told = jsonLogs(t, nil, "--loki", server.URL, "-n", "shop", "--max-lines", "100")
	if code != 1 || len(told.Read.Failed) != 2 || !strings.Contains(told.Read.Failed[0], "were not read") {
		t.Errorf("%d %+v", code, told.Read)
	}
	// A page that is no answer is none.
	s.broken = true
	code, out, errs := observeLogs(t, nil, map[string]string{"AEO_LOKI": server.URL}, "-n", "shop")
	if code == 0 || code == 1 || out != "" || !strings.Contains(errs, "error: ") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// shopCluster answers as an API server with the shop's pods. One container was
// restarted at noon less ten minutes, one has not started, and one may not be read.
func shopCluster(t *testing.T) (kubeconfig string, asked *[]string) {
	t.Helper()
	var mu sync.Mutex
	asked = &[]string{}
	restart := logNoon.Add(-10 * time.Minute)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		*asked = append(*asked, r.Method+" "+r.URL.Path)
		mu.Unlock()
		refuse := func(code int, reason, message string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":%q,"code":%d}`, reason, message, code)
		}
		switch r.URL.Path {
		case "/api/v1/namespaces/shop/pods":
			w.Header().Set("Content-Type", "application/json")
			pod := func(name, status string) string {
				return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"labels":{"app.kubernetes.io/name":"orders"}},"status":{"containerStatuses":[%s]}}`, name, status)
			}
			fmt.Fprintf(w, `{"metadata":{},"items":[%s,%s,%s]}`,
				pod("orders-1", fmt.Sprintf(`{"name":"app","state":{"running":{}},"lastState":{"terminated":{"finishedAt":%q}}},{"name":"late","state":{"waiting":{}}}`, restart.Format(time.RFC3339))),
				pod("orders-2", `{"name":"app","state":{"running":{}}}`), pod("orders-3", `{"name":"app","state":{"running":{}}}`))
		case "/api/v1/namespaces/shop/pods/orders-1/log":
			previous := r.URL.Query().Get("previous") == "true"
			shopLog(func(at time.Time, line string) {
				for _, part := range strings.Split(line, "\n") {
					if at.Before(restart) == previous {
						fmt.Fprintf(w, "%s %s\n", at.Format(time.RFC3339Nano), part)
					}
				}
			})
			if !previous {
				fmt.Fprint(w, "failed to watch the file\n")
			}
		case "/api/v1/namespaces/shop/pods/orders-2/log":
			refuse(http.StatusForbidden, "Forbidden", "pods \"orders-2\" is forbidden")
		case "/api/v1/namespaces/shop/pods/orders-3/log":
			refuse(http.StatusInternalServerError, "InternalError", "the node does not answer")
		default:
			refuse(http.StatusNotFound, "NotFound", "no")
		}
	}))
	t.Cleanup(server.Close)
	kubeconfig = filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: %q}}]\ncontexts: [{name: a, context: {cluster: a, user: a, namespace: shop}}]\nusers: [{name: a, user: {}}]\n", server.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, asked
}

// TestLogsOfPods reads what ran before a restart, too, and tells what it could not
// read. It asks for pods and their logs, and for nothing else.
func TestLogsOfPods(t *testing.T) {
	kubeconfig, asked := shopCluster(t)
	code, told := jsonLogs(t, nil, "--kubeconfig", kubeconfig)
	if len(told.Read.Failed) != 2 || !strings.Contains(strings.Join(told.Read.Failed, "\n"), "allow get on pods/log") || !strings.Contains(strings.Join(told.Read.Failed, "\n"), "shop/orders-3/app") ||
		told.Read.Unplaced != 1 || len(told.Read.Notes) != 1 || !strings.Contains(told.Read.Notes[0], "1 containers have not started") {
		t.Errorf("%+v", told.Read)
	}
	told.Read.Failed = nil
	lostOrders(t, code, told, "shop/orders")
	for _, a := range *asked {
		if !strings.HasPrefix(a, "GET /api/v1/namespaces/shop/pods") {
			t.Errorf("it asked %s", a)
		}
	}
	if code, out, errs := observeLogs(t, nil, nil, "--kubeconfig", kubeconfig, "-n", "shop"); code != 1 || !strings.Contains(errs, "blind: shop/orders-2/app could not be read") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := observeLogs(t, nil, nil, "--kubeconfig", kubeconfig, "-n", "other"); code == 0 || code == 1 || out != "" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// TestLogsRefused has command lines and files that cannot be.
func TestLogsRefused(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.log")
	if err := os.WriteFile(plain, []byte("no time\nno time either\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"", "does not say what to read"},
		{"--pods " + plain, "more than one place"},
		{"--loki http://127.0.0.1:1 --pods -n a", "more than one place"},
		{"--loki http://127.0.0.1:1", "whose logs"},
		{"--loki= -n a", "empty"},
		{"--loki http://127.0.0.1:1 -n a --query {a=\"b\"}", "say it in the query"},
		{"--loki http://127.0.0.1:1 -n a --token-file " + dir + "/none", "--token-file"},
		{"--loki http://127.0.0.1:1 -n a --max-lines 0", "--max-lines"},
		{"--query x " + plain, "only Loki"},
		{"-n a " + plain, "files have none"},
		{"-n A! --pods", "no name of a namespace"},
		{"-o yaml " + plain, "no format"},
		{"--since x " + plain, "--since"},
		{"--at noon " + plain, "--at"},
		{"- -", "twice"},
		{plain, "no line says when"},
		{dir + "/none.log", "check the path"},
		{dir, "read"},
		{"--kubeconfig " + dir + "/none", "kubeconfig"},
	} {
		code, out, errs := observeLogs(t, strings.NewReader(""), nil, strings.Fields(c.args)...)
		if code == 0 || code == 1 || out != "" || !strings.Contains(errs, "error: ") || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d\n%s%s", c.args, code, out, errs)
		}
	}
}

// TestLogsExample finds in the example what its README says.
func TestLogsExample(t *testing.T) {
	code, out, errs := observeLogs(t, nil, nil, "../../examples/logs/orders.log")
	if code != 1 || strings.Contains(out, "s3cret") || !strings.Contains(out, "[redacted]") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	for i, want := range []string{"CHANGE", "new     error", "more    warn", "gone    info"} {
		if lines := strings.Split(out, "\n"); !strings.HasPrefix(lines[i], want) {
			t.Errorf("%q is not %q", lines[i], want)
		}
	}
	if code, out, errs := observeLogs(t, nil, nil, "../../examples/logs/orders.log", "--at", "2026-03-01T11:40:00Z"); code != 0 || !strings.HasPrefix(out, "Nothing changed") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}
