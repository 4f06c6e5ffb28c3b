package graph

import "github.com/autoecoops/autoecoops/graph/tree"

// EdgeKind says what one object has to do with another.
type EdgeKind string

// The kinds of edges. The name reads from the source to the target: a Service
// selects a workload, a workload uses a ConfigMap.
const (
	Selects    EdgeKind = "selects"     // Service, PodMonitor, PodDisruptionBudget → workload; ServiceMonitor → Service
	Isolates   EdgeKind = "isolates"    // NetworkPolicy → workload whose traffic it restricts
	Scales     EdgeKind = "scales"      // HorizontalPodAutoscaler, VerticalPodAutoscaler, ScaledObject → workload
	Routes     EdgeKind = "routes"      // Ingress, HTTPRoute and other routes → Service
	AttachesTo EdgeKind = "attaches-to" // route → Gateway
	Uses       EdgeKind = "uses"        // anything → ConfigMap or Secret it reads
	Mounts     EdgeKind = "mounts"      // workload → PersistentVolumeClaim
	RunsAs     EdgeKind = "runs-as"     // workload → ServiceAccount
	Grants     EdgeKind = "grants"      // RoleBinding, ClusterRoleBinding → Role, ClusterRole
	Binds      EdgeKind = "binds"       // RoleBinding, ClusterRoleBinding → ServiceAccount
	Governs    EdgeKind = "governs"     // StatefulSet → its headless Service
	Owns       EdgeKind = "owns"        // owner → object with its ownerReference
	Defines    EdgeKind = "defines"     // CustomResourceDefinition → custom resource
	Produces   EdgeKind = "produces"    // ExternalSecret, SealedSecret, Certificate → the Secret it makes (as a Claim)
	Aggregates EdgeKind = "aggregates"  // ClusterRole → ClusterRole whose rules it takes in
	Calls      EdgeKind = "calls"       // webhook configuration, APIService → Service; a service seen in traces → another
	Reports    EdgeKind = "reports"     // workload → the service that its telemetry is of
)

// Edge is one relation, with the field that states it.
type Edge struct {
	Kind     EdgeKind
	From, To *Object
	// At is the field of From that states the relation.
	At tree.Node
}

// Reference is a relation whose target was named but not found.
type Reference struct {
	Kind EdgeKind
	From *Object
	// At is the field that names the target.
	At tree.Node
	// Target is what was named; APIVersion and Namespace may be empty.
	TargetKind, Namespace, Name string
	// Key is the entry of a ConfigMap or Secret that was named; if the object
	// exists and only the key is absent, Holder is the object.
	Key    string
	Holder *Object
	// Role tells uses of the same kind of target apart: env, envFrom, volume,
	// imagePullSecret, tls, backend, parent, target, subject, ...
	Role string
	// Optional means that the object says it can do without.
	Optional bool
}
