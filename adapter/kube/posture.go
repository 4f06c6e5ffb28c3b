package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Stock is one object of a cluster, fit to be judged: without status, managed
// fields and what else the API server keeps, and without a Secret's values.
type Stock struct {
	deliver.Key
	// Text is JSON, indented.
	Text []byte
	// Owner is the Application that the object's labels name, zero if none.
	Owner deliver.AppKey
}

// Unread is a kind, or a group of kinds, that could not be read.
type Unread struct {
	// Kind is Kind.group, or the group's version alone if not even its kinds
	// could be learned.
	Kind string
	// Reason says why, for a person.
	Reason string
}

// TakeStock reads every object of a namespace, or of the whole cluster if it is
// "", once and in pages, and hands it to f. It needs no right but get and list,
// and what it may not read it returns, so that nothing is absent in silence.
// Kinds that only say what happens (events, leases) and objects that a workload
// makes (the pods of a ReplicaSet) are left out: their maker is judged.
func (c *Client) TakeStock(ctx context.Context, namespace string, f func(Stock)) ([]Unread, error) {
	versions, err := c.versions(ctx)
	if err != nil {
		return nil, forPeople(err)
	}
	var unread []Unread
	for _, v := range versions {
		kinds, err := c.listable(ctx, v)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			unread = append(unread, Unread{v, reason(err)})
			continue
		}
		for _, r := range kinds {
			if fleeting[r.GroupKind()] || namespace != "" && !r.namespaced {
				continue
			}
			if err := c.takeKind(ctx, r, namespace, f); err != nil {
				if ctx.Err() != nil {
					return nil, err
				}
				unread = append(unread, Unread{kindName(r.GroupKind()), reason(err)})
			}
		}
	}
	if namespace == "" {
		return unread, nil
	}
	return c.takeNamespace(ctx, namespace, unread, f)
}

// takeNamespace reads the namespace itself: its labels say what is asked of pods.
func (c *Client) takeNamespace(ctx context.Context, namespace string, unread []Unread, f func(Stock)) ([]Unread, error) {
	text, err := c.do(ctx, request{verb: http.MethodGet, path: "/api/v1/namespaces/" + url.PathEscape(namespace)})
	if err != nil {
		err = classify(err, "read", deliver.Key{Kind: "Namespace", Name: namespace}.String(), false)
		if fault.KindOf(err) == fault.NotFound {
			return nil, fault.New(fault.NotFound, "find namespace", namespace, "the cluster has no such namespace", "kubectl get namespaces; or -A for all")
		}
		return append(unread, Unread{"Namespace", reason(err)}), ctx.Err()
	}
	if s, ok := stock(resource{GVK: deliver.GVK{Version: "v1", Kind: "Namespace"}}, text); ok {
		f(s)
	}
	return unread, nil
}

// Stock reads one object as TakeStock does; false if there is none that could be
// judged.
func (c *Cluster) Stock(ctx context.Context, as deliver.Identity, g deliver.GVK, k deliver.Key) (Stock, bool, error) {
	r, err := c.where(ctx, g)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return Stock{}, false, nil // its kind went, and it with it
		}
		return Stock{}, false, err
	}
	text, err := c.Client.do(ctx, request{verb: http.MethodGet, path: r.path(k.Namespace, k.Name), as: as})
	if err != nil {
		err = classify(err, "read", k.String(), isSecret(k))
		if fault.KindOf(err) == fault.NotFound {
			return Stock{}, false, nil
		}
		return Stock{}, false, err
	}
	s, ok := stock(r, text)
	return s, ok, nil
}

func reason(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return "it could not be read"
	case f.Kind == fault.Denied:
		return "you may not list it: grant get and list, or judge what you may read"
	case f.Public != "":
		return f.Public
	}
	return f.Op + " failed"
}

func kindName(g deliver.GroupKind) string {
	if g.Group == "" {
		return g.Kind
	}
	return g.Kind + "." + g.Group
}

