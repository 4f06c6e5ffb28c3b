package identity

import "strings"

// Key names a service: what the three kinds of telemetry are joined by.
type Key struct {
	// Environment is production, staging, ...; "" where nobody says.
	Environment string `json:"environment,omitempty"`
	// Namespace is the group of services, else the Kubernetes namespace.
	Namespace string `json:"namespace,omitempty"`
	// Service is the name; "" means that it cannot be told.
	Service string `json:"service"`
}

// Known reports whether the key names a service.
func (k Key) Known() bool { return k.Service != "" }

// String returns "environment:namespace/service" without what is empty.
func (k Key) String() string {
	s := k.Service
	if s == "" {
		s = "unknown"
	}
	if k.Namespace != "" {
		s = k.Namespace + "/" + s
	}
	if k.Environment != "" {
		s = k.Environment + ":" + s
	}
	return s
}

// Identity is all that is known of the process that telemetry comes from.
type Identity struct {
	Key
	// Instance tells the copies of a service apart: the pod where there is one.
	Instance string `json:"instance,omitempty"`
	// KubeNamespace, Pod and Workload are Kubernetes' names.
	KubeNamespace string `json:"kubeNamespace,omitempty"`
	Pod           string `json:"pod,omitempty"`
	Workload      string `json:"workload,omitempty"`
}

// The names under which each part is told, the most trustworthy first. A name
// with a dot is also looked for with underscores, as Prometheus writes it.
var (
	serviceNames = [...]string{"service.name", "service", "app.kubernetes.io/name"}
	// Names that a workload has though nobody named its service.
	labelNames       = [...]string{"app", "k8s-app"}
	workloadNames    = [...]string{"k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name", "deployment", "statefulset", "daemonset", "cronjob"}
	containerNames   = [...]string{"k8s.container.name", "container"}
	groupNames       = [...]string{"service.namespace"}
	namespaceNames   = [...]string{"k8s.namespace.name", "exported_namespace", "namespace"}
	podNames         = [...]string{"k8s.pod.name", "exported_pod", "pod", "pod_name"}
	instanceNames    = [...]string{"service.instance.id", "exported_instance", "instance", "host.name"}
	environmentNames = [...]string{"deployment.environment.name", "deployment.environment", "environment", "env"}
	jobNames         = [...]string{"exported_job", "job"}
)

// Names lists every name that Of asks for, as telemetry writes it: so that a
// reader can drop all other attributes unread.
func Names() []string {
	var all []string
	for _, list := range [][]string{serviceNames[:], labelNames[:], workloadNames[:], containerNames[:], groupNames[:], namespaceNames[:], podNames[:], instanceNames[:], environmentNames[:], jobNames[:]} {
		for _, n := range list {
			all = append(all, n)
			if s := sanitised(n); s != n {
				all = append(all, s)
			}
		}
	}
	return all
}

// Of returns the identity that get tells: the value of an attribute or label,
// "" where it is not set.
func Of(get func(name string) string) Identity {
	var id Identity
	id.Workload = first(get, workloadNames[:])
	id.Pod = first(get, podNames[:])
	id.KubeNamespace = first(get, namespaceNames[:])
	id.Environment = first(get, environmentNames[:])
	id.Namespace = first(get, groupNames[:])
	id.Service = named(get, serviceNames[:])
	group, job := splitJob(first(get, jobNames[:]))
	if id.Service == "" && group != "" {
		id.Service = job
	}
	if id.Namespace == "" && group != "" && job == id.Service {
		id.Namespace = group
	}
	for _, fallback := range [...]string{named(get, labelNames[:]), id.Workload, owner(id.Pod), first(get, containerNames[:]), job} {
		if id.Service == "" {
			id.Service = fallback
		}
	}
	if id.Namespace == "" {
		id.Namespace = id.KubeNamespace
	}
	id.Instance = first(get, instanceNames[:])
	if id.Pod != "" {
		id.Instance = id.Pod
	}
	return id
}

// FromMap is Of for a set of labels or attributes.
func FromMap(m map[string]string) Identity { return Of(func(n string) string { return m[n] }) }

func first(get func(string) string, names []string) string {
	for _, n := range names {
		if v := Clean(get(n)); v != "" {
			return v
		}
		if s := sanitised(n); s != n {
			if v := Clean(get(s)); v != "" {
				return v
			}
		}
	}
	return ""
}

// named is first without the stand-in that SDKs use for a name.
func named(get func(string) string, names []string) string {
	v := first(get, names)
	if v == "unknown_service" || strings.HasPrefix(v, "unknown_service:") {
		return ""
	}
	return v
}

// sanitised is a name as Prometheus' exporters write it.
func sanitised(name string) string {
	if !strings.ContainsAny(name, "./-") {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '/' || r == '-' {
			return '_'
		}
		return r
	}, name)
}

// splitJob takes job="namespace/name" apart. The jobs of Kubernetes' own example
// scrape configuration name no service.
func splitJob(job string) (group, name string) {
	group, name, found := strings.Cut(job, "/")
	group, name = Clean(group), Clean(name)
	if found && group != "" && name != "" && !strings.Contains(name, "/") {
		return group, name
	}
	if strings.HasPrefix(job, "kubernetes-") {
		return "", ""
	}
	return "", job
}

// owner is the workload that a pod's generated name tells: web-5d9f7c6b8-x2x4z
// is of web. "" if the name is not a generated one.
func owner(pod string) string {
	rest, last, ok := cutLast(pod)
	if !ok || len(last) != 5 || !generated(last) {
		return ""
	}
	base, hash, ok := cutLast(rest)
	if !ok || len(hash) < 6 || len(hash) > 10 || !generated(hash) {
		return ""
	}
	return base
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// generated reports whether s consists of the letters that Kubernetes makes
// names of.
func generated(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("bcdfghjklmnpqrstvwxz2456789", r) })
}
