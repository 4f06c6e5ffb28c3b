package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The types of conditions of an Application. Ready sums up the others; Stalled
// is true when nothing will change until a person acts.
const (
	ConditionReady   = "Ready"
	ConditionSynced  = "Synced"
	ConditionHealthy = "Healthy"
	ConditionStalled = "Stalled"
	// ConditionGated tells of an observed application whether its newest revision
	// passes the gate.
	ConditionGated = "Gated"
)

// ApplicationStatus is what the operator saw and did.
type ApplicationStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Source is the revision that the source is at.
	// +optional
	Source *Revision `json:"source,omitempty"`
	// Sync is the revision that the cluster is at.
	// +optional
	Sync *Revision `json:"sync,omitempty"`
	// Active is the release in flight, until it is good, failed or superseded.
	// +optional
	Active *ActiveRelease `json:"active,omitempty"`
	// LastGood is the newest revision that was applied, became healthy and
	// stayed so.
	// +optional
	LastGood *Revision `json:"lastGood,omitempty"`
	// Quarantine lists revisions that are not tried again, the newest first.
	// +optional
	// +listType=atomic
	Quarantine []Quarantined `json:"quarantine,omitempty"`
	// Health sums up the objects.
	// +optional
	Health HealthStatus `json:"health,omitempty"`
	// Inventory lists the managed objects.
	// +optional
	// +listType=atomic
	Inventory []InventoryEntry `json:"inventory,omitempty"`
	// Drift lists differences that are left to be seen, for driftMode report.
	// +optional
	// +listType=atomic
	Drift []string `json:"drift,omitempty"`
	// Posture counts the findings of the revision in the cluster; of an observed
	// application's newest revision.
	// +optional
	Posture *Posture `json:"posture,omitempty"`
	// Handled are the values of request annotations that were acted on.
	// +optional
	Handled map[string]string `json:"handled,omitempty"`
	// Observed is what another tool says of an observed application.
	// +optional
	Observed *ObservedStatus `json:"observed,omitempty"`
	// Gate is what the gate said of the newest revision of an observed
	// application.
	// +optional
	Gate *Judged `json:"gate,omitempty"`
}

// Judged is what the gate said of a revision that is not applied here.
type Judged struct {
	Revision string `json:"revision"`
	// Settings is the digest of what shaped the verdict besides the revision.
	// +optional
	Settings string `json:"settings,omitempty"`
	// Verdict is passed, refused or unknown.
	// +kubebuilder:validation:Enum=passed;refused;unknown
	Verdict string `json:"verdict"`
	// Reason is that of the condition Gated.
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
	// Findings are those that refuse the revision, the worst first.
	// +optional
	// +listType=atomic
	Findings []Finding `json:"findings,omitempty"`
	// Time is when it was judged.
	Time metav1.Time `json:"time"`
	// Reported is when the verdict was put beside the commit, where a forge is
	// named.
	// +optional
	Reported *metav1.Time `json:"reported,omitempty"`
}

// The verdicts of a gate on a revision of an observed application.
const (
	VerdictPassed  = "passed"
	VerdictRefused = "refused"
	VerdictUnknown = "unknown"
)

// Revision is a commit (or artifact) and what it rendered to.
type Revision struct {
	// Revision is a commit id or an artifact's digest.
	Revision string `json:"revision"`
	// Ref is the branch or tag by which it was found.
	// +optional
	Ref string `json:"ref,omitempty"`
	// Digest is that of the rendered objects; Secret values are not part of it
	// in the clear.
	// +optional
	Digest string `json:"digest,omitempty"`
	// Settings is the digest of the part of the spec that shapes the objects.
	// +optional
	Settings string `json:"settings,omitempty"`
	// Release is the name of the Release.
	// +optional
	Release string `json:"release,omitempty"`
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// ActiveRelease is where the release in flight stands.
type ActiveRelease struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	// +optional
	Trigger string `json:"trigger,omitempty"`
	// Phase is that of the Release.
	Phase string `json:"phase"`
	// +optional
	Seen *metav1.MicroTime `json:"seen,omitempty"`
	// +optional
	Applied *metav1.MicroTime `json:"applied,omitempty"`
	// +optional
	Healthy *metav1.MicroTime `json:"healthy,omitempty"`
}

// Quarantined is a revision that is not tried again until Git changes or a
// person asks for it.
type Quarantined struct {
	Revision string `json:"revision"`
	// +optional
	Digest string `json:"digest,omitempty"`
	// Settings is the digest of the settings it was tried with.
	// +optional
	Settings string `json:"settings,omitempty"`
	// Reason is refused, failed, contested or rolled-back.
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	// +optional
	Release string      `json:"release,omitempty"`
	Time    metav1.Time `json:"time"`
}

// HealthStatus is a health in words.
type HealthStatus struct {
	// Status is healthy, progressing, failed, suspended, terminating or unknown.
	// +optional
	Status string `json:"status,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// InventoryEntry is one managed object.
type InventoryEntry struct {
	// ID is group/version/kind/namespace/name; group and namespace may be empty.
	ID string `json:"id"`
	// UID is that of the object that was applied.
	// +optional
	UID string `json:"uid,omitempty"`
	// Desired is the digest of the object as Git has it.
	// +optional
	Desired string `json:"desired,omitempty"`
	// Live is the digest of our fields in the API server's answer.
	// +optional
	Live string `json:"live,omitempty"`
	// Prune is since when the object is no longer in Git.
	// +optional
	Prune *metav1.Time `json:"prune,omitempty"`
}

// Posture counts findings by severity.
type Posture struct {
	Critical int32 `json:"critical"`
	High     int32 `json:"high"`
	Medium   int32 `json:"medium"`
	Low      int32 `json:"low"`
	Unknown  int32 `json:"unknown"`
}

// ObservedStatus is what another tool says.
type ObservedStatus struct {
	// Tool is argocd, flux-kustomization or flux-helmrelease.
	Tool string `json:"tool"`
	// +optional
	Revision string `json:"revision,omitempty"`
	// Attempted is a revision that the tool tried, where it differs.
	// +optional
	Attempted string `json:"attempted,omitempty"`
	// Synced is True, False or Unknown.
	// +optional
	Synced string `json:"synced,omitempty"`
	// VerifiedAt is when the tool last compared; its age is its freshness.
	// +optional
	VerifiedAt *metav1.Time `json:"verifiedAt,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}
