package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// client is as much of a Kubernetes client as the story needs.
type client struct {
	http *http.Client
	host string
}

func newClient(kubeconfig string) (*client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	h, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	h.Timeout = 30 * time.Second
	return &client{h, strings.TrimSuffix(config.Host, "/")}, nil
}

func (c *client) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.host+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(text))
	}
	return text, nil
}

// plurals are the kinds that the story itself applies.
var plurals = map[string]string{
	"Namespace": "namespaces", "ServiceAccount": "serviceaccounts", "Role": "roles", "RoleBinding": "rolebindings", "ClusterRole": "clusterroles",
	"ClusterRoleBinding": "clusterrolebindings", "CustomResourceDefinition": "customresourcedefinitions", "Application": "applications",
}

func (c *client) applyFile(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return c.apply(ctx, text)
}

func (c *client) apply(ctx context.Context, text []byte) error {
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
	}
	if err := yaml.Unmarshal(text, &o); err != nil {
		return err
	}
	path := "/api/"
	if strings.Contains(o.APIVersion, "/") {
		path = "/apis/"
	}
	path += o.APIVersion
	if o.Metadata.Namespace != "" {
		path += "/namespaces/" + o.Metadata.Namespace
	}
	path += "/" + plurals[o.Kind] + "/" + o.Metadata.Name + "?fieldManager=demo&force=true"
	_, err := c.do(ctx, http.MethodPatch, path, "application/apply-patch+yaml", text)
	return err
}

// applyWait applies an object of a kind that was just defined.
func (c *client) applyWait(ctx context.Context, text []byte, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		err := c.apply(ctx, text)
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (c *client) get(ctx context.Context, path string) (map[string]any, error) {
	text, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	var o map[string]any
	return o, json.Unmarshal(text, &o)
}

// field reads one value of an object.
func (c *client) field(ctx context.Context, path string, fields ...string) (any, error) {
	o, err := c.get(ctx, path)
	if err != nil {
		return nil, err
	}
	return at(o, fields...), nil
}

func at(v any, fields ...string) any {
	for _, f := range fields {
		m, _ := v.(map[string]any)
		v = m[f]
	}
	return v
}

func text(v any, fields ...string) string {
	s, _ := at(v, fields...).(string)
	return s
}

// appState is the Application as the API server has it.
type appState struct{ o map[string]any }

func (a *appState) condition(typ string) map[string]any {
	list, _ := at(a.o, "status", "conditions").([]any)
	for _, c := range list {
		if text(c, "type") == typ {
			return c.(map[string]any)
		}
	}
	return nil
}

func (a *appState) ready() bool    { return text(a.condition("Ready"), "status") == "True" }
func (a *appState) healthy() bool  { return text(a.o, "status", "health", "status") == "healthy" }
func (a *appState) sync() string   { return text(a.o, "status", "sync", "revision") }
func (a *appState) active() string { return text(a.o, "status", "active", "name") }
func (a *appState) objects() int {
	list, _ := at(a.o, "status", "inventory").([]any)
	return len(list)
}

const base = "/apis/autoecoops.io/v1alpha1/namespaces/" + namespace

// waitApp waits until the application is as asked for.
func (c *client) waitApp(ctx context.Context, d time.Duration, what string, done func(*appState) bool) (*appState, error) {
	last := ""
	for end := time.Now().Add(d); time.Now().Before(end); {
		o, err := c.get(ctx, base+"/applications/"+application)
		if err != nil {
			return nil, err
		}
		a := &appState{o}
		if done(a) {
			return a, nil
		}
		last = text(a.condition("Ready"), "message")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("%s did not come within %s; the application says: %s", what, d, last)
}

// release is a Release as the API server has it.
type release struct{ o map[string]any }

func (r *release) message() string { return text(r.o, "status", "message") }

func (r *release) findings(n int) (out []string) {
	list, _ := at(r.o, "status", "findings").([]any)
	for _, f := range list[:min(n, len(list))] {
		line, _ := at(f, "line").(float64)
		out = append(out, fmt.Sprintf("%s:%d  %s  %s (%s)", text(f, "file"), int(line), text(f, "severity"), text(f, "message"), text(f, "check")))
	}
	return out
}

func (r *release) evidence(n int) (out []string) {
	list, _ := at(r.o, "status", "evidence").([]any)
	for _, kind := range []string{"log", "status", "event", "condition"} {
		for _, e := range list {
			if text(e, "kind") == kind && len(out) < n {
				out = append(out, fmt.Sprintf("%s of %s: %s", kind, text(e, "object"), text(e, "text")))
			}
		}
	}
	return out
}

// waitRelease waits until a release of a revision has ended as asked for.
func (c *client) waitRelease(ctx context.Context, revision string, d time.Duration, phase string) (*release, error) {
	last := "there is none"
	for end := time.Now().Add(d); time.Now().Before(end); {
		o, err := c.get(ctx, base+"/releases")
		if err != nil {
			return nil, err
		}
		list, _ := o["items"].([]any)
		for _, it := range list {
			if text(it, "spec", "revision") != revision {
				continue
			}
			r := &release{it.(map[string]any)}
			switch p := text(it, "status", "phase"); p {
			case phase:
				return r, nil
			case "Good", "Failed", "Refused":
				return nil, fmt.Errorf("the release of %s ended %s instead of %s: %s", revision[:8], p, phase, r.message())
			default:
				last = p + " " + r.message()
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("the release of %s is not %s within %s: %s", revision[:8], phase, d, last)
}