// fleeting are kinds that say what goes on, not how things are built.
var fleeting = map[deliver.GroupKind]bool{
	{Kind: "Event"}: true, {Group: "events.k8s.io", Kind: "Event"}: true,
	{Kind: "ComponentStatus"}: true, {Kind: "Endpoints"}: true, {Kind: "Node"}: true,
	{Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true, {Group: "coordination.k8s.io", Kind: "Lease"}: true,
	{Group: "coordination.k8s.io", Kind: "LeaseCandidate"}: true, {Group: "apps", Kind: "ControllerRevision"}: true,
	{Group: "storage.k8s.io", Kind: "CSINode"}: true, {Group: "storage.k8s.io", Kind: "CSIStorageCapacity"}: true,
	{Group: "storage.k8s.io", Kind: "VolumeAttachment"}: true,
	{Group: "metrics.k8s.io", Kind: "PodMetrics"}:       true, {Group: "metrics.k8s.io", Kind: "NodeMetrics"}: true,
	{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.ReleaseKind}: true,
}

// makers are the kinds whose objects make others; those are judged with them.
var makers = map[string]bool{
	"Deployment": true, "ReplicaSet": true, "StatefulSet": true, "DaemonSet": true, "Job": true, "CronJob": true, "ReplicationController": true,
}

// versions lists the core's and each group's preferred version.
func (c *Client) versions(ctx context.Context) ([]string, error) {
	text, err := c.do(ctx, request{verb: http.MethodGet, path: "/apis"})
	if err != nil {
		return nil, classify(err, "ask which kinds are served", "", false)
	}
	var list struct {
		Groups []struct {
			PreferredVersion struct{ GroupVersion string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read which kinds are served", "", err, "is that address a Kubernetes API server?")
	}
	out := []string{"v1"}
	for _, g := range list.Groups {
		out = append(out, g.PreferredVersion.GroupVersion)
	}
	return out, nil
}

// listable lists the kinds of a group and version whose objects can be listed.
func (c *Client) listable(ctx context.Context, version string) ([]resource, error) {
	path, group, v := "/apis/"+version, "", version
	if g, rest, ok := strings.Cut(version, "/"); ok {
		group, v = g, rest
	} else {
		path = "/api/" + version
	}
	text, err := c.do(ctx, request{verb: http.MethodGet, path: path})
	if err != nil {
		return nil, classify(err, "ask which kinds are served of", version, false)
	}
	var list struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
			Verbs      []string
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read which kinds are served of", version, err, "")
	}
	var out []resource
	for _, r := range list.Resources {
		if !strings.Contains(r.Name, "/") && slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "get") {
			out = append(out, resource{deliver.GVK{Group: group, Version: v, Kind: r.Kind}, r.Name, r.Namespaced, false})
		}
	}
	return out, nil
}

func (c *Client) takeKind(ctx context.Context, r resource, namespace string, f func(Stock)) error {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		text, err := c.do(ctx, request{verb: http.MethodGet, path: r.path(namespace, ""), query: query})
		if err != nil {
			return classify(err, "list", kindName(r.GroupKind()), isSecret(deliver.Key{Group: r.Group, Kind: r.Kind}))
		}
		var page struct {
			Metadata struct{ Continue string }
			Items    []json.RawMessage
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return fault.New(fault.Unavailable, "read the list of", kindName(r.GroupKind()), "the API server's answer cannot be read", "")
		}
		for _, item := range page.Items {
			if s, ok := stock(r, item); ok {
				f(s)
			}
		}
		if page.Metadata.Continue == "" {
			return nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
}

// dropped is a value that is not kept: decoding passes over it.
type dropped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*dropped) UnmarshalJSON([]byte) error { return nil }

// keysOnly are a Secret's data with the values passed over.
type keysOnly map[string]dropped

// MarshalJSON implements json.Marshaler: keys with empty values.
func (k keysOnly) MarshalJSON() ([]byte, error) {
	out := make(map[string]string, len(k))
	for key := range k {
		out[key] = ""
	}
	return json.Marshal(out)
}

// stock makes an item of a list fit to be judged; ok is false if it is not to
// be. Items of lists carry no kind: it is the list's.
func stock(r resource, item []byte) (Stock, bool) {
	body := map[string]any{}
	if isSecret(deliver.Key{Group: r.Group, Kind: r.Kind}) {
		var secret struct {
			Metadata  map[string]any `json:"metadata"`
			Type      string         `json:"type,omitempty"`
			Immutable *bool          `json:"immutable,omitempty"`
			Data      keysOnly       `json:"data,omitempty"`
		}
		if json.Unmarshal(item, &secret) != nil {
			return Stock{}, false
		}
		body["metadata"], body["data"] = secret.Metadata, secret.Data
		if secret.Type != "" {
			body["type"] = secret.Type
		}
		if secret.Immutable != nil {
			body["immutable"] = *secret.Immutable
		}
	} else if json.Unmarshal(item, &body) != nil {
		return Stock{}, false
	}
	meta, _ := body["metadata"].(map[string]any)
	if meta == nil || made(meta) || r.Kind == "ConfigMap" && meta["name"] == "kube-root-ca.crt" {
		return Stock{}, false
	}
	body["apiVersion"], body["kind"] = r.APIVersion(), r.Kind
	delete(body, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"} {
		delete(meta, field)
	}
	if notes, ok := meta["annotations"].(map[string]any); ok {
		delete(notes, "kubectl.kubernetes.io/last-applied-configuration") // repeats the object, a Secret's values too
	}
	s := Stock{Owner: deliver.OwnerOf(body)}
	s.Group, s.Kind = r.Group, r.Kind
	s.Name, _ = meta["name"].(string)
	s.Namespace, _ = meta["namespace"].(string)
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil || s.Name == "" {
		return Stock{}, false
	}
	s.Text = text
	return s, true
}

// made tells whether a workload made the object.
func made(meta map[string]any) bool {
	owners, _ := meta["ownerReferences"].([]any)
	for _, o := range owners {
		owner, _ := o.(map[string]any)
		kind, _ := owner["kind"].(string)
		if owner["controller"] == true && makers[kind] {
			return true
		}
	}
	return false
}
