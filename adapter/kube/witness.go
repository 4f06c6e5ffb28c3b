package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// Case is what is known about one workload that is not healthy.
type Case struct {
	Workload map[string]any
	// Pods are those of the newest revision of the workload.
	Pods []map[string]any
	// Events and Logs are there when evidence is taken. Logs are by pod and
	// container, "web-1/main".
	Events []map[string]any
	Logs   map[string]string
}

// Diagnosis is what a Case means.
type Diagnosis struct {
	// Definite means that waiting cannot help.
	Definite bool
	// Message is "" if nothing is known.
	Message  string
	Evidence []v1alpha1.Evidence
}

// Witness implements deliver.Witness: while an application is not healthy it
// watches the pods of its workloads, a bounded number at a time.
type Witness struct {
	client   *Client
	wake     func(deliver.AppKey)
	diagnose func(Case) Diagnosis
	slots    chan struct{}
	start    func(func(context.Context))
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	cases map[deliver.AppKey]map[deliver.Key]*watched
}

// watched is one workload whose pods are watched.
type watched struct {
	cancel   context.CancelFunc
	workload map[string]any
	pods     map[string]map[string]any
}

// maxWatched bounds the workloads whose pods are watched at the same time;
// those beyond are judged by their own status and the deadline.
const maxWatched = 64

// NewWitness returns a Witness. diagnose says what a case means.
func NewWitness(c *Client, wake func(deliver.AppKey), diagnose func(Case) Diagnosis) *Witness {
	ctx, stop := context.WithCancel(context.Background())
	w := &Witness{client: c, wake: wake, diagnose: diagnose, slots: make(chan struct{}, maxWatched), stop: stop, cases: map[deliver.AppKey]map[deliver.Key]*watched{}}
	w.start = func(f func(context.Context)) { w.running.Go(func() { f(ctx) }) }
	return w
}

// Close ends all watches and waits for them.
func (w *Witness) Close() {
	w.stop()
	w.running.Wait()
}

// Follow implements deliver.Witness.
func (w *Witness) Follow(app deliver.AppKey, workloads []deliver.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	set := w.cases[app]
	if set == nil {
		set = map[deliver.Key]*watched{}
		w.cases[app] = set
	}
	for k, c := range set {
		if !slices.Contains(workloads, k) {
			c.cancel()
			delete(set, k)
		}
	}
	for _, k := range workloads {
		if set[k] != nil {
			continue
		}
		select {
		case w.slots <- struct{}{}:
		default:
			return
		}
		c := &watched{pods: map[string]map[string]any{}}
		set[k] = c
		var ctx context.Context
		ready := make(chan struct{})
		w.start(func(parent context.Context) {
			ctx, c.cancel = context.WithCancel(parent)
			close(ready)
			defer func() { <-w.slots }()
			w.watch(ctx, app, k, c)
		})
		<-ready
	}
}

// Forget implements deliver.Witness.
func (w *Witness) Forget(app deliver.AppKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.cases[app] {
		c.cancel()
	}
	delete(w.cases, app)
}

// builtin kinds whose pods can be found.
var workloadVersion = map[deliver.GroupKind]string{
	{Group: "apps", Kind: "Deployment"}: "v1", {Group: "apps", Kind: "StatefulSet"}: "v1", {Group: "apps", Kind: "DaemonSet"}: "v1",
	{Group: "apps", Kind: "ReplicaSet"}: "v1", {Group: "batch", Kind: "Job"}: "v1", {Kind: "Pod"}: "v1",
}

// watch reads a workload and follows its pods until ctx ends.
func (w *Witness) watch(ctx context.Context, app deliver.AppKey, k deliver.Key, c *watched) {
	for ctx.Err() == nil {
		began := time.Now()
		if err := w.watchOnce(ctx, app, k, c); err != nil {
			pause(ctx, 2*time.Second)
		}
		pause(ctx, shortest-time.Since(began))
	}
}

