package kube

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// The bounds of what is taken down of a failed release.
const (
	maxEvidence = 40
	maxPods     = 3  // pods whose logs and events are read
	logLines    = 20 // lines of a container's log
	logBytes    = 8 << 10
)

// Evidence implements deliver.Witness. What cannot be read is left out: the
// way back does not wait for it.
func (w *Witness) Evidence(ctx context.Context, app deliver.AppKey, unhealthy []deliver.Live, since time.Time) []v1alpha1.Evidence {
	var out []v1alpha1.Evidence
	for _, l := range unhealthy {
		c, ok := w.caseOf(app, l.Key, since)
		if !ok {
			out = append(out, v1alpha1.Evidence{Kind: "condition", Object: l.Key.String(), Text: string(l.Health.Status) + ": " + l.Health.Message})
			continue
		}
		names := []string{l.Name}
		c.Logs = map[string]string{}
		for _, p := range c.Pods[:min(len(c.Pods), maxPods)] {
			names = append(names, nameOf(p))
			w.logs(ctx, l.Namespace, p, c.Logs)
		}
		c.Events = w.eventsOf(ctx, l.Namespace, names)
		out = append(out, w.diagnose(c).Evidence...)
	}
	return out[:min(len(out), maxEvidence)]
}

// logs reads the last lines of the containers that ended before, or of those
// that run if none did.
func (w *Witness) logs(ctx context.Context, namespace string, pod map[string]any, into map[string]string) {
	status, _ := pod["status"].(map[string]any)
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		containers, _ := status[list].([]any)
		for _, it := range containers {
			c, _ := it.(map[string]any)
			name, _ := c["name"].(string)
			restarts, _ := c["restartCount"].(int64)
			ready, _ := c["ready"].(bool)
			if ready || name == "" {
				continue
			}
			for _, previous := range []bool{restarts > 0, restarts == 0} {
				if text := w.log(ctx, namespace, nameOf(pod), name, previous); text != "" {
					into[nameOf(pod)+"/"+name] = text
					break
				}
			}
		}
	}
}

// log reads the end of one container's log, "" if there is none. That the
// runtime has dropped it the API server says with a status of success.
func (w *Witness) log(ctx context.Context, namespace, pod, container string, previous bool) string {
	text, err := w.client.do(ctx, request{
		verb: http.MethodGet, path: "/api/v1/namespaces/" + url.PathEscape(namespace) + "/pods/" + url.PathEscape(pod) + "/log",
		query: url.Values{"container": {container}, "previous": {strconv.FormatBool(previous)}, "tailLines": {strconv.Itoa(logLines)}, "limitBytes": {strconv.Itoa(logBytes)}},
	})
	if err != nil || strings.HasPrefix(string(text), "unable to retrieve container logs") || strings.HasPrefix(string(text), "failed to try resolving symlinks") {
		return ""
	}
	return string(text)
}

// eventsOf reads the events about objects of a namespace by name.
func (w *Witness) eventsOf(ctx context.Context, namespace string, names []string) []map[string]any {
	var out []map[string]any
	for _, n := range names {
		list, _, err := w.list(ctx, "/api/v1/namespaces/"+url.PathEscape(namespace)+"/events", url.Values{"fieldSelector": {"involvedObject.name=" + n}})
		if err == nil {
			out = append(out, list...)
		}
	}
	return out
}

// UserOf implements deliver.Witness.
func (w *Witness) UserOf(ctx context.Context, k deliver.Key) (string, error) {
	list, _, err := w.list(ctx, "/api/v1/namespaces/"+url.PathEscape(k.Namespace)+"/pods", url.Values{})
	if err != nil {
		return "", classify(err, "find out who uses", k.String(), false)
	}
	for _, p := range list {
		status, _ := p["status"].(map[string]any)
		if phase := status["phase"]; phase == "Succeeded" || phase == "Failed" {
			continue
		}
		spec, _ := p["spec"].(map[string]any)
		if refersTo(spec, k.Kind, k.Name) {
			return "pod " + nameOf(p), nil
		}
	}
	return "", nil
}

// references are the fields by which a pod names a ConfigMap or Secret, and the
// key in them that holds the name.
var references = map[string]map[string]string{
	"ConfigMap": {"configMap": "name", "configMapRef": "name", "configMapKeyRef": "name"},
	"Secret":    {"secret": "secretName", "secretRef": "name", "secretKeyRef": "name"},
}

// refersTo walks a pod's spec for a reference to a ConfigMap or Secret.
func refersTo(v any, kind, name string) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if refersTo(e, kind, name) {
				return true
			}
		}
	case map[string]any:
		for field, child := range v {
			m, _ := child.(map[string]any)
			if key, ok := references[kind][field]; ok && m != nil && (m[key] == name || m["name"] == name) {
				return true
			}
			if list, ok := child.([]any); ok && field == "imagePullSecrets" && kind == "Secret" {
				for _, e := range list {
					if s, _ := e.(map[string]any); s["name"] == name {
						return true
					}
				}
			}
			if refersTo(child, kind, name) {
				return true
			}
		}
	}
	return false
}
