package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/fault"
)

// PodName names a pod.
type PodName struct{ Namespace, Name string }

// PodWatch follows the pods of a namespace.
type PodWatch struct {
	Client *Client
	// Namespace is "" for all.
	Namespace string
	// Changed is told of each pod that is there, Gone of each that is not any more;
	// one call at a time.
	Changed func(Pod)
	Gone    func(PodName)
	// Trouble is told of what is tried again.
	Trouble func(error)

	known map[PodName]bool
}

// Run follows until ctx ends.
func (w *PodWatch) Run(ctx context.Context) {
	w.known = map[PodName]bool{}
	delay := time.Duration(0)
	for ctx.Err() == nil {
		version, err := w.list(ctx)
		for err == nil && ctx.Err() == nil {
			delay = 0
			version, err = w.watch(ctx, version)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errExpired) {
			w.Trouble(err)
			delay = min(max(2*delay, 500*time.Millisecond), 30*time.Second)
		}
		pause(ctx, delay/2+time.Duration(rand.Int64N(int64(delay/2)+1)))
	}
}

// list tells of all pods, and of those that went unseen.
func (w *PodWatch) list(ctx context.Context) (version string, err error) {
	pods, version, err := w.Client.listPods(ctx, w.Namespace)
	if err != nil {
		if fault.KindOf(err) == fault.Conflict {
			err = errExpired
		}
		return "", err
	}
	there := map[PodName]bool{}
	for _, p := range pods {
		there[PodName{p.Namespace, p.Name}] = true
	}
	for name := range w.known {
		if !there[name] {
			w.gone(name)
		}
	}
	for _, p := range pods {
		w.changed(p)
	}
	return version, nil
}

func (w *PodWatch) changed(p Pod) {
	w.known[PodName{p.Namespace, p.Name}] = true
	w.Changed(p)
}

func (w *PodWatch) gone(name PodName) {
	delete(w.known, name)
	w.Gone(name)
}

// watch follows from a version on, and returns the version that it came to.
func (w *PodWatch) watch(ctx context.Context, version string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seconds := int(watchFor.Seconds()) + rand.IntN(int(watchFor.Seconds()))
	stream, err := w.Client.stream(ctx, request{verb: http.MethodGet, path: podsPath(w.Namespace), query: url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version}, "timeoutSeconds": {strconv.Itoa(seconds)},
	}})
	if err != nil {
		if err = classify(err, "watch", "pods", false); fault.KindOf(err) == fault.Conflict {
			err = errExpired
		}
		return version, err
	}
	defer stream.Close()
	alarm := time.AfterFunc(silence, cancel)
	defer alarm.Stop()
	dec := json.NewDecoder(stream)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := dec.Decode(&event); err != nil {
			if errors.Is(err, io.EOF) {
				return version, nil
			}
			return version, fault.Wrap(fault.Unavailable, "watch", "pods", err, "")
		}
		alarm.Reset(silence)
		if event.Type == "ERROR" {
			var s metav1.Status
			if err := json.Unmarshal(event.Object, &s); err == nil && s.Code == http.StatusGone {
				return version, errExpired
			}
			return version, fault.New(fault.Unavailable, "watch", "pods", "the API server ended the watch: "+s.Message, "")
		}
		var item podItem
		if err := json.Unmarshal(event.Object, &item); err != nil {
			return version, fault.Wrap(fault.Unavailable, "read a", "pod", err, "")
		}
		version = item.Metadata.ResourceVersion
		switch event.Type {
		case "ADDED", "MODIFIED":
			w.changed(item.pod())
		case "DELETED":
			w.gone(PodName{item.Metadata.Namespace, item.Metadata.Name})
		}
	}
}
