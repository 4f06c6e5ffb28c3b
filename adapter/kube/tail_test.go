package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// podServer answers for pods and their logs as an API server does.
type podServer struct {
	mu     sync.Mutex
	pods   map[string]string // by name, as JSON
	events chan string
	gone   bool // the version to watch from is too old, once
	denied bool
	lists  int
}

func (s *podServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	s.mu.Lock()
	denied, gone := s.denied, s.gone
	s.mu.Unlock()
	switch {
	case denied:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"pods is forbidden","code":403}`)
	case parts[len(parts)-1] == "log":
		s.log(w, r, parts[len(parts)-2])
	case r.URL.Query().Get("watch") == "true":
		if gone {
			s.mu.Lock()
			s.gone = false
			s.mu.Unlock()
			fmt.Fprint(w, `{"type":"ERROR","object":{"code":410,"message":"too old"}}`)
			return
		}
		w.(http.Flusher).Flush()
		for {
			select {
			case e, ok := <-s.events:
				if !ok {
					return
				}
				fmt.Fprint(w, e)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lists++
		var items []string
		for _, p := range s.pods {
			items = append(items, p)
		}
		fmt.Fprintf(w, `{"metadata":{"resourceVersion":"5"},"items":[%s]}`, strings.Join(items, ","))
	}
}

// log writes a line a container has, and stays.
func (s *podServer) log(w http.ResponseWriter, r *http.Request, pod string) {
	s.mu.Lock()
	_, there := s.pods[pod]
	s.mu.Unlock()
	if !there {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","status":"Failure","reason":"NotFound","code":404}`)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s %s/%s speaks\n", time.Now().UTC().Format(time.RFC3339Nano), pod, r.URL.Query().Get("container"))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// podJSON is a pod with containers that run, or that ended.
func podJSON(name, version string, ended bool, containers ...string) string {
	state, phase := "running", "Running"
	if ended {
		state, phase = "terminated", "Succeeded"
	}
	var list []string
	for _, c := range containers {
		list = append(list, fmt.Sprintf(`{"name":%q,"state":{%q:{}}}`, c, state))
	}
	return fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"resourceVersion":%q},"spec":{"nodeName":"n1"},"status":{"phase":%q,"containerStatuses":[%s]}}`, name, version, phase, strings.Join(list, ","))
}

// event sends one of a watch.
func (s *podServer) event(typ, pod string) {
	var p struct{ Metadata struct{ Name string } }
	if err := json.Unmarshal([]byte(pod), &p); err != nil {
		panic(err)
	}
	s.mu.Lock()
	if typ == "DELETED" {
		delete(s.pods, p.Metadata.Name)
	} else {
		s.pods[p.Metadata.Name] = pod
	}
	s.mu.Unlock()
	s.events <- `{"type":"` + typ + `","object":` + pod + `}`
}

// heard notes the lines that are taken.
type heard struct {
	mu     sync.Mutex
	lines  []string
	closed int
}

type ear struct{ *heard }

func (e ear) Add(_ int64, line []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, string(line))
}

func (e ear) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed++
}

func (h *heard) has(line string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.lines, line)
}

func waitUntil(t *testing.T, what string, f func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("%s: not in time", what)
}

// TestTail follows pods that are there, that come, that end and that go.
func TestTail(t *testing.T) {
	s := &podServer{pods: map[string]string{"web-1": podJSON("web-1", "1", false, "app", "side")}, events: make(chan string, 10), gone: true}
	c := logClient(t, s)
	h := &heard{}
	var trouble sync.Map
	tail := &Tail{Client: c, Namespaces: []string{"shop"}, Most: 4, Trouble: func(err error) { trouble.Store(err.Error(), true) }, Open: func(p Pod, container string) LineTaker {
		if p.Node != "n1" || p.Namespace != "shop" || container == "" {
			t.Errorf("%+v %s", p, container)
		}
		return ear{h}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { tail.Run(ctx); close(done) }()
	waitUntil(t, "both containers", func() bool { return h.has("web-1/app speaks") && h.has("web-1/side speaks") })
	s.event("ADDED", podJSON("web-2", "7", false, "app"))
	waitUntil(t, "the pod that came", func() bool { return h.has("web-2/app speaks") })
	s.event("ADDED", podJSON("job", "8", true, "once"))
	waitUntil(t, "the pod that ended", func() bool { return h.has("job/once speaks") })
	s.event("ADDED", podJSON("web-3", "9", false, "app"))
	waitUntil(t, "one too many", func() bool { return tail.Count().Left == 1 })
	s.event("MODIFIED", podJSON("web-2", "10", true, "app")) // it ends
	s.event("DELETED", podJSON("web-1", "11", false, "app", "side"))
	waitUntil(t, "what ended and went makes room", func() bool { c := tail.Count(); return c.Following == 1 && c.Left == 0 && h.has("web-3/app speaks") })
	h.mu.Lock()
	if h.closed != 4 {
		t.Errorf("%d were closed", h.closed)
	}
	h.mu.Unlock()
	// A connection that ends is made anew; the pod that went unseen is missed.
	s.mu.Lock()
	delete(s.pods, "job")
	s.gone = true
	s.pods["web-4"] = podJSON("web-4", "12", false, "app")
	s.mu.Unlock()
	close(s.events)
	waitUntil(t, "the pod that came unseen", func() bool { return h.has("web-4/app speaks") })
	cancel()
	<-done
	if n := tail.Count(); n.Following != 0 || n.Failed != 0 {
		t.Errorf("%+v", n)
	}
}

// TestTailWithoutRights says so, and goes on when they are there.
func TestTailWithoutRights(t *testing.T) {
	s := &podServer{pods: map[string]string{"web-1": podJSON("web-1", "1", false, "app")}, events: make(chan string), denied: true}
	h := &heard{}
	said := make(chan string, 100)
	tail := &Tail{Client: logClient(t, s), Most: 4, Trouble: func(err error) { said <- err.Error() }, Open: func(Pod, string) LineTaker { return ear{h} }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { tail.Run(ctx); close(done) }()
	if text := <-said; !strings.Contains(text, "pods is forbidden") {
		t.Error(text)
	}
	if err := tail.Err(); fault.KindOf(err) != fault.Denied {
		t.Errorf("it does not know: %v", err)
	}
	s.mu.Lock()
	s.denied = false
	s.mu.Unlock()
	waitUntil(t, "the log", func() bool { return h.has("web-1/app speaks") })
	if err := tail.Err(); err != nil {
		t.Errorf("it still says %v", err)
	}
	cancel()
	<-done
}
