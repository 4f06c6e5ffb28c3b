package kube

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Objectives keeps every Objective of the cluster, or of one namespace, and
// writes their statuses.
type Objectives struct {
	client    *Client
	namespace string
	changed   func(types.NamespacedName)

	mu     sync.RWMutex
	all    map[types.NamespacedName]*v1alpha1.Objective
	synced bool
	// failed is why they could not be read the last time, nil if they could.
	failed error
}

// NewObjectives returns an empty store; Run fills it. namespace "" means all.
// changed is told of each that came, went, or has another definition.
func NewObjectives(c *Client, namespace string, changed func(types.NamespacedName)) *Objectives {
	return &Objectives{client: c, namespace: namespace, changed: changed, all: map[types.NamespacedName]*v1alpha1.Objective{}}
}

func objectivePath(namespace, name, sub string) string {
	r := resource{deliver.GVK{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: v1alpha1.ObjectiveKind}, "objectives", true, false}
	return r.path(namespace, name) + sub
}

// Err says why the Objectives are not known: they were not read yet, or could not
// be; nil if they are.
func (s *Objectives) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failed == nil && !s.synced {
		return fault.New(fault.Unavailable, "list", "objectives", "not done yet", "")
	}
	return s.failed
}

// Get returns an Objective, nil if there is none. It must not be changed.
func (s *Objectives) Get(k types.NamespacedName) *v1alpha1.Objective {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[k]
}

// All returns the Objectives. They must not be changed.
func (s *Objectives) All() []*v1alpha1.Objective {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.all))
}

// Run keeps the store up to date until ctx ends.
func (s *Objectives) Run(ctx context.Context) {
	again := retry{least: 200 * time.Millisecond, most: 10 * time.Second}
	for ctx.Err() == nil {
		version, err := s.list(ctx)
		s.fail(err)
		began := time.Now()
		for err == nil && ctx.Err() == nil {
			version, err = s.watch(ctx, version)
		}
		if err != nil && !errors.Is(err, errExpired) && ctx.Err() == nil {
			s.fail(err) // a watch may be refused where the list is not
		}
		again.wait(ctx, time.Since(began), err)
	}
}

func (s *Objectives) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.synced = err, s.synced || err == nil
}

func (s *Objectives) list(ctx context.Context) (version string, err error) {
	seen := map[types.NamespacedName]bool{}
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		text, err := s.client.do(ctx, request{verb: http.MethodGet, path: objectivePath(s.namespace, "", ""), query: query})
		if err != nil {
			return "", expired(classify(err, "list", "objectives", false))
		}
		var page v1alpha1.ObjectiveList
		if err := json.Unmarshal(text, &page); err != nil {
			return "", fault.Wrap(fault.Unavailable, "read the list of", "objectives", err, "do the operator and its custom resource definitions have the same version?")
		}
		for i := range page.Items {
			o := &page.Items[i]
			seen[types.NamespacedName{Namespace: o.Namespace, Name: o.Name}] = true
			s.put(o)
		}
		version = page.ResourceVersion
		if page.Continue == "" {
			break
		}
		query.Set("continue", page.Continue)
	}
	s.mu.Lock()
	var gone []types.NamespacedName
	for k, o := range s.all {
		if !seen[k] && !newer(o.ResourceVersion, version) {
			delete(s.all, k)
			gone = append(gone, k)
		}
	}
	s.mu.Unlock()
	for _, k := range gone {
		s.changed(k)
	}
	return version, nil
}

// put stores an Objective unless a newer one is there.
func (s *Objectives) put(o *v1alpha1.Objective) {
	o.ManagedFields = nil
	k := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
	s.mu.Lock()
	old := s.all[k]
	if old != nil && !newer(o.ResourceVersion, old.ResourceVersion) {
		s.mu.Unlock()
		return
	}
	s.all[k] = o
	s.mu.Unlock()
	if old == nil || old.UID != o.UID || old.Generation != o.Generation {
		s.changed(k)
	}
}

func (s *Objectives) watch(ctx context.Context, version string) (string, error) {
	return s.client.follow(ctx, objectivePath(s.namespace, "", ""), nil, "objectives", version, func(typ string, object []byte, _ string) (string, error) {
		var o v1alpha1.Objective
		if err := json.Unmarshal(object, &o); err != nil {
			return "", err
		}
		switch typ {
		case "ADDED", "MODIFIED":
			s.put(&o)
		case "DELETED":
			k := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
			s.mu.Lock()
			delete(s.all, k)
			s.mu.Unlock()
			s.changed(k)
		}
		return o.ResourceVersion, nil
	})
}

// SetStatus applies an Objective's status as it was made for o's resource
// version: Conflict if the Objective changed since, so that a daemon that lost its
// leadership cannot write over its successor.
func (s *Objectives) SetStatus(ctx context.Context, o *v1alpha1.Objective, status *v1alpha1.ObjectiveStatus) error {
	text, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.ObjectiveKind,
		"metadata": map[string]any{"namespace": o.Namespace, "name": o.Name, "uid": o.UID, "resourceVersion": o.ResourceVersion},
		"status":   status,
	})
	if err != nil {
		return fault.Wrap(fault.Internal, "write the status of", o.Name, err, "")
	}
	answer, err := s.client.do(ctx, request{
		verb: http.MethodPatch, path: objectivePath(o.Namespace, o.Name, "/status"), body: text, patch: types.ApplyPatchType,
		query: url.Values{"fieldManager": {"aeod"}, "force": {"true"}}, report: true,
	})
	if err != nil {
		return classify(err, "write the status of objective", o.Namespace+"/"+o.Name, false)
	}
	var now v1alpha1.Objective
	if err := json.Unmarshal(answer, &now); err != nil {
		return fault.Wrap(fault.Unavailable, "read an", "objective", err, "")
	}
	if known := s.Get(types.NamespacedName{Namespace: o.Namespace, Name: o.Name}); known != nil && known.UID == now.UID {
		s.put(&now)
	}
	return nil
}
