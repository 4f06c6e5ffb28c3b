package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Surroundings reads what is in a namespace that objects of Git may refer to:
// the namespace itself, ConfigMaps, accounts, Services, limits and policies. Of
// Secrets it asks for the names alone. It remembers a namespace for a moment, as
// many applications of one are judged at the same time.
type Surroundings struct {
	Client *Client

	mu   sync.Mutex
	seen map[string]surrounding
}

type surrounding struct {
	at    time.Time
	texts [][]byte
}

// surroundingFor is how long what was read is good enough.
const surroundingFor = 10 * time.Second

// around are the resources that are read of a namespace.
var around = []struct{ apiVersion, kind, path string }{
	{"v1", "ConfigMap", "/api/v1/namespaces/%/configmaps"},
	{"v1", "ServiceAccount", "/api/v1/namespaces/%/serviceaccounts"},
	{"v1", "Service", "/api/v1/namespaces/%/services"},
	{"v1", "LimitRange", "/api/v1/namespaces/%/limitranges"},
	{"v1", "ResourceQuota", "/api/v1/namespaces/%/resourcequotas"},
	{"networking.k8s.io/v1", "NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/%/networkpolicies"},
	{"policy/v1", "PodDisruptionBudget", "/apis/policy/v1/namespaces/%/poddisruptionbudgets"},
}

// Read returns the objects of a namespace as JSON. What may not be read is left
// out: it then counts as not there, as it would without a cluster.
func (s *Surroundings) Read(ctx context.Context, namespace string) ([][]byte, error) {
	s.mu.Lock()
	old, ok := s.seen[namespace]
	s.mu.Unlock()
	if ok && time.Since(old.at) < surroundingFor {
		return old.texts, nil
	}
	escaped := url.PathEscape(namespace)
	var texts [][]byte
	text, err := s.Client.do(ctx, request{verb: http.MethodGet, path: "/api/v1/namespaces/" + escaped})
	switch f := classify(err, "read", deliver.Key{Kind: "Namespace", Name: namespace}.String(), false); {
	case err == nil:
		texts = append(texts, text)
	case fault.KindOf(f) != fault.NotFound && fault.KindOf(f) != fault.Denied:
		return nil, f
	}
	for _, r := range around {
		items, err := s.list(ctx, strings.Replace(r.path, "%", escaped, 1), r.apiVersion, r.kind)
		if err != nil {
			return nil, err
		}
		texts = append(texts, items...)
	}
	secrets, err := s.secrets(ctx, escaped)
	if err != nil {
		return nil, err
	}
	texts = append(texts, secrets...)
	s.mu.Lock()
	if s.seen == nil || len(s.seen) > 1000 {
		s.seen = map[string]surrounding{}
	}
	s.seen[namespace] = surrounding{time.Now(), texts}
	s.mu.Unlock()
	return texts, nil
}

// list reads all objects of a resource, with their kind, which lists leave out.
func (s *Surroundings) list(ctx context.Context, path, apiVersion, kind string) (out [][]byte, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		text, err := s.Client.do(ctx, request{verb: http.MethodGet, path: path, query: query})
		if err != nil {
			if f := classify(err, "list", kind, false); fault.KindOf(f) != fault.NotFound && fault.KindOf(f) != fault.Denied {
				return nil, f
			}
			return nil, nil
		}
		var page struct {
			Metadata metav1.ListMeta
			Items    []map[string]any
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read a list of", kind, err, "")
		}
		for _, it := range page.Items {
			it["apiVersion"], it["kind"] = apiVersion, kind
			if meta, ok := it["metadata"].(map[string]any); ok {
				delete(meta, "managedFields")
			}
			item, err := json.Marshal(it)
			if err != nil {
				return nil, fault.Wrap(fault.Internal, "write a", kind, err, "")
			}
			out = append(out, item)
		}
		if page.Metadata.Continue == "" {
			return out, nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
}

// secrets tells of the Secrets of a namespace that they are there, and nothing
// of what they hold: the API server is asked for their metadata, and each is
// passed on as an ExternalSecret, which says that somebody makes a Secret with
// keys that are not known.
func (s *Surroundings) secrets(ctx context.Context, namespace string) (out [][]byte, err error) {
	q := s.Client.build(request{verb: http.MethodGet, path: "/api/v1/namespaces/" + namespace + "/secrets"}).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
	res := q.Do(ctx)
	if err := res.Error(); err != nil {
		if f := classify(err, "list", "secrets", true); fault.KindOf(f) != fault.NotFound && fault.KindOf(f) != fault.Denied {
			return nil, f
		}
		return nil, nil
	}
	text, err := res.Raw()
	if err != nil {
		return nil, classify(err, "list", "secrets", true)
	}
	var list struct {
		Items []struct {
			Metadata struct{ Name, Namespace string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.New(fault.Unavailable, "read a list of", "secrets", "it is none", "")
	}
	for _, it := range list.Items {
		item, err := json.Marshal(map[string]any{
			"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
			"metadata": map[string]any{"name": it.Metadata.Name, "namespace": it.Metadata.Namespace},
			"spec":     map[string]any{"target": map[string]any{"name": it.Metadata.Name}, "dataFrom": []any{map[string]any{"extract": map[string]any{"key": "unknown"}}}},
		})
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "write a", "secret's name", err, "")
		}
		out = append(out, item)
	}
	return out, nil
}
