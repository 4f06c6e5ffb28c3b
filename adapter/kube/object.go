package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Objects watches single objects that others manage. They carry no label of
// ours: each is watched by its name, so that only that object may be read.
type Objects struct {
	client *Client
	wake   func(deliver.AppKey)
	ctx    func() context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	watched map[deliver.AppKey]*single
}

// single is one object that an application looks at.
type single struct {
	gvk    deliver.GVK
	key    deliver.Key
	cancel context.CancelFunc
	seen   Seen
}

// Seen is what is known of an object.
type Seen struct {
	// Body is nil if the object does not exist, or nothing is known.
	Body map[string]any
	// Known tells that the cluster was asked.
	Known bool
	// Err is why it could not be, a fault.Error.
	Err error
}

// NewObjects returns a watcher of objects. wake is called for the application
// whose object changed.
func NewObjects(c *Client, wake func(deliver.AppKey)) *Objects {
	ctx, stop := context.WithCancel(context.Background())
	return &Objects{client: c, wake: wake, ctx: func() context.Context { return ctx }, stop: stop, watched: map[deliver.AppKey]*single{}}
}

// Close ends all watches and waits for them.
func (o *Objects) Close() {
	o.stop()
	o.wg.Wait()
}

// Look returns what is known of the object that an application looks at, and
// has it watched from now on in place of any other.
func (o *Objects) Look(app deliver.AppKey, g deliver.GVK, k deliver.Key) Seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.watched[app]
	if s != nil && (s.gvk != g || s.key != k) {
		s.cancel()
		s = nil
	}
	if s == nil {
		ctx, cancel := context.WithCancel(o.ctx())
		s = &single{gvk: g, key: k, cancel: cancel}
		o.watched[app] = s
		o.wg.Go(func() { o.run(ctx, app, s) })
	}
	return s.seen
}

// Forget ends the watch of an application's object.
func (o *Objects) Forget(app deliver.AppKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.watched[app]; s != nil {
		s.cancel()
		delete(o.watched, app)
	}
}

func (o *Objects) set(app deliver.AppKey, s *single, seen Seen) {
	o.mu.Lock()
	s.seen = seen
	o.mu.Unlock()
	o.wake(app)
}

func (o *Objects) run(ctx context.Context, app deliver.AppKey, s *single) {
	again := retry{least: time.Second, most: 30 * time.Second}
	for ctx.Err() == nil {
		version, path, err := o.list(ctx, app, s)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = o.watch(ctx, app, s, path, version)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errExpired) {
			// What is known may no longer be so: that is said, not hidden.
			o.set(app, s, Seen{Known: true, Err: err})
		}
		again.wait(ctx, time.Since(began), err)
	}
}

// list reads the object.
func (o *Objects) list(ctx context.Context, app deliver.AppKey, s *single) (version, path string, err error) {
	r, err := o.client.found.resource(ctx, s.gvk)
	if err != nil {
		return "", "", err
	}
	path = r.path(s.key.Namespace, "")
	text, err := o.client.do(ctx, request{verb: http.MethodGet, path: path, query: url.Values{"fieldSelector": {"metadata.name=" + s.key.Name}}})
	if err != nil {
		return "", "", classify(err, "read", s.key.String(), false)
	}
	var list struct {
		Metadata metav1.ListMeta
		Items    []json.RawMessage
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return "", "", fault.Wrap(fault.Unavailable, "read", s.key.String(), err, "")
	}
	seen := Seen{Known: true}
	if len(list.Items) > 0 {
		if seen.Body, err = o.body(s, list.Items[0]); err != nil {
			return "", "", err
		}
	}
	o.set(app, s, seen)
	return list.Metadata.ResourceVersion, path, nil
}

func (o *Objects) body(s *single, text []byte) (map[string]any, error) {
	body, err := decode(text)
	if err != nil {
		return nil, err
	}
	body["apiVersion"], body["kind"] = s.gvk.APIVersion(), s.gvk.Kind // items of a list don't say
	if meta, ok := body["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
	}
	return body, nil
}

// watch follows the object until the API server ends the watch.
func (o *Objects) watch(ctx context.Context, app deliver.AppKey, s *single, path, version string) (string, error) {
	query := url.Values{"fieldSelector": {"metadata.name=" + s.key.Name}}
	return o.client.follow(ctx, path, query, s.key.String(), version, func(typ string, object []byte, version string) (string, error) {
		body, err := o.body(s, object)
		if err != nil {
			return version, err
		}
		if meta, ok := body["metadata"].(map[string]any); ok {
			if v, _ := meta["resourceVersion"].(string); v != "" {
				version = v
			}
		}
		switch typ {
		case "ADDED", "MODIFIED":
			o.set(app, s, Seen{Known: true, Body: body})
		case "DELETED":
			o.set(app, s, Seen{Known: true})
		}
		return version, nil
	})
}
