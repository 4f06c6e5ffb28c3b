package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

// discovery finds out where the objects of a kind are, one group and version
// at a time, when it is first asked.
type discovery struct {
	client *Client
	mu     sync.Mutex
	groups map[string]*groupVersion // by apiVersion
}

type groupVersion struct {
	once  sync.Mutex
	asked time.Time
	kinds map[string]resource
}

// askAgain is how soon a group is asked again for a kind that it had not.
const askAgain = time.Second

func newDiscovery(c *Client) *discovery {
	return &discovery{client: c, groups: map[string]*groupVersion{}}
}

// resource returns where a kind is. NotFound if it is not served.
func (d *discovery) resource(ctx context.Context, g deliver.GVK) (resource, error) {
	d.mu.Lock()
	gv := d.groups[g.APIVersion()]
	if gv == nil {
		gv = &groupVersion{}
		d.groups[g.APIVersion()] = gv
	}
	d.mu.Unlock()
	gv.once.Lock()
	defer gv.once.Unlock()
	if r, ok := gv.kinds[g.Kind]; ok {
		return r, nil
	}
	if time.Since(gv.asked) >= askAgain {
		kinds, err := d.ask(ctx, g)
		if err != nil {
			return resource{}, err
		}
		gv.kinds, gv.asked = kinds, time.Now()
	}
	if r, ok := gv.kinds[g.Kind]; ok {
		return r, nil
	}
	return resource{}, fault.New(fault.NotFound, "find the kind", g.Kind, "the cluster does not serve "+g.APIVersion()+" "+g.Kind, "install its definition first, or put it into Git too")
}

// health tells an object's health: one of a kind of which nothing is known, and
// that has no status subresource, is healthy when it is there. Kinds that are
// known to report their state may have none either (Argo CD's Application).
func (r resource) health(body map[string]any, evaluate func(map[string]any) health.Health) health.Health {
	h := evaluate(body)
	if h.Status == health.Unknown && h.Reason == health.NoStatus && r.stateless {
		return health.Health{Status: health.Healthy}
	}
	return h
}

// forget drops what is known of a kind: it was not where it should be.
func (d *discovery) forget(g deliver.GVK) {
	d.mu.Lock()
	delete(d.groups, g.APIVersion())
	d.mu.Unlock()
}

func (d *discovery) ask(ctx context.Context, g deliver.GVK) (map[string]resource, error) {
	path := "/apis/" + g.Group + "/" + g.Version
	if g.Group == "" {
		path = "/api/" + g.Version
	}
	text, err := d.client.do(ctx, request{verb: http.MethodGet, path: path})
	if err != nil {
		if f := classify(err, "ask which kinds are served of", g.APIVersion(), false); fault.KindOf(f) != fault.NotFound {
			return nil, f
		}
		return map[string]resource{}, nil
	}
	var list struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read which kinds are served of", g.APIVersion(), err, "")
	}
	kinds, stateful := map[string]resource{}, map[string]bool{}
	for _, r := range list.Resources {
		if plural, sub, ok := strings.Cut(r.Name, "/"); ok && sub == "status" {
			stateful[plural] = true
		}
	}
	for _, r := range list.Resources {
		if _, seen := kinds[r.Kind]; seen || strings.Contains(r.Name, "/") {
			continue
		}
		kinds[r.Kind] = resource{deliver.GVK{Group: g.Group, Version: g.Version, Kind: r.Kind}, r.Name, r.Namespaced, !stateful[r.Name]}
	}
	return kinds, nil
}
