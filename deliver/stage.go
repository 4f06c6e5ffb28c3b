package deliver

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Stage is a step of the order in which objects are applied. The next one
// opens when the API server has shown the objects of the one before to be
// ready for it; deletion goes the other way round.
type Stage int

// The stages.
const (
	StageDefinitions Stage = iota // CustomResourceDefinitions
	StageNamespaces               // namespaces, and classes that others name
	StageIdentity                 // accounts, roles, quotas, policies
	StageConfig                   // ConfigMaps, Secrets, claims
	StageBefore                   // hooks that run before the workloads
	StageWorkloads                // what runs, and how it is reached
	StageRest                     // webhooks, custom resources, what scales or watches
	StageAfter                    // hooks that run after everything is healthy
)

// stages are the number of stages.
const stages = int(StageAfter) + 1

var stageNames = [stages]string{"definitions", "namespaces", "identity", "config", "before-hooks", "workloads", "rest", "after-hooks"}

// String returns the stage's name.
func (s Stage) String() string { return stageNames[s] }

var stageOfKind = map[GroupKind]Stage{
	{"apiextensions.k8s.io", "CustomResourceDefinition"}: StageDefinitions,

	{"", "Namespace"}:                                  StageNamespaces,
	{"scheduling.k8s.io", "PriorityClass"}:             StageNamespaces,
	{"storage.k8s.io", "StorageClass"}:                 StageNamespaces,
	{"storage.k8s.io", "CSIDriver"}:                    StageNamespaces,
	{"networking.k8s.io", "IngressClass"}:              StageNamespaces,
	{"node.k8s.io", "RuntimeClass"}:                    StageNamespaces,
	{"gateway.networking.k8s.io", "GatewayClass"}:      StageNamespaces,
	{"snapshot.storage.k8s.io", "VolumeSnapshotClass"}: StageNamespaces,

	{"", "ServiceAccount"}:                              StageIdentity,
	{"rbac.authorization.k8s.io", "ClusterRole"}:        StageIdentity,
	{"rbac.authorization.k8s.io", "ClusterRoleBinding"}: StageIdentity,
	{"rbac.authorization.k8s.io", "Role"}:               StageIdentity,
	{"rbac.authorization.k8s.io", "RoleBinding"}:        StageIdentity,
	{"", "ResourceQuota"}:                               StageIdentity,
	{"", "LimitRange"}:                                  StageIdentity,
	{"networking.k8s.io", "NetworkPolicy"}:              StageIdentity,

	{"", "ConfigMap"}:             StageConfig,
	{"", "Secret"}:                StageConfig,
	{"", "PersistentVolume"}:      StageConfig,
	{"", "PersistentVolumeClaim"}: StageConfig,

	{"", "Service"}:                            StageWorkloads,
	{"", "Endpoints"}:                          StageWorkloads,
	{"discovery.k8s.io", "EndpointSlice"}:      StageWorkloads,
	{"", "Pod"}:                                StageWorkloads,
	{"", "ReplicationController"}:              StageWorkloads,
	{"apps", "Deployment"}:                     StageWorkloads,
	{"apps", "StatefulSet"}:                    StageWorkloads,
	{"apps", "DaemonSet"}:                      StageWorkloads,
	{"apps", "ReplicaSet"}:                     StageWorkloads,
	{"batch", "Job"}:                           StageWorkloads,
	{"batch", "CronJob"}:                       StageWorkloads,
	{"networking.k8s.io", "Ingress"}:           StageWorkloads,
	{"autoscaling", "HorizontalPodAutoscaler"}: StageWorkloads,
	{"policy", "PodDisruptionBudget"}:          StageWorkloads,
}

// Hook values of AnnotationHook.
const (
	HookBefore    = "before"
	HookAfter     = "after"
	HookOnFailure = "on-failure"
)

// StageOf returns the stage in which an object is applied.
func StageOf(o *Object) Stage {
	switch o.Annotation(v1alpha1.AnnotationHook) {
	case HookBefore:
		return StageBefore
	case HookAfter, HookOnFailure:
		return StageAfter
	}
	return stageOfKey(o.Key)
}

func stageOfKey(k Key) Stage {
	if s, ok := stageOfKind[k.GroupKind()]; ok {
		return s
	}
	// What an API group of Kubernetes itself has is no custom resource and may
	// be what the rest of the cluster needs for admission: last.
	return StageRest
}

// wave is the object's place within its stage.
func wave(o *Object) int {
	n, err := strconv.Atoi(strings.TrimSpace(o.Annotation(v1alpha1.AnnotationWave)))
	if err != nil {
		return 0
	}
	return n
}

// Step is a set of objects that are applied together.
type Step struct {
	Stage   Stage
	Wave    int
	Objects []*Object
}

// Steps orders objects into the steps of an apply. On-failure hooks are left
// out: they are not part of a release that goes well.
func Steps(objects []*Object) []Step {
	var out []Step
	sorted := slices.Clone(objects)
	slices.SortFunc(sorted, func(a, b *Object) int {
		return cmp.Or(cmp.Compare(StageOf(a), StageOf(b)), cmp.Compare(wave(a), wave(b)), cmp.Compare(a.ID(), b.ID()))
	})
	for _, o := range sorted {
		if o.Annotation(v1alpha1.AnnotationHook) == HookOnFailure {
			continue
		}
		s, w := StageOf(o), wave(o)
		if n := len(out); n == 0 || out[n-1].Stage != s || out[n-1].Wave != w {
			out = append(out, Step{Stage: s, Wave: w})
		}
		last := &out[len(out)-1]
		last.Objects = append(last.Objects, o)
	}
	return out
}

// DeletionOrder sorts keys so that what depends on others goes first.
func DeletionOrder(keys []Key) []Key {
	out := slices.Clone(keys)
	slices.SortFunc(out, func(a, b Key) int {
		return cmp.Or(cmp.Compare(stageOfKey(b), stageOfKey(a)), cmp.Compare(a.String(), b.String()))
	})
	return out
}
