package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
	"github.com/autoecoops/autoecoops/test/cluster/process"
)

const (
	space = "bench"
	bare  = "bare"
)

var (
	configMaps   = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	namespaces   = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	bindings     = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	secrets      = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	accounts     = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	definitions  = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	applications = schema.GroupVersionResource{Group: "autoecoops.io", Version: "v1alpha1", Resource: "applications"}
)

// four are the objects of application i: four kinds, as small services have.
func four(i int) []map[string]any {
	name := fmt.Sprintf("app-%04d", i)
	meta := func() map[string]any { return map[string]any{"name": name} }
	return []map[string]any{
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(), "automountServiceAccountToken": false},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(), "data": map[string]any{"value": "1", "text": strings.Repeat("x", 500)}},
		{"apiVersion": "v1", "kind": "Service", "metadata": meta(), "spec": map[string]any{"clusterIP": "None", "selector": map[string]any{"app": name}, "ports": []any{map[string]any{"name": "http", "port": 80}}}},
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(), "spec": map[string]any{"replicas": 0, "selector": map[string]any{"matchLabels": map[string]any{"app": name}}, "template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": name}},
			"spec":     map[string]any{"serviceAccountName": name, "containers": []any{map[string]any{"name": "main", "image": "example.com/main:1"}}},
		}}},
	}
}

// ten are those four, and six more.
func ten(i int) []map[string]any {
	objects := four(i)
	for n := range 6 {
		objects = append(objects, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("app-%04d-%d", i, n)}, "data": map[string]any{"value": "1"}})
	}
	return objects
}

// until waits for an object that ok accepts.
func until(ctx context.Context, events <-chan watch.Event, limit time.Duration, ok func(*unstructured.Unstructured) bool) (time.Time, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		select {
		case e, open := <-events:
			if !open {
				return time.Time{}, errors.New("the watch ended")
			}
			if o, is := e.Object.(*unstructured.Unstructured); is && e.Type != watch.Deleted && ok(o) {
				return time.Now(), nil
			}
		case <-late.C:
			return time.Time{}, fmt.Errorf("not seen in %s", limit)
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

func (b *bench) prepare(ctx context.Context) error {
	for _, name := range []string{"applications", "releases"} {
		text, err := os.ReadFile("deploy/crds/autoecoops.io_" + name + ".yaml")
		if err != nil {
			return err
		}
		var body map[string]any
		if err := yaml.Unmarshal(text, &body); err != nil {
			return err
		}
		if _, err := b.client.Resource(definitions).Create(ctx, &unstructured.Unstructured{Object: body}, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, ns := range []string{"autoecoops", space, bare} {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns}}}
		if _, err := b.client.Resource(namespaces).Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return err
		}
		sa := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "deployer", "namespace": ns}}}
		if _, err := b.client.Resource(accounts).Namespace(ns).Create(ctx, sa, metav1.CreateOptions{}); err != nil {
			return err
		}
		r := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "deployer-" + ns},
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "deployer", "namespace": ns}},
		}}
		if _, err := b.client.Resource(bindings).Create(ctx, r, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	b.repo = filepath.Join(b.dir, "repo")
	if err := b.git(ctx, "init", "-q", "-b", "main", b.repo); err != nil {
		return err
	}
	for i := range b.apps {
		if err := b.write(i, four(i)); err != nil {
			return err
		}
	}
	return b.commit(ctx)
}

func (b *bench) write(i int, objects []map[string]any) error {
	dir := filepath.Join(b.repo, fmt.Sprintf("app-%04d", i))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, o := range objects {
		doc, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "---\n%s", doc)
	}
	return os.WriteFile(filepath.Join(dir, "all.yaml"), text.Bytes(), 0o644)
}

func (b *bench) git(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (b *bench) commit(ctx context.Context) error {
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=A Developer", "-c", "user.email=dev@example.com", "commit", "-q", "-m", "change"}} {
		if err := b.git(ctx, append([]string{"-C", b.repo}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// application is the Application on folder i.
func (b *bench) application(i int, interval string) *unstructured.Unstructured {
	name := fmt.Sprintf("app-%04d", i)
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "autoecoops.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": name, "namespace": space},
		"spec": map[string]any{
			"source": map[string]any{"git": map[string]any{"url": b.remote, "interval": interval}, "path": name},
			"gate":   map[string]any{"failOn": "never"}, "serviceAccountName": "deployer", "health": map[string]any{"watch": "0s"},
		},
	}}
}

// owner is what a proxy takes for its test: it ends with this process.
type owner struct{ testing.TB }

// Helper implements testing.TB.
func (*owner) Helper() {}

// Cleanup implements testing.TB.
func (*owner) Cleanup(func()) {}

// Fatal implements testing.TB.
func (*owner) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// start starts aeod, directly or behind the proxy.
func (b *bench) start(counted bool) error {
	config := b.cluster.Config()
	if counted {
		if b.proxy == nil {
			b.proxy = b.cluster.Proxy(&owner{})
		}
		config = cluster.Through(b.proxy, config)
	}
	file := filepath.Join(b.dir, "kubeconfig")
	if err := cluster.WriteKubeconfig(file, config); err != nil {
		return err
	}
	cmd := exec.Command(b.aeod, "--kubeconfig", file, "--ledger", filepath.Join(b.dir, "ledger.db"), "--cache-dir", filepath.Join(b.dir, "cache"),
		"--listen", b.pages, "--allow-file", "--allow-http", "--leader-elect=false")
	var err error
	b.aeodd, err = process.NewLauncher().Launch("aeod", cmd, filepath.Join(b.dir, "aeod.log"))
	return err
}

// resident is the memory of aeod in MiB: with "RssAnon" its own, with "VmRSS" also the
// pages of its program.
func (b *bench) resident(kind string) float64 { return process.Memory(b.aeodd.PID(), kind) }

// metrics calls f with each sample of aeod's metrics whose name and labels begin
// with prefix.
func (b *bench) metrics(prefix string, f func(labels string, value float64)) {
	r, err := http.Get("http://" + b.pages + "/metrics")
	if err != nil {
		return
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), prefix)
		if !ok {
			continue
		}
		cut := strings.LastIndex(rest, " ")
		if value, err := strconv.ParseFloat(rest[cut+1:], 64); err == nil {
			f(rest[:cut], value)
		}
	}
}

// verified counts the Applications that aeod says to have verified since a time.
func (b *bench) verified(since time.Time) (n int) {
	b.metrics("aeo_deliver_last_verified_timestamp_seconds{", func(_ string, at float64) {
		if at >= float64(since.UnixMilli())/1000 {
			n++
		}
	})
	return n
}

// reach waits until a count reaches n. Counting may cost the machine that is
// measured something: it is done less often the longer it takes.
func reach(ctx context.Context, n int, limit time.Duration, count func() int) (time.Duration, error) {
	began := time.Now()
	for {
		asked := time.Now()
		got := count()
		if got >= n {
			return time.Since(began), nil
		}
		if time.Since(began) > limit {
			return 0, fmt.Errorf("%d of %d after %s", got, n, limit)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(max(50*time.Millisecond, 20*time.Since(asked))):
		}
	}
}

func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil // the values are this program's own
	}
	return text
}

func writes(p *faultproxy.Proxy) int { return p.Count(faultproxy.Writes()...) }
