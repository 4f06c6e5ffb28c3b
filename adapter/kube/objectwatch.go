package kube

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// objectKey is the namespace and the name of an object.
type objectKey [2]string

// tracked is an object as far as it is needed.
type tracked interface {
	key() objectKey
	version() string
}

// objectWatch follows the objects of a kind that there are.
type objectWatch[T tracked] struct {
	client       *Client
	path, plural string
	// list reads all of them, and the version to watch from.
	list func(ctx context.Context) (all []T, version string, err error)
	// changed is told of each that is there, gone of each that is not any more; one call
	// at a time. trouble is told of what is tried again.
	changed func(T)
	gone    func(objectKey)
	trouble func(error)
	// listed, if not nil, is told each time that all were read.
	listed func()

	known map[objectKey]bool
}

// run follows until ctx ends.
func (w *objectWatch[T]) run(ctx context.Context) {
	w.known = map[objectKey]bool{}
	again := retry{least: 500 * time.Millisecond, most: 30 * time.Second}
	for ctx.Err() == nil {
		version, err := w.relist(ctx)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = w.follow(ctx, version)
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errExpired) {
			w.trouble(err)
		}
		again.wait(ctx, time.Since(began), err)
	}
}

// relist tells of all objects, and of those that went unseen.
func (w *objectWatch[T]) relist(ctx context.Context) (version string, err error) {
	all, version, err := w.list(ctx)
	if err != nil {
		return "", expired(err)
	}
	there := map[objectKey]bool{}
	for _, o := range all {
		there[o.key()] = true
	}
	for k := range w.known {
		if !there[k] {
			w.forget(k)
		}
	}
	for _, o := range all {
		w.learn(o)
	}
	if w.listed != nil {
		w.listed()
	}
	return version, nil
}

func (w *objectWatch[T]) learn(o T) {
	w.known[o.key()] = true
	w.changed(o)
}

func (w *objectWatch[T]) forget(k objectKey) {
	delete(w.known, k)
	w.gone(k)
}

// follow follows from a version on, and returns the version that it came to.
func (w *objectWatch[T]) follow(ctx context.Context, version string) (string, error) {
	return w.client.follow(ctx, w.path, nil, w.plural, version, func(typ string, object []byte, _ string) (string, error) {
		var o T
		if err := json.Unmarshal(object, &o); err != nil {
			return "", err
		}
		switch typ {
		case "ADDED", "MODIFIED":
			w.learn(o)
		case "DELETED":
			w.forget(o.key())
		}
		return o.version(), nil
	})
}
