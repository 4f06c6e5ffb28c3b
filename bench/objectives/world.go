package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/bench/workers"
	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/process"
)

var (
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	objectives  = schema.GroupVersionResource{Group: "autoecoops.io", Version: "v1alpha1", Resource: "objectives"}
)

// name is that of objective i.
func name(i int) string { return fmt.Sprintf("svc-%05d", i) }

// space is the namespace of objective i.
func (b *bench) space(i int) string { return fmt.Sprintf("team-%03d", i%b.namespaces) }

// objective is that of service i: 99.9 % of its requests in 30 days, with the
// usual tiers.
func (b *bench) objective(i int) *unstructured.Unstructured {
	selector := fmt.Sprintf(`requests_total{service="%s"}`, name(i))
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "autoecoops.io/v1alpha1", "kind": "Objective", "metadata": map[string]any{"name": name(i), "namespace": b.space(i)},
		"spec": map[string]any{
			"service": name(i), "target": "99.9%", "period": map[string]any{"rolling": "30d"},
			"indicator": map[string]any{"total": selector, "bad": strings.TrimSuffix(selector, "}") + `,code=~"5.."}`},
		},
	}}
}

// prepare installs the definitions and makes the Objectives.
func (b *bench) prepare(ctx context.Context) error {
	for _, kind := range []string{"applications", "releases", "objectives"} {
		text, err := os.ReadFile("deploy/crds/autoecoops.io_" + kind + ".yaml")
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
	names := []string{"autoecoops"}
	for i := range b.namespaces {
		names = append(names, b.space(i))
	}
	for _, ns := range names {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns}}}
		if _, err := b.client.Resource(namespaces).Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	began := time.Now()
	err := workers.Each(b.objectives, 32, func(i int) error {
		for {
			_, err := b.client.Resource(objectives).Namespace(b.space(i)).Create(ctx, b.objective(i), metav1.CreateOptions{})
			// Right after its definition a kind is not served yet.
			if !apierrors.IsNotFound(err) || time.Since(began) > time.Minute {
				return err
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	b.results.Note("objectives are made", time.Since(began).Seconds(), "s")
	return err
}

// start starts aeod.
func (b *bench) start() error {
	config := b.cluster.Config()
	config.QPS = -1
	file := filepath.Join(b.dir, "kubeconfig")
	if err := cluster.WriteKubeconfig(file, config); err != nil {
		return err
	}
	cmd := exec.Command(b.aeod, "--kubeconfig", file, "--ledger", filepath.Join(b.dir, "ledger.db"), "--cache-dir", filepath.Join(b.dir, "cache"),
		"--listen", b.pages, "--allow-http", "--leader-elect=false", "--namespace", "autoecoops",
		"--prometheus", b.source.URL, "--prometheus-scrape-interval", scrape.String(), "--alertmanager", "http://"+b.alertsURL)
	var err error
	b.aeodd, err = process.NewLauncher().Launch("aeod", cmd, filepath.Join(b.dir, "aeod.log"))
	return err
}

// written is how many writes of Objectives the API server has taken or refused.
func (b *bench) written(ctx context.Context) (float64, error) {
	config := b.cluster.Config()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return 0, err
	}
	n := 0.0
	err = lines(ctx, client, config.Host+"/metrics", func(line string, value float64) {
		if strings.HasPrefix(line, "apiserver_request_total{") && strings.Contains(line, `resource="objectives"`) && strings.Contains(line, `subresource="status"`) {
			n += value
		}
	})
	return n, err
}