func (w *Witness) watchOnce(ctx context.Context, app deliver.AppKey, k deliver.Key, c *watched) error {
	workload, query, err := w.selector(ctx, k)
	if err != nil {
		return err
	}
	path := "/api/v1/namespaces/" + url.PathEscape(k.Namespace) + "/pods"
	list, version, err := w.list(ctx, path, query)
	if err != nil {
		return err
	}
	w.mu.Lock()
	c.workload = workload
	clear(c.pods)
	for _, p := range list {
		c.pods[nameOf(p)] = trimmed(p)
	}
	w.mu.Unlock()
	w.wake(app)
	query.Set("watch", "true")
	query.Set("resourceVersion", version)
	query.Set("allowWatchBookmarks", "true")
	query.Set("timeoutSeconds", "600")
	stream, err := w.client.stream(ctx, request{verb: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	defer stream.Close()
	dec := json.NewDecoder(stream)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := dec.Decode(&event); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if event.Type == "BOOKMARK" {
			continue
		}
		pod, err := decode(event.Object)
		if err != nil || event.Type == "ERROR" {
			return errExpired
		}
		w.mu.Lock()
		if event.Type == "DELETED" {
			delete(c.pods, nameOf(pod))
		} else {
			c.pods[nameOf(pod)] = trimmed(pod)
		}
		w.mu.Unlock()
		w.wake(app)
	}
}

// selector reads a workload and returns the query for its pods.
func (w *Witness) selector(ctx context.Context, k deliver.Key) (map[string]any, url.Values, error) {
	version := workloadVersion[k.GroupKind()]
	g := deliver.GVK{Group: k.Group, Version: version, Kind: k.Kind}
	r, err := w.client.found.resource(ctx, g)
	if err != nil {
		return nil, nil, err
	}
	text, err := w.client.do(ctx, request{verb: http.MethodGet, path: r.path(k.Namespace, k.Name)})
	if err != nil {
		return nil, nil, err
	}
	body, err := decode(text)
	if err != nil {
		return nil, nil, err
	}
	query := url.Values{}
	if k.Kind == "Pod" {
		query.Set("fieldSelector", "metadata.name="+k.Name)
		return body, query, nil
	}
	var spec struct {
		Spec struct{ Selector metav1.LabelSelector }
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(&spec.Spec.Selector)
	if err != nil {
		return nil, nil, err
	}
	query.Set("labelSelector", selector.String())
	return body, query, nil
}

// list reads the objects of one kind in a namespace.
func (w *Witness) list(ctx context.Context, path string, query url.Values) (items []map[string]any, version string, err error) {
	q := url.Values{}
	for k, v := range query {
		q[k] = v
	}
	q.Set("limit", strconv.Itoa(pageSize))
	for {
		text, err := w.client.do(ctx, request{verb: http.MethodGet, path: path, query: q})
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Metadata metav1.ListMeta
			Items    []json.RawMessage
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return nil, "", err
		}
		for _, it := range page.Items {
			if body, err := decode(it); err == nil {
				items = append(items, body)
			}
		}
		if page.Metadata.Continue == "" {
			return items, page.Metadata.ResourceVersion, nil
		}
		q.Set("continue", page.Metadata.Continue)
	}
}

func nameOf(body map[string]any) string {
	meta, _ := body["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	return name
}

// trimmed keeps of a pod what a diagnosis reads.
func trimmed(pod map[string]any) map[string]any {
	meta, _ := pod["metadata"].(map[string]any)
	for _, f := range []string{"managedFields", "annotations"} {
		delete(meta, f)
	}
	return pod
}

// Look implements deliver.Witness.
func (w *Witness) Look(app deliver.AppKey, unhealthy []deliver.Live, since time.Time) deliver.Report {
	var out deliver.Report
	for _, l := range unhealthy {
		c, ok := w.caseOf(app, l.Key, since)
		if !ok {
			continue
		}
		d := w.diagnose(c)
		if d.Message != "" && (out.Message == "" || d.Definite && !out.Definite) {
			out = deliver.Report{Definite: d.Definite, Message: l.Key.String() + ": " + d.Message}
		}
	}
	return out
}

// caseOf copies what is known of a workload.
func (w *Witness) caseOf(app deliver.AppKey, k deliver.Key, since time.Time) (Case, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.cases[app][k]
	if c == nil || c.workload == nil {
		return Case{}, false
	}
	return Case{Workload: c.workload, Pods: newest(c.pods, since)}, true
}

// newest leaves out the pods of revisions before the newest one, and those that
// were made before since: what is wrong with them is not the newest revision's
// doing.
func newest(pods map[string]map[string]any, since time.Time) []map[string]any {
	hash := func(p map[string]any) string {
		meta, _ := p["metadata"].(map[string]any)
		labels, _ := meta["labels"].(map[string]any)
		for _, l := range []string{"pod-template-hash", "controller-revision-hash"} {
			if h, ok := labels[l].(string); ok {
				return h
			}
		}
		return ""
	}
	created := func(p map[string]any) string {
		meta, _ := p["metadata"].(map[string]any)
		s, _ := meta["creationTimestamp"].(string)
		return s
	}
	youngest, want := "", ""
	for _, p := range pods {
		if at := created(p); at >= youngest {
			youngest, want = at, hash(p)
		}
	}
	var out []map[string]any
	for _, p := range pods {
		made, err := time.Parse(time.RFC3339, created(p))
		if hash(p) == want && (err != nil || !made.Before(since)) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return out
}
