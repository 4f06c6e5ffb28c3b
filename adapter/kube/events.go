package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Events writes Kubernetes events beside the applications that they are about.
// They are for people who look: nothing waits for them, and they are dropped,
// and counted, when they come faster than they can be written.
type Events struct {
	client  *Client
	queue   chan event
	dropped atomic.Int64
	host    string
	serial  atomic.Int64
}

// event is one event to be written.
type event struct {
	namespace string
	text      []byte
}

// NewEvents returns a writer; Run writes. host names this operator.
func NewEvents(c *Client, host string) *Events {
	return &Events{client: c, queue: make(chan event, 256), host: host}
}

// Dropped is how many events were not written.
func (e *Events) Dropped() int64 { return e.dropped.Load() }

// Event queues an event.
func (e *Events) Event(app *v1alpha1.Application, warning bool, reason, message string) {
	typ := "Normal"
	if warning {
		typ = "Warning"
	}
	if len(message) > 1000 {
		message = strings.ToValidUTF8(message[:1000], "") + "…"
	}
	now := time.Now()
	name := app.Name + "." + strconv.FormatInt(now.UnixNano(), 36) + strconv.FormatInt(e.serial.Add(1), 36)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "events.k8s.io/v1", "kind": "Event",
		"metadata":            map[string]any{"namespace": app.Namespace, "name": name},
		"eventTime":           now.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"reportingController": "autoecoops.io/aeod", "reportingInstance": e.host,
		"action": reason, "reason": reason, "type": typ, "note": message,
		"regarding": map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.ApplicationKind,
			"namespace": app.Namespace, "name": app.Name, "uid": app.UID, "resourceVersion": app.ResourceVersion,
		},
	})
	if err != nil {
		e.dropped.Add(1)
		return
	}
	select {
	case e.queue <- event{app.Namespace, text}:
	default:
		e.dropped.Add(1)
	}
}

// Run writes until ctx ends.
func (e *Events) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-e.queue:
			path := "/apis/events.k8s.io/v1/namespaces/" + next.namespace + "/events"
			if _, err := e.client.do(ctx, request{verb: http.MethodPost, path: path, body: next.text}); err != nil {
				e.dropped.Add(1)
			}
		}
	}
}
