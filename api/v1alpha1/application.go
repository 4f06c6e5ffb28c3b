package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Application says what to sync, from where, to where, with which gate.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=aeoapp,categories=autoecoops
// +kubebuilder:printcolumn:name="Synced",type=string,JSONPath=`.status.conditions[?(@.type=="Synced")].status`
// +kubebuilder:printcolumn:name="Health",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`
// +kubebuilder:printcolumn:name="Gated",type=string,JSONPath=`.status.conditions[?(@.type=="Gated")].status`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="the name is a label value on every managed object: at most 63 characters"
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ApplicationSpec   `json:"spec"`
	Status ApplicationStatus `json:"status,omitempty"`
}

// ApplicationSpec is what a user asks for.
//
// +kubebuilder:validation:XValidation:rule="has(self.source) != has(self.observe)",message="set source (managed by us) or observe (managed by another tool), not both"
type ApplicationSpec struct {
	// Source is where the desired objects come from.
	// +optional
	Source *Source `json:"source,omitempty"`
	// Observe names an object of another tool (an Argo CD Application, a Flux
	// Kustomization or HelmRelease) that is shown here but never written. The
	// newest revision of its source is judged by the gate, where it can be
	// rendered here.
	// +optional
	Observe *ObjectReference `json:"observe,omitempty"`
	// Namespace is where namespaced objects go that name none; the
	// Application's own namespace if empty.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// ServiceAccountName is the account in the Application's namespace that
	// every write is made as. If empty, the operator's default account is.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`
	// +optional
	Gate Gate `json:"gate,omitempty"`
	// +optional
	Sync SyncPolicy `json:"sync,omitempty"`
	// DependsOn lists objects of any kind that must be ready before a
	// revision is applied.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	DependsOn []Dependency `json:"dependsOn,omitempty"`
	// Ignore lists fields that are left to others: they are not applied, and a
	// change of them is no drift.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Ignore []IgnoreRule `json:"ignore,omitempty"`
	// +optional
	Health HealthPolicy `json:"health,omitempty"`
	// +optional
	Rollback RollbackPolicy `json:"rollback,omitempty"`
	// Monitors are expressions that are followed for anomalies, besides what is found by
	// itself.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Monitors []Monitor `json:"monitors,omitempty"`
	// Substitute fills ${VARIABLES} in the rendered text.
	// +optional
	Substitute *Substitution `json:"substitute,omitempty"`
	// Decryption names a Secret in the Application's namespace with age
	// identities for SOPS-encrypted files.
	// +optional
	Decryption *LocalReference `json:"decryption,omitempty"`
	// Suspend stops everything but the status of what was observed.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Monitor is an expression that is followed for anomalies by whoever keeps metrics
// (aeod --metrics-dir). Each series of its answer is a signal of the Application, which is
// judged by its own past.
type Monitor struct {
	// Name is what it is called.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Expr is PromQL, as in sum(queue_length{namespace="shop"}). At most 100 series of
	// its answer are followed.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Expr string `json:"expr"`
	// Worse says which way is told: Higher, Lower, or both if it is left out.
	// +optional
	// +kubebuilder:validation:Enum=Higher;Lower
	Worse string `json:"worse,omitempty"`
	// LeastChange is how far from what was expected a value must be to be told, in units
	// of the expression, as in "0.5".
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?(e[+-]?[0-9]{1,2})?$`
	LeastChange string `json:"leastChange,omitempty"`
	// Unit stands behind values: s, bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Unit string `json:"unit,omitempty"`
}

// Source is one place of desired objects.
//
// +kubebuilder:validation:XValidation:rule="has(self.git) != has(self.oci)",message="set one of git and oci"
type Source struct {
	// +optional
	Git *GitSource `json:"git,omitempty"`
	// +optional
	OCI *OCISource `json:"oci,omitempty"`
	// Path is the folder with a kustomization, a chart or plain manifests;
	// the top if empty.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.split('/').exists(p, p == '..')",message="a path below the repository's top, without .."
	Path string `json:"path,omitempty"`
	// Helm says how to render a chart; only for a folder with a Chart.yaml.
	// +optional
	Helm *HelmOptions `json:"helm,omitempty"`
}

// GitSource is a Git repository and what of it to follow.
//
// +kubebuilder:validation:XValidation:rule="[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(x, x).size() <= 1",message="set at most one of branch, tag, semver and commit"
type GitSource struct {
	// URL is https://…, ssh://…, user@host:path or file:///….
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|ssh|file)://') || self.matches('^[A-Za-z0-9._-]+@[^:/]+:[^:]')",message="an https, ssh or file address, or user@host:path"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/@]*:[^/@]*@')",message="no password in the address, where everybody who may read the Application sees it: put it into a Secret, and name that in secret"
	URL string `json:"url"`
	// Branch, Tag, Semver and Commit choose the revision; the remote's HEAD
	// if none is set.
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Branch string `json:"branch,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Tag string `json:"tag,omitempty"`
	// Semver is a range over the tags, such as ">=1.2 <2".
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Semver string `json:"semver,omitempty"`
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{40}([0-9a-f]{24})?$`
	Commit string `json:"commit,omitempty"`
	// Secret holds credentials: username and password, bearerToken,
	// identity and known_hosts, or caFile.
	// +optional
	Secret *LocalReference `json:"secret,omitempty"`
	// Interval is how often to look without being told to; 3m if unset.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="at least 1s"
	Interval *metav1.Duration `json:"interval,omitempty"`
	// Verify asks for signed commits.
	// +optional
	Verify *Verification `json:"verify,omitempty"`
}

// OCISource is an artifact in a registry, as flux push artifact, oras push and
// helm push make them. The tag latest is followed if no other is named.
//
// +kubebuilder:validation:XValidation:rule="[has(self.tag), has(self.semver), has(self.digest)].filter(x, x).size() <= 1",message="set at most one of tag, semver and digest"
type OCISource struct {
	// URL is oci://host/repository.
	// +kubebuilder:validation:Pattern=`^oci://.+`
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url"`
	// Tag, Semver and Digest choose the artifact.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Tag string `json:"tag,omitempty"`
	// Semver is a range over the tags, such as ">=1.2 <2".
	// +optional
	// +kubebuilder:validation:MaxLength=255
	Semver string `json:"semver,omitempty"`
	// Digest is that of the artifact's manifest.
	// +optional
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	Digest string `json:"digest,omitempty"`
	// Secret is of type kubernetes.io/dockerconfigjson, or holds username and
	// password; caFile in it is trusted instead of the system's certificates.
	// +optional
	Secret *LocalReference `json:"secret,omitempty"`
	// Interval is how often to look without being told to; 3m if unset.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="at least 1s"
	Interval *metav1.Duration `json:"interval,omitempty"`
}

// HelmOptions say how to render a chart.
type HelmOptions struct {
	// ReleaseName is the Application's name if empty.
	// +optional
	// +kubebuilder:validation:MaxLength=53
	ReleaseName string `json:"releaseName,omitempty"`
	// ValuesFiles are paths below the repository's top, in rising precedence.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	ValuesFiles []string `json:"valuesFiles,omitempty"`
	// Values stand above all files.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	Values *apiextensionsv1.JSON `json:"values,omitempty"`
}

// Verification says whose signatures count.
type Verification struct {
	// Mode says what must be signed: the commit (head), the tag, or both.
	// +kubebuilder:validation:Enum=head;tag;tagAndHead
	// +kubebuilder:default=head
	Mode string `json:"mode,omitempty"`
	// Secret holds trusted keys: *.asc (OpenPGP), allowed_signers (SSH),
	// *.pem (X.509 roots).
	Secret LocalReference `json:"secret"`
}

// Gate says which findings refuse a revision.
type Gate struct {
	// FailOn is the severity from which a finding refuses; high if empty.
	// +optional
	// +kubebuilder:validation:Enum=critical;high;medium;low;never
	FailOn string `json:"failOn,omitempty"`
	// FailOnUnknown refuses what could not be evaluated too.
	// +optional
	FailOnUnknown bool `json:"failOnUnknown,omitempty"`
	// Skip lists ids of checks that are not asked.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Skip []string `json:"skip,omitempty"`
	// PodSecurity is level@version, such as restricted@v1.37, where no label
	// of the namespace says it.
	// +optional
	// +kubebuilder:validation:Pattern=`^(privileged|baseline|restricted)(@(latest|v1\.[0-9]+))?$`
	PodSecurity string `json:"podSecurity,omitempty"`
}

// SyncPolicy says what the operator may do by itself.
type SyncPolicy struct {
	// Manual waits for `aeo app sync` before a new revision is applied.
	// +optional
	Manual bool `json:"manual,omitempty"`
	// DriftMode is heal (default) or report.
	// +optional
	// +kubebuilder:validation:Enum=heal;report
	DriftMode string `json:"driftMode,omitempty"`
	// Prune deletes what a verified render no longer contains; true if unset.
	// +optional
	Prune *bool `json:"prune,omitempty"`
	// MaxDeletePercent is the largest share of the inventory that one sync may
	// delete; 50 if unset. A single object may always be deleted if others stay.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MaxDeletePercent *int32 `json:"maxDeletePercent,omitempty"`
	// AllowEmpty lets a render without any object empty the application.
	// +optional
	AllowEmpty bool `json:"allowEmpty,omitempty"`
	// OnDelete says what becomes of the objects when the Application is
	// deleted: delete (default) or keep.
	// +optional
	// +kubebuilder:validation:Enum=delete;keep
	OnDelete string `json:"onDelete,omitempty"`
}

// Dependency is an object that must be ready first.
type Dependency struct {
	ObjectReference `json:",inline"`
	// Ready is a CEL expression over object; the usual health if empty.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Ready string `json:"ready,omitempty"`
}

// ObjectReference names one object.
type ObjectReference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Namespace is the Application's if empty and the kind is namespaced.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// LocalReference names an object in the Application's namespace.
type LocalReference struct {
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
}

// IgnoreRule leaves fields of some objects to others.
//
// +kubebuilder:validation:XValidation:rule="has(self.fields) || has(self.managers)",message="say which fields, or the fields of which managers"
type IgnoreRule struct {
	// Group, Kind, Namespace and Name narrow the rule; empty matches all.
	// +optional
	Group string `json:"group,omitempty"`
	// +optional
	Kind string `json:"kind,omitempty"`
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// +optional
	Name string `json:"name,omitempty"`
	// Fields are JSON pointers; a segment * matches every item.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Fields []string `json:"fields,omitempty"`
	// Managers are field managers whose fields are left to them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Managers []string `json:"managers,omitempty"`
}

// HealthPolicy says how long to wait for health and how to tell it.
type HealthPolicy struct {
	// Deadline is how long a release may take to become healthy; 5m if unset.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="at least 1s"
	Deadline *metav1.Duration `json:"deadline,omitempty"`
	// Watch is how long a healthy release must stay so; 2m if unset.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s')",message="not below 0s"
	Watch *metav1.Duration `json:"watch,omitempty"`
	// Expressions tell the health of kinds of your own, in CEL over object.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Expressions []HealthExpression `json:"expressions,omitempty"`
}

// HealthExpression tells the health of one kind.
type HealthExpression struct {
	// +optional
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind"`
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Healthy string `json:"healthy,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Failed string `json:"failed,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Progressing string `json:"progressing,omitempty"`
}

// RollbackPolicy says what happens when a release fails.
type RollbackPolicy struct {
	// Disabled leaves a failed release as it is.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
	// PullRequest opens one revert pull request at the forge.
	// +optional
	PullRequest *RevertRequest `json:"pullRequest,omitempty"`
}

// RevertRequest says where a revert pull request is opened.
type RevertRequest struct {
	// Forge is github, gitlab or gitea.
	// +kubebuilder:validation:Enum=github;gitlab;gitea
	Forge string `json:"forge"`
	// URL is the API's address; the forge's public one if empty.
	// +optional
	URL string `json:"url,omitempty"`
	// Repository is owner/name.
	// +kubebuilder:validation:Pattern=`^[^/]+(/[^/]+)+$`
	Repository string `json:"repository"`
	// Secret holds the token under the key token.
	Secret LocalReference `json:"secret"`
}

// Substitution fills variables in the rendered text.
type Substitution struct {
	// +optional
	Variables map[string]string `json:"variables,omitempty"`
	// From lists ConfigMaps and Secrets of the Application's namespace, in
	// rising precedence; variables stand above them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	From []VariableSource `json:"from,omitempty"`
	// Lenient leaves unknown variables without a default empty.
	// +optional
	Lenient bool `json:"lenient,omitempty"`
}

// VariableSource is a ConfigMap or Secret with variables.
type VariableSource struct {
	// +kubebuilder:validation:Enum=ConfigMap;Secret
	Kind string `json:"kind"`
	Name string `json:"name"`
	// +optional
	Optional bool `json:"optional,omitempty"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Application `json:"items"`
}
