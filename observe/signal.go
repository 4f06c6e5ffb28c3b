package observe

import (
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/observe/watch"
)

// Signal is one series of a watch.
type Signal struct {
	Watch  watch.Watch
	Labels map[string]string
}

// ID names a signal in eight letters, the same wherever it is seen.
func (s Signal) ID() string {
	h := fnv.New64a()
	h.Write([]byte(s.Watch.Name + "\x00" + canonical(s.Labels)))
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// canonical writes labels the same way always, so that no two sets are written
// alike.
func canonical(labels map[string]string) string {
	var k key
	k.labels(labels)
	return string(k.text)
}

// key is where labels are written. One that is used again takes no new memory.
type key struct {
	text  []byte
	names []string
}

// of writes the name of a watch and labels, by which a signal is known.
func (k *key) of(watch string, labels map[string]string) {
	k.text = append(k.text[:0], watch...)
	k.text = append(k.text, 0)
	k.labels(labels)
}

func (k *key) labels(labels map[string]string) {
	k.names = k.names[:0]
	for name := range labels {
		k.names = append(k.names, name)
	}
	slices.Sort(k.names)
	for _, name := range k.names {
		if v := labels[name]; v != "" {
			k.text = append(k.text, name...)
			k.text = append(k.text, 1)
			k.text = append(k.text, v...)
			k.text = append(k.text, 2)
		}
	}
}

// The labels that may say it, in the order of how much they are to be believed.
var (
	namespaceLabels = []string{
		"destination_workload_namespace", "k8s_namespace_name", "service_namespace", "exported_namespace", "namespace", "kubernetes_namespace",
	}
	// What a metric says itself goes before the workload, which is whom aeod scraped.
	workloadLabels = []string{
		"destination_workload", "k8s_deployment_name", "deployment", "statefulset", "daemonset", "service_name", "workload", "app_kubernetes_io_name",
		"app", "exported_service", "service", "ingress", "envoy_cluster_name", "container", "job",
	}
)

// NamespaceLabels are the labels that may say where the workload of a signal is, the most
// trustworthy first, and WorkloadLabels those that may say whose it is.
func NamespaceLabels() []string { return slices.Clone(namespaceLabels) }

// WorkloadLabels are described at NamespaceLabels.
func WorkloadLabels() []string { return slices.Clone(workloadLabels) }

// Namespace is where the workload of a signal is, "" if neither its watch nor a label
// says.
func (s Signal) Namespace() string {
	if s.Watch.Namespace != "" {
		return s.Watch.Namespace
	}
	if ns := first(s.Labels, namespaceLabels); ns != "" {
		return ns
	}
	if ns, name, ok := strings.Cut(s.Labels["job"], "/"); ok && name == s.Workload() {
		return ns
	}
	return ""
}

// Workload is whose a signal is, "" if neither a label nor its watch says.
func (s Signal) Workload() string {
	name := first(s.Labels, workloadLabels)
	if name == "" {
		return s.Watch.Workload
	}
	// The job of OpenTelemetry is its namespace and name.
	if _, after, ok := strings.Cut(name, "/"); ok && name == s.Labels["job"] {
		return after
	}
	return name
}

// Of is the workload with its namespace, for people.
func (s Signal) Of() string {
	ns, w := s.Namespace(), s.Workload()
	switch {
	case w == "":
		w = "(nobody's)"
	case ns != "":
		return ns + "/" + w
	}
	return w
}

// Rest are the labels that tell signals of one workload apart, as "name=value".
func (s Signal) Rest() []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		if !slices.Contains(namespaceLabels, k) && !slices.Contains(workloadLabels, k) || k == "container" || k == "ingress" {
			out = append(out, k+"="+s.Labels[k])
		}
	}
	return out
}

// first is the first label that says something: the name that OpenTelemetry gives to who
// has none says nothing.
func first(labels map[string]string, names []string) string {
	for _, n := range names {
		if v := labels[n]; v != "" && !strings.HasPrefix(v, "unknown_service") {
			return v
		}
	}
	return ""
}
