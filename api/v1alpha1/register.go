package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of these kinds.
var GroupVersion = schema.GroupVersion{Group: "autoecoops.io", Version: "v1alpha1"}

// The kinds and their resources.
const (
	ApplicationKind     = "Application"
	ApplicationResource = "applications"
	ReleaseKind         = "Release"
	ReleaseResource     = "releases"
	ObjectiveKind       = "Objective"
	ObjectiveResource   = "objectives"
)

// Labels and annotations that the operator reads and writes.
const (
	// LabelApplication and LabelNamespace name, on a managed object, the
	// Application that owns it.
	LabelApplication = "autoecoops.io/application"
	LabelNamespace   = "autoecoops.io/application-namespace"
	// AnnotationHook makes a Job run before or after the objects are applied,
	// or on-failure of the release. The Job is made anew for each release.
	AnnotationHook = "autoecoops.io/hook"
	// AnnotationWave orders objects within a stage; an integer, 0 if absent.
	AnnotationWave = "autoecoops.io/wave"
	// AnnotationPrune with the value "never" keeps an object in the cluster
	// when it leaves Git.
	AnnotationPrune = "autoecoops.io/prune"
	// AnnotationRecreate on an object in Git with the value "allowed" is the
	// waiver that lets an immutable change delete and make it anew.
	AnnotationRecreate = "autoecoops.io/recreate"
	// AnnotationSync on an Application asks, with any new value, for a look at
	// the source at once.
	AnnotationSync = "autoecoops.io/sync-requested-at"
	// AnnotationRetry on an Application lifts the quarantine of the revision
	// that it names, once.
	AnnotationRetry = "autoecoops.io/retry-revision"
	// AnnotationRollback on an Application asks to go back to the revision
	// that it names; the revision in Git is quarantined meanwhile.
	AnnotationRollback = "autoecoops.io/rollback-to"
	// AnnotationConfirmPrune on an Application allows, for the revision that
	// it names, more deletions than its limit.
	AnnotationConfirmPrune = "autoecoops.io/confirm-prune"
	// AnnotationTraceID on a Release is the id of its trace.
	AnnotationTraceID = "autoecoops.io/trace-id"
	// AnnotationRequestedBy names the person behind the request beside it.
	AnnotationRequestedBy = "autoecoops.io/requested-by"
)

// Finalizer keeps an Application until its objects are dealt with.
const Finalizer = "autoecoops.io/objects"

// FieldManager is the name under which the operator applies objects.
const FieldManager = "autoecoops"

// AddToScheme makes the kinds known to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Application{}, &ApplicationList{}, &Release{}, &ReleaseList{}, &Objective{}, &ObjectiveList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
