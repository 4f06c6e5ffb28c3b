package gitops

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

// suite is what the scenarios of one run share: a cluster, one aeod for most of
// them, and the proxy between the two.
type suite struct {
	cluster *cluster.Cluster
	proxy   *faultproxy.Proxy
	client  dynamic.Interface
	aeod    *daemon
	book    *book
	audit   *audit
	exe     string
	dir     string
	config  string
	shelf   shelf
}

// The namespace of the Applications that the shared aeod looks at.
const shared = "applications"

// scenarioTime is what a scenario may take; only one that hangs needs it.
const scenarioTime = 90 * time.Second

// newSuite starts one, with a simulated node if the options don't say another number.
func newSuite(t *testing.T, options ...cluster.Option) *suite {
	t.Helper()
	s := &suite{dir: t.TempDir()}
	var err error
	if s.exe, err = build(s.dir); err != nil {
		t.Fatal(err)
	}
	s.cluster = cluster.Start(t, append([]cluster.Option{cluster.WithSimulatedNodes(1)}, options...)...)
	s.proxy = s.cluster.Proxy(t)
	s.client, err = dynamic.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.audit = &audit{log: s.cluster.AuditLog()}
	s.config = filepath.Join(s.dir, "kubeconfig")
	if err := cluster.WriteKubeconfig(s.config, s.cluster.ProxyConfig(s.proxy)); err != nil {
		t.Fatal(err)
	}
	s.definitions(t)
	for _, ns := range []string{"autoecoops", shared} {
		s.create(t, resources["Namespace"], "", obj("v1", "Namespace", "", ns))
	}
	dir := filepath.Join(s.dir, "shared")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if s.aeod, err = launch(s.exe, dir, s.config, "--watch-namespace", shared, "--leader-elect=false"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.aeod.end)
	s.aeod.logged(t, `"working"`)
	s.book = openBook(s.aeod.ledger)
	t.Cleanup(func() {
		if err := s.book.close(); err != nil {
			t.Errorf("close the ledger: %v", err)
		}
	})
	return s
}

// definitions installs the custom resources as the installation does.
func (s *suite) definitions(t *testing.T) {
	t.Helper()
	for _, name := range []string{"applications", "releases"} {
		text, err := os.ReadFile("../../deploy/crds/autoecoops.io_" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		s.create(t, resources["CustomResourceDefinition"], "", parse(t, string(text)))
		await(t, time.Minute, name+" are served", func() string {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := s.client.Resource(schema.GroupVersionResource{Group: "autoecoops.io", Version: "v1alpha1", Resource: name}).List(ctx, metav1.ListOptions{})
			return said(err)
		})
	}
}

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// create makes an object, and tries again while the API server is not ready for
// it.
func (s *suite) create(t *testing.T, r schema.GroupVersionResource, ns string, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	var made *unstructured.Unstructured
	await(t, 30*time.Second, fmt.Sprintf("create %s %s", o.GetKind(), o.GetName()), func() string {
		var err error
		made, err = s.client.Resource(r).Namespace(ns).Create(t.Context(), o, metav1.CreateOptions{})
		return said(err)
	})
	return made
}

// resources are where the kinds are that scenarios use.
var resources = map[string]schema.GroupVersionResource{
	"Namespace":                {Version: "v1", Resource: "namespaces"},
	"ConfigMap":                {Version: "v1", Resource: "configmaps"},
	"Secret":                   {Version: "v1", Resource: "secrets"},
	"Service":                  {Version: "v1", Resource: "services"},
	"ServiceAccount":           {Version: "v1", Resource: "serviceaccounts"},
	"PersistentVolumeClaim":    {Version: "v1", Resource: "persistentvolumeclaims"},
	"ResourceQuota":            {Version: "v1", Resource: "resourcequotas"},
	"Pod":                      {Version: "v1", Resource: "pods"},
	"Node":                     {Version: "v1", Resource: "nodes"},
	"Event":                    {Version: "v1", Resource: "events"},
	"Lease":                    {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
	"Deployment":               {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":              {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"Job":                      {Group: "batch", Version: "v1", Resource: "jobs"},
	"Role":                     {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":              {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"ClusterRoleBinding":       {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"HorizontalPodAutoscaler":  {Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
	"CustomResourceDefinition": {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	"Application":              {Group: "autoecoops.io", Version: "v1alpha1", Resource: "applications"},
	"Release":                  {Group: "autoecoops.io", Version: "v1alpha1", Resource: "releases"},

	"ValidatingAdmissionPolicy":        {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"},
	"ValidatingAdmissionPolicyBinding": {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicybindings"},
}

// clusterScoped are those of them that are in no namespace.
var clusterScoped = map[string]bool{"Namespace": true, "Node": true, "ClusterRoleBinding": true, "CustomResourceDefinition": true}

// resource finds a kind; one that is not listed is a custom resource.
func resource(o *unstructured.Unstructured) schema.GroupVersionResource {
	if r, ok := resources[o.GetKind()]; ok {
		return r
	}
	gv := o.GroupVersionKind()
	return schema.GroupVersionResource{Group: gv.Group, Version: gv.Version, Resource: plural(gv.Kind)}
}

func obj(apiVersion, kind, ns, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetName(name)
	if ns != "" {
		o.SetNamespace(ns)
	}
	return o
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.UnmarshalJSON(asJSON); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return o
}
