package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Release is one revision's journey into the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=aeorel,categories=autoecoops
// +kubebuilder:printcolumn:name="Application",type=string,JSONPath=`.spec.application`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.spec.revision`
// +kubebuilder:printcolumn:name="Trigger",type=string,JSONPath=`.spec.trigger`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ReleaseSpec   `json:"spec"`
	Status ReleaseStatus `json:"status,omitempty"`
}

// ReleaseSpec says what is released. It never changes.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a release records what was released: it cannot be changed"
type ReleaseSpec struct {
	// Application is the name of the Application in the same namespace.
	Application string `json:"application"`
	Revision    string `json:"revision"`
	// +optional
	Ref string `json:"ref,omitempty"`
	// Digest is that of the rendered objects, "" if nothing was rendered.
	// +optional
	Digest string `json:"digest,omitempty"`
	// Trigger is commit, spec, rollback, retry or request.
	Trigger string `json:"trigger"`
	// Commit tells about the commit.
	// +optional
	Commit *CommitInfo `json:"commit,omitempty"`
	// Replaces is the revision that the cluster was at.
	// +optional
	Replaces string `json:"replaces,omitempty"`
	// Objects are the ids of the rendered objects.
	// +optional
	// +listType=atomic
	Objects []string `json:"objects,omitempty"`
	// Changed are the ids of those that are not as they were released before. It is
	// absent if that is not known, or if all are new.
	// +optional
	// +listType=atomic
	Changed []string `json:"changed,omitzero"`
}

// CommitInfo tells about a commit.
type CommitInfo struct {
	// +optional
	Author string `json:"author,omitempty"`
	// +optional
	Subject string `json:"subject,omitempty"`
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
	// SignedBy is the verified signer.
	// +optional
	SignedBy string `json:"signedBy,omitempty"`
}

// The phases of a Release.
const (
	PhaseRefused    = "Refused"
	PhaseApplying   = "Applying"
	PhaseObserving  = "Observing"
	PhaseWatching   = "Watching"
	PhaseGood       = "Good"
	PhaseFailed     = "Failed"
	PhaseSuperseded = "Superseded"
)

// ReleaseStatus is how far a release came.
type ReleaseStatus struct {
	// Phase is Applying, Observing (waiting for health), Watching (healthy, for
	// the watch time), Good, Refused, Failed or Superseded.
	// +optional
	Phase string `json:"phase,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// +optional
	Timings Timings `json:"timings,omitempty"`
	// Findings are those that refused the revision, the worst first.
	// +optional
	// +listType=atomic
	Findings []Finding `json:"findings,omitempty"`
	// Evidence was taken before anything was rolled back.
	// +optional
	// +listType=atomic
	Evidence []Evidence `json:"evidence,omitempty"`
	// RolledBackTo is the revision that was put back.
	// +optional
	RolledBackTo string `json:"rolledBackTo,omitempty"`
	// PullRequest is the address of the revert pull request.
	// +optional
	PullRequest string `json:"pullRequest,omitempty"`
}

// Timings are the moments of a release.
type Timings struct {
	// +optional
	Committed *metav1.MicroTime `json:"committed,omitempty"`
	// +optional
	Seen *metav1.MicroTime `json:"seen,omitempty"`
	// Started is when the operator began to apply it.
	// +optional
	Started *metav1.MicroTime `json:"started,omitempty"`
	// +optional
	Rendered *metav1.MicroTime `json:"rendered,omitempty"`
	// +optional
	Gated *metav1.MicroTime `json:"gated,omitempty"`
	// +optional
	Applied *metav1.MicroTime `json:"applied,omitempty"`
	// +optional
	Healthy *metav1.MicroTime `json:"healthy,omitempty"`
	// +optional
	Finished *metav1.MicroTime `json:"finished,omitempty"`
}

// Finding is one reason why a revision was refused.
type Finding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	File     string `json:"file"`
	Line     int32  `json:"line"`
	// +optional
	Object string `json:"object,omitempty"`
	// +optional
	Path string `json:"path,omitempty"`
	// +optional
	Fix string `json:"fix,omitempty"`
}

// Evidence is one thing that was seen.
type Evidence struct {
	// Kind is event, condition, status or log.
	Kind string `json:"kind"`
	// +optional
	Object string `json:"object,omitempty"`
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
	Text string       `json:"text"`
}

// ReleaseList is a list of Releases.
//
// +kubebuilder:object:root=true
type ReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Release `json:"items"`
}
