package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Applications keeps every Application of the cluster, or of one namespace, and
// writes their statuses.
type Applications struct {
	client    *Client
	namespace string
	changed   func(deliver.AppKey)

	mu     sync.RWMutex
	apps   map[deliver.AppKey]*v1alpha1.Application
	synced bool
	// failed is why they could not be read the last time, nil if they could.
	failed error
}

// NewApplications returns an empty store; Run fills it. namespace "" means all.
func NewApplications(c *Client, namespace string, changed func(deliver.AppKey)) *Applications {
	return &Applications{client: c, namespace: namespace, changed: changed, apps: map[deliver.AppKey]*v1alpha1.Application{}}
}

func appPath(namespace, name, sub string) string {
	r := resource{deliver.GVK{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: v1alpha1.ApplicationKind}, v1alpha1.ApplicationResource, true, false}
	return r.path(namespace, name) + sub
}

// Synced tells whether all applications have been seen.
func (a *Applications) Synced() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.synced
}

// Err says why the applications are not known: they were not read yet, could not be, or
// cannot be followed; nil if they are.
func (a *Applications) Err() error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.failed == nil && !a.synced {
		return fault.New(fault.Unavailable, "list", "applications", "not done yet", "")
	}
	return a.failed
}

func (a *Applications) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = err
}

// Get returns an application, nil if there is none. It must not be changed.
func (a *Applications) Get(k deliver.AppKey) *v1alpha1.Application {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.apps[k]
}

// All returns every application. They must not be changed.
func (a *Applications) All() []*v1alpha1.Application {
	a.mu.RLock()
	defer a.mu.RUnlock()
	out := make([]*v1alpha1.Application, 0, len(a.apps))
	for _, app := range a.apps {
		out = append(out, app)
	}
	return out
}

// Run keeps the store up to date until ctx ends.
func (a *Applications) Run(ctx context.Context) {
	again := retry{least: 200 * time.Millisecond, most: 10 * time.Second}
	for ctx.Err() == nil {
		version, err := a.list(ctx)
		a.fail(err)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = a.watch(ctx, version)
		}
		if err != nil && !errors.Is(err, errExpired) && ctx.Err() == nil {
			a.fail(err) // a watch may be refused where the list is not
		}
		again.wait(ctx, time.Since(began), err)
	}
}

func (a *Applications) list(ctx context.Context) (string, error) {
	seen := map[deliver.AppKey]bool{}
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	version := ""
	for {
		text, err := a.client.do(ctx, request{verb: http.MethodGet, path: appPath(a.namespace, "", ""), query: query})
		if err != nil {
			err = classify(err, "list", "applications", false)
			if fault.KindOf(err) == fault.Conflict {
				return "", errExpired
			}
			return "", err
		}
		var page v1alpha1.ApplicationList
		if err := json.Unmarshal(text, &page); err != nil {
			return "", fault.Wrap(fault.Unavailable, "read the list of", "applications", err, "do the operator and its custom resource definitions have the same version?")
		}
		for i := range page.Items {
			app := &page.Items[i]
			seen[keyOf(app)] = true
			a.put(app)
		}
		version = page.ResourceVersion
		if page.Continue == "" {
			break
		}
		query.Set("continue", page.Continue)
	}
	a.mu.Lock()
	a.synced = true
	var gone []deliver.AppKey
	for k, app := range a.apps {
		if !seen[k] && !newer(app.ResourceVersion, version) {
			delete(a.apps, k)
			gone = append(gone, k)
		}
	}
	a.mu.Unlock()
	for _, k := range gone {
		a.changed(k)
	}
	return version, nil
}

func keyOf(app *v1alpha1.Application) deliver.AppKey {
	return deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
}

// put stores an application unless a newer one is there.
func (a *Applications) put(app *v1alpha1.Application) {
	app.ManagedFields = nil
	k := keyOf(app)
	a.mu.Lock()
	old := a.apps[k]
	if old != nil && !newer(app.ResourceVersion, old.ResourceVersion) {
		a.mu.Unlock()
		return
	}
	a.apps[k] = app
	a.mu.Unlock()
	if old == nil || asksForWork(old, app) {
		a.changed(k)
	}
}

// asksForWork tells whether a change of an application is more than its status.
func asksForWork(old, app *v1alpha1.Application) bool {
	if old.Generation != app.Generation || (old.DeletionTimestamp == nil) != (app.DeletionTimestamp == nil) || old.UID != app.UID {
		return true
	}
	if len(old.Annotations) != len(app.Annotations) || len(old.Finalizers) != len(app.Finalizers) {
		return true
	}
	for k, v := range app.Annotations {
		if old.Annotations[k] != v {
			return true
		}
	}
	return false
}

func (a *Applications) watch(ctx context.Context, version string) (string, error) {
	return a.client.follow(ctx, appPath(a.namespace, "", ""), nil, "applications", version, func(typ string, object []byte, _ string) (string, error) {
		var app v1alpha1.Application
		if err := json.Unmarshal(object, &app); err != nil {
			return "", err
		}
		switch typ {
		case "ADDED", "MODIFIED":
			a.put(&app)
		case "DELETED":
			a.mu.Lock()
			delete(a.apps, keyOf(&app))
			a.mu.Unlock()
			a.changed(keyOf(&app))
		}
		return app.ResourceVersion, nil
	})
}

// SetStatus writes an application's status as it was made for app's resource
// version: Conflict if the application changed since, so that an operator that
// lost its leadership cannot write over its successor.
func (a *Applications) SetStatus(ctx context.Context, app *v1alpha1.Application, status *v1alpha1.ApplicationStatus) error {
	out := &v1alpha1.Application{TypeMeta: typeMeta(v1alpha1.ApplicationKind), Spec: app.Spec, Status: *status}
	out.ObjectMeta = metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name, UID: app.UID, ResourceVersion: app.ResourceVersion}
	text, err := json.Marshal(out)
	if err != nil {
		return fault.Wrap(fault.Internal, "write the status of", app.Name, err, "")
	}
	answer, err := a.client.do(ctx, request{verb: http.MethodPut, path: appPath(app.Namespace, app.Name, "/status"), body: text, query: reportQuery(), report: true})
	if err != nil {
		return classify(err, "write the status of application", keyOf(app).String(), false)
	}
	return a.took(answer)
}

func (a *Applications) took(answer []byte) error {
	var now v1alpha1.Application
	if err := json.Unmarshal(answer, &now); err != nil {
		return fault.Wrap(fault.Unavailable, "read an", "application", err, "")
	}
	a.put(&now)
	return nil
}

// SetFinalizer adds or removes our finalizer.
func (a *Applications) SetFinalizer(ctx context.Context, app *v1alpha1.Application, present bool) error {
	finalizers := []string{}
	for _, f := range app.Finalizers {
		if f != v1alpha1.Finalizer {
			finalizers = append(finalizers, f)
		}
	}
	if present {
		finalizers = append(finalizers, v1alpha1.Finalizer)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": finalizers, "resourceVersion": app.ResourceVersion, "uid": app.UID}})
	if err != nil {
		return fault.Wrap(fault.Internal, "write", app.Name, err, "")
	}
	answer, err := a.client.do(ctx, request{verb: http.MethodPatch, path: appPath(app.Namespace, app.Name, ""), body: patch, patch: types.MergePatchType, query: reportQuery()})
	if err != nil {
		f := classify(err, "change the finalizer of application", keyOf(app).String(), false)
		if fault.KindOf(f) == fault.NotFound {
			return nil
		}
		return f
	}
	return a.took(answer)
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}
}
