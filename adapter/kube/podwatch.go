package kube

import (
	"context"
	"encoding/json"
	"errors"
	"time"
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
	again := retry{least: 500 * time.Millisecond, most: 30 * time.Second}
	for ctx.Err() == nil {
		version, err := w.list(ctx)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = w.watch(ctx, version)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errExpired) {
			w.Trouble(err)
		}
		again.wait(ctx, time.Since(began), err)
	}
}

// list tells of all pods, and of those that went unseen.
func (w *PodWatch) list(ctx context.Context) (version string, err error) {
	pods, version, err := w.Client.listPods(ctx, w.Namespace)
	if err != nil {
		return "", expired(err)
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
	return w.Client.follow(ctx, podsPath(w.Namespace), nil, "pods", version, func(typ string, object []byte, _ string) (string, error) {
		var item podItem
		if err := json.Unmarshal(object, &item); err != nil {
			return "", err
		}
		switch typ {
		case "ADDED", "MODIFIED":
			w.changed(item.pod())
		case "DELETED":
			w.gone(PodName{item.Metadata.Namespace, item.Metadata.Name})
		}
		return item.Metadata.ResourceVersion, nil
	})
}
