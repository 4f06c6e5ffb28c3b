package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// kindWatch keeps the view of one kind up to date: a list in pages, of which
// nothing but the digests is kept, then a watch from there on.
type kindWatch struct {
	view *View
	resource
	// synced, alive and version (how far the watch came) are guarded by the
	// view's lock.
	synced  bool
	alive   time.Time
	version string
	// again ends the watch that runs, so that everything is listed anew.
	again context.CancelFunc
}

const (
	// pageSize keeps the memory of a list small.
	pageSize = 250
	// watchFor is how long a watch is asked to last, at least.
	watchFor = 5 * time.Minute
	// silence is how long a watch may say nothing: the API server sends a
	// bookmark every minute.
	silence = 3 * time.Minute
)

// errAgain means that somebody wants everything listed anew.
var errAgain = errors.New("list again")

// errExpired means that the API server no longer knows what happened since.
var errExpired = errors.New("the resource version is too old")

// run lists and watches until ctx ends.
func (w *kindWatch) run(ctx context.Context) {
	again := retry{least: 200 * time.Millisecond, most: 30 * time.Second}
	for ctx.Err() == nil {
		version, err := w.list(ctx)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = w.watch(ctx, version)
		}
		if notServed(err) {
			w.view.unserved(w)
		}
		if errors.Is(err, errAgain) {
			continue
		}
		again.wait(ctx, time.Since(began), err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// list reads all objects of the kind page by page.
func (w *kindWatch) list(ctx context.Context) (version string, err error) {
	listed := map[deliver.Key]bool{}
	query := url.Values{"labelSelector": {v1alpha1.LabelApplication}, "limit": {strconv.Itoa(pageSize)}}
	for {
		text, err := w.view.client.do(ctx, request{verb: http.MethodGet, path: w.path("", ""), query: query})
		if err != nil {
			err = classify(err, "list", w.plural, false)
			if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Conflict {
				return "", errExpired // the list took longer than its snapshot lives
			}
			return "", err
		}
		var page struct {
			Metadata metav1.ListMeta
			Items    []json.RawMessage
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return "", fault.Wrap(fault.Unavailable, "read the list of", w.plural, err, "")
		}
		for _, item := range page.Items {
			if l, ok := w.distil(item); ok {
				listed[l.Key] = true
				w.view.event(l)
			}
		}
		version = page.Metadata.ResourceVersion
		if page.Metadata.Continue == "" {
			break
		}
		query.Set("continue", page.Metadata.Continue)
	}
	w.view.replaced(w, listed, version)
	return version, nil
}

// distil reads an object and keeps of it what the view keeps. Items of a list
// don't say their kind.
func (w *kindWatch) distil(text []byte) (deliver.Live, bool) {
	body, err := decode(text)
	if err != nil {
		return deliver.Live{}, false
	}
	body["apiVersion"], body["kind"] = w.APIVersion(), w.Kind
	return w.view.digester.Distil(body, w.resource.health(body, w.view.health))
}

// watch follows the kind from a version on and returns the version it came to.
// It returns no error when the API server ended the watch in order.
func (w *kindWatch) watch(ctx context.Context, version string) (string, error) {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	refresh := false
	w.view.mu.Lock()
	w.again = func() { refresh = true; cancel() }
	w.view.mu.Unlock()
	query := url.Values{"labelSelector": {v1alpha1.LabelApplication}}
	version, err := w.view.client.follow(ctx, w.path("", ""), query, w.plural, version, func(typ string, object []byte, version string) (string, error) {
		return w.take(typ, object, version), nil
	})
	w.view.mu.Lock()
	anew := refresh && outer.Err() == nil
	w.view.mu.Unlock()
	if anew {
		return version, errAgain
	}
	return version, err
}

// take handles one event of a watch, and returns the version that it came to.
func (w *kindWatch) take(typ string, object []byte, version string) string {
	switch typ {
	case "ADDED", "MODIFIED":
		if l, ok := w.distil(object); ok {
			version = l.ResourceVersion
			w.view.event(l)
		}
	case "DELETED":
		if l, ok := w.distil(object); ok {
			version = l.ResourceVersion
			w.view.gone(l.Key, l.ResourceVersion)
		}
	case "BOOKMARK":
		var b struct{ Metadata metav1.ListMeta }
		if err := json.Unmarshal(object, &b); err == nil && b.Metadata.ResourceVersion != "" {
			version = b.Metadata.ResourceVersion
		}
	}
	w.view.touch(w, version)
	return version
}
