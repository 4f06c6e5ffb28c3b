package watch

import (
	"regexp"
	"strings"
)

// rename sets a label to the first group of a form, where the whole of another label has
// that form. Where the group is empty, the label is taken away.
type rename struct {
	to, from, form string
	// back is the form of the other label for a VALUE of this one, "" if it is the same.
	back string
}

func (r rename) apply(expr string) string {
	return "label_replace(" + expr + `, "` + r.to + `", "$1", "` + r.from + `", "` + r.form + `")`
}

// given takes what a metric says itself where its scraper, which had a label of that name
// too, called it exported_NAME, as Prometheus does.
func given(label string) rename { return rename{to: label, from: "exported_" + label, form: "(.+)"} }

// told are the matchers of the series of which a label has a value after renaming.
func told(own []rename, label, value string) (all []string) {
	as, has := label+"="+quote(value), true
	for _, r := range own {
		if r.to != label {
			continue
		}
		other := r.from + "=" + quote(value)
		if r.back != "" {
			other = r.from + "=~" + quote(strings.ReplaceAll(r.back, "VALUE", regexp.QuoteMeta(value)))
		}
		all = append(all, other)
		as, has = as+","+r.from+`=""`, r != byProxy
	}
	if has {
		all = append(all, as)
	}
	return all
}

// ofPod is the name of a pod's workload: that of its Deployment without the two suffixes,
// of its StatefulSet without the ordinal, of its DaemonSet or Job without the one. Pods
// come and go; workloads stay.
var ofPod = rename{to: "workload", from: "pod", form: "(.+?)(?:(?:-[a-f0-9]{6,10})?-[a-z0-9]{5}|-[0-9]+)?"}

// byProxy tells proxies apart that tell of the same: whoever is scraped.
var byProxy = rename{to: "proxy", from: "job", form: "(.+)"}

// collected are for what a collector of OpenTelemetry hands on for others: if it is scraped,
// the job that each metric names is not its own.
var collected = []rename{
	{"namespace", "exported_job", "(?:(.+)/)?[^/]+", "VALUE/[^/]+"},
	{"workload", "exported_job", "(?:.*/)?([^/]+)", "(.*/)?VALUE"},
}

// place is a label that tells the namespace.
type place struct {
	label string
	// form is a regular expression with NAMESPACE in it, "" if the label is the
	// namespace.
	form string
}

// matcher selects what is in a namespace.
func (p place) matcher(namespace string) string {
	if p.form == "" {
		return p.label + "=" + quote(namespace)
	}
	return p.label + "=~" + quote(strings.ReplaceAll(p.form, "NAMESPACE", regexp.QuoteMeta(namespace)))
}

// The jobs of OpenTelemetry, and those that aeod names, are the namespace and the name.
const jobOf = "NAMESPACE/[^/]+"

// usualPlaces are in the order in which a signal believes them.
var usualPlaces = []place{
	{label: "k8s_namespace_name"}, {label: "service_namespace"}, {label: "exported_namespace"},
	{label: "namespace"}, {label: "kubernetes_namespace"}, {"job", jobOf},
}

// collectedPlaces are those of what a collector may have handed on.
var collectedPlaces = []place{
	{label: "k8s_namespace_name"}, {label: "service_namespace"}, {label: "exported_namespace"}, {"exported_job", jobOf},
	{label: "namespace"}, {label: "kubernetes_namespace"}, {"job", jobOf},
}

// handedOn are those of what is never of whoever is scraped.
var handedOn = []place{
	{label: "k8s_namespace_name"}, {label: "service_namespace"}, {label: "exported_namespace"}, {"exported_job", jobOf}, {"job", jobOf},
}

// givenPlaces are those of a metric that has its namespace as a label.
var givenPlaces = []place{{label: "exported_namespace"}, {label: "namespace"}}

// traefikPlaces: its services of Kubernetes are named NAMESPACE-SERVICE-PORT@kubernetes….
// Where a namespace's name begins with another's, its services are found with both.
var traefikPlaces = []place{{"exported_service", traefikForm}, {"service", traefikForm}}

const traefikForm = "NAMESPACE-.+@kubernetes.*"

// envoyPlaces: clusters are named as who configures Envoy names them; by Contour
// NAMESPACE/SERVICE/…, by Envoy Gateway httproute/NAMESPACE/ROUTE/…, by Istio and Consul as
// in DNS.
var envoyPlaces = []place{{"envoy_cluster_name", "([a-z]+route/)?NAMESPACE/.+|.+[.]NAMESPACE[.].+"}}
