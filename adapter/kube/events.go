package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Events writes Kubernetes events beside the applications that they are about.
// They are for people who look: nothing waits for them, they are written at a
// rate that leaves the API server to what matters, warnings first, and dropped,
// and counted, when more come than that bears.
type Events struct {
	client *Client
	// warnings and queue are what waits to be written.
	warnings, queue chan event
	rate            flowcontrol.RateLimiter
	dropped         atomic.Int64
	host            string
	serial          atomic.Int64
	muted           atomic.Bool
	// Trouble, if not nil, is told why an event could not be written, once until one is.
	Trouble func(error)
}

// event is one event to be written.
type event struct {
	namespace string
	text      []byte
}

// How many events wait to be written, and how fast they are.
const (
	waitingEvents   = 2048
	eventsPerSecond = 5
	eventBurst      = 50
	// busyEvents is how long events wait at most while much is applied.
	busyEvents = 30 * time.Second
)

// NewEvents returns a writer; Run writes. host names this operator.
func NewEvents(c *Client, host string) *Events {
	return &Events{
		client: c, warnings: make(chan event, waitingEvents), queue: make(chan event, waitingEvents), host: host,
		rate: flowcontrol.NewTokenBucketRateLimiter(eventsPerSecond, eventBurst),
	}
}

// Mute has nothing queued until it is called with false: one of several operators tells,
// and what the others would have told is told already.
func (e *Events) Mute(mute bool) { e.muted.Store(mute) }

// Muted reports whether another operator tells.
func (e *Events) Muted() bool { return e.muted.Load() }

// Dropped is how many events were not written.
func (e *Events) Dropped() int64 { return e.dropped.Load() }

// Event queues an event about an application.
func (e *Events) Event(app *v1alpha1.Application, warning bool, reason, message string) {
	e.About(v1alpha1.ApplicationKind, &app.ObjectMeta, warning, reason, message)
}

// About queues an event about an object of ours.
func (e *Events) About(kind string, o *metav1.ObjectMeta, warning bool, reason, message string) {
	e.about(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind,
		"namespace": o.Namespace, "name": o.Name, "uid": o.UID, "resourceVersion": o.ResourceVersion,
	}, o.Namespace, o.Name, warning, reason, message)
}

// Within queues an event about what is in a namespace and has no object of its own.
func (e *Events) Within(namespace string, warning bool, reason, message string) {
	// It is not in itself, but the API server refuses an event elsewhere than what it regards.
	e.about(map[string]any{"apiVersion": "v1", "kind": "Namespace", "namespace": namespace, "name": namespace}, namespace, namespace, warning, reason, message)
}

// about queues an event that regards an object; name begins its own.
func (e *Events) about(regarding map[string]any, namespace, name string, warning bool, reason, message string) {
	if e.muted.Load() {
		return
	}
	typ := "Normal"
	if warning {
		typ = "Warning"
	}
	if len(message) > 1000 {
		message = strings.ToValidUTF8(message[:1000], "") + "…"
	}
	now := time.Now()
	name += "." + strconv.FormatInt(now.UnixNano(), 36) + strconv.FormatInt(e.serial.Add(1), 36)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "events.k8s.io/v1", "kind": "Event",
		"metadata":            map[string]any{"namespace": namespace, "name": name},
		"eventTime":           now.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"reportingController": "autoecoops.io/aeod", "reportingInstance": e.host,
		"action": reason, "reason": reason, "type": typ, "note": message,
		"regarding": regarding,
	})
	if err != nil {
		e.dropped.Add(1)
		return
	}
	queue := e.queue
	if warning {
		queue = e.warnings
	}
	select {
	case queue <- event{namespace, text}:
	default:
		e.dropped.Add(1)
	}
}

// Run writes until ctx ends.
func (e *Events) Run(ctx context.Context) {
	failing := false
	for {
		e.quiet(ctx)
		next, ok := e.next(ctx)
		if !ok || e.rate.Wait(ctx) != nil {
			return
		}
		path := "/apis/events.k8s.io/v1/namespaces/" + next.namespace + "/events"
		_, err := e.client.do(ctx, request{verb: http.MethodPost, path: path, body: next.text, report: true})
		if err != nil {
			e.dropped.Add(1)
		}
		if err != nil && !failing && e.Trouble != nil && ctx.Err() == nil {
			e.Trouble(classify(err, "write", "an event in "+next.namespace, false))
		}
		failing = err != nil
	}
}

// quiet waits while calls that matter more are under way, for busyEvents at most.
func (e *Events) quiet(ctx context.Context) {
	for until := time.Now().Add(busyEvents); e.client.Busy() && time.Now().Before(until) && ctx.Err() == nil; {
		pause(ctx, time.Second)
	}
}

// next returns the event to be written next, a warning if one waits.
func (e *Events) next(ctx context.Context) (event, bool) {
	select {
	case w := <-e.warnings:
		return w, true
	default:
	}
	select {
	case <-ctx.Done():
		return event{}, false
	case w := <-e.warnings:
		return w, true
	case n := <-e.queue:
		return n, true
	}
}
