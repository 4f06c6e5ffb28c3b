package health

import "fmt"

// rules are the kinds whose health is more than their conditions.
var rules = map[string]func(object) Health{
	"apps/Deployment": deployment, "apps/StatefulSet": statefulSet, "apps/DaemonSet": daemonSet, "apps/ReplicaSet": replicaSet,
	"/ReplicationController": replicaSet, "/Pod": pod, "batch/Job": job, "batch/CronJob": cronJob,
	"/PersistentVolumeClaim": claim, "/PersistentVolume": volume, "/Service": service, "/Namespace": namespace, "/Node": node,
	"policy/PodDisruptionBudget": budget, "autoscaling/HorizontalPodAutoscaler": scaler,
	"apiextensions.k8s.io/CustomResourceDefinition": definition, "apiregistration.k8s.io/APIService": apiService,
	"gateway.networking.k8s.io/HTTPRoute": route, "gateway.networking.k8s.io/GRPCRoute": route, "gateway.networking.k8s.io/TLSRoute": route,
	"gateway.networking.k8s.io/Gateway": gateway, "gateway.networking.k8s.io/GatewayClass": accepted("Accepted"),
	"argoproj.io/Application": argoApplication, "argoproj.io/Rollout": argoRollout, "autoecoops.io/Application": accepted("Ready"),
	"external-secrets.io/ClusterExternalSecret": accepted("Ready"), "bitnami.com/SealedSecret": accepted("Synced"),
	"cert-manager.io/Certificate": accepted("Ready"), "keda.sh/ScaledObject": accepted("Ready"),
	"kyverno.io/ClusterPolicy": accepted("Ready"), "kyverno.io/Policy": accepted("Ready"),
	"monitoring.coreos.com/Prometheus": accepted("Available"), "monitoring.coreos.com/Alertmanager": accepted("Available"), "monitoring.coreos.com/ThanosRuler": accepted("Available"),
	"serving.knative.dev/Service": accepted("Ready"), "postgresql.cnpg.io/Cluster": accepted("Ready"), "kafka.strimzi.io/Kafka": accepted("Ready"),
}

func progressing(reason, format string, args ...any) Health {
	return Health{Progressing, reason, fmt.Sprintf(format, args...)}
}

// desired is spec.replicas, 1 if it is not set.
func desired(spec object) int64 {
	if n, ok := spec.number("replicas"); ok {
		return n
	}
	return 1
}

// unseen tells whether a kind that always reports has not reported yet.
func unseen(o object) bool {
	_, ok := o.sub("status").number("observedGeneration")
	return !ok
}

func notSeen() Health {
	return Health{Progressing, "NotObserved", "its controller has not seen it yet"}
}

func deployment(o object) Health {
	if unseen(o) {
		return notSeen()
	}
	spec, status := o.sub("spec"), o.sub("status")
	if c := status.condition("Progressing"); c.text("status") == "False" && c.text("reason") == "ProgressDeadlineExceeded" {
		return Health{Failed, "ProgressDeadlineExceeded", c.says("the rollout does not get on")}
	}
	want := desired(spec)
	updated, available, replicas := status.count("updatedReplicas"), status.count("availableReplicas"), status.count("replicas")
	switch {
	case spec.flag("paused") && updated < want:
		return Health{Suspended, "Paused", "the rollout is paused"}
	case updated < want:
		return progressing("Updating", "%d of %d replicas are updated", updated, want)
	case replicas > updated:
		return progressing("Terminating", "%d replicas of the old revision are still there", replicas-updated)
	case available < updated:
		if c := status.condition("ReplicaFailure"); c.text("status") == "True" {
			return progressing("ReplicaFailure", "%s", c.says("replicas cannot be made"))
		}
		return progressing("Unavailable", "%d of %d replicas are available", available, updated)
	}
	return Health{Status: Healthy}
}

func statefulSet(o object) Health {
	if unseen(o) {
		return notSeen()
	}
	spec, status := o.sub("spec"), o.sub("status")
	want := desired(spec)
	ready, updated := status.count("readyReplicas"), status.count("updatedReplicas")
	strategy := spec.sub("updateStrategy")
	partition := strategy.sub("rollingUpdate").count("partition")
	switch {
	case ready < want:
		return progressing("NotReady", "%d of %d replicas are ready", ready, want)
	case strategy.text("type") == "OnDelete":
		return Health{Status: Healthy}
	case updated < want-partition:
		return progressing("Updating", "%d of %d replicas are updated", updated, want-partition)
	case partition == 0 && status.text("updateRevision") != status.text("currentRevision"):
		return progressing("Updating", "the new revision is not current yet")
	}
	return Health{Status: Healthy}
}

func daemonSet(o object) Health {
	if unseen(o) {
		return notSeen()
	}
	status := o.sub("status")
	want := status.count("desiredNumberScheduled")
	if o.sub("spec").sub("updateStrategy").text("type") != "OnDelete" {
		if updated := status.count("updatedNumberScheduled"); updated < want {
			return progressing("Updating", "%d of %d pods are updated", updated, want)
		}
	}
	if available := status.count("numberAvailable"); available < want {
		return progressing("Unavailable", "%d of %d pods are available", available, want)
	}
	return Health{Status: Healthy}
}

func replicaSet(o object) Health {
	if unseen(o) {
		return notSeen()
	}
	status, want := o.sub("status"), desired(o.sub("spec"))
	if c := status.condition("ReplicaFailure"); c.text("status") == "True" {
		return progressing("ReplicaFailure", "%s", c.says("replicas cannot be made"))
	}
	if available := status.count("availableReplicas"); available < want {
		return progressing("Unavailable", "%d of %d replicas are available", available, want)
	}
	return Health{Status: Healthy}
}

func pod(o object) Health {
	status := o.sub("status")
	switch status.text("phase") {
	case "Succeeded":
		return Health{Status: Healthy}
	case "Failed":
		return Health{Failed, "Failed", status.says("its containers failed")}
	case "Running":
		if status.condition("Ready").text("status") == "True" {
			return Health{Status: Healthy}
		}
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, it := range status.list(list) {
			c, _ := it.(map[string]any)
			waiting := object(c).sub("state").sub("waiting")
			switch r := waiting.text("reason"); r {
			case "", "ContainerCreating", "PodInitializing":
			default:
				return progressing(r, "container %s: %s", object(c).text("name"), waiting.says(r))
			}
		}
	}
	if c := status.condition("PodScheduled"); c.text("status") == "False" {
		return progressing("Unschedulable", "%s", c.says("it finds no node"))
	}
	return progressing("NotReady", "it is not ready")
}

func job(o object) Health {
	status := o.sub("status")
	if c := status.condition("Failed"); c.text("status") == "True" {
		return Health{Failed, c.text("reason"), c.says("the job failed")}
	}
	if c := status.condition("Complete"); c.text("status") == "True" {
		return Health{Status: Healthy}
	}
	if o.sub("spec").flag("suspend") {
		return Health{Suspended, "Suspended", "the job is suspended"}
	}
	return progressing("Running", "%d running, %d failed", status.count("active"), status.count("failed"))
}

func cronJob(o object) Health {
	if o.sub("spec").flag("suspend") {
		return Health{Suspended, "Suspended", "no new runs are started"}
	}
	return Health{Status: Healthy}
}

// claim is healthy when it is bound; one that waits for its first pod is as it
// should be too.
func claim(o object) Health {
	switch phase := o.sub("status").text("phase"); phase {
	case "Bound":
		return Health{Status: Healthy}
	case "Lost":
		return Health{Failed, "Lost", "its volume is gone"}
	default:
		return progressing("Pending", "it is not bound to a volume")
	}
}

func volume(o object) Health {
	switch phase := o.sub("status").text("phase"); phase {
	case "Available", "Bound", "Released":
		return Health{Status: Healthy}
	case "Failed":
		return Health{Failed, "Failed", o.sub("status").says("the volume failed")}
	}
	return progressing("Pending", "it is not available yet")
}

func service(o object) Health {
	if o.sub("spec").text("type") == "LoadBalancer" && len(o.sub("status").sub("loadBalancer").list("ingress")) == 0 {
		return progressing("NoAddress", "it has no address from outside yet")
	}
	return Health{Status: Healthy}
}

func namespace(o object) Health {
	switch o.sub("status").text("phase") {
	case "Active":
		return Health{Status: Healthy}
	case "Terminating":
		return Health{Terminating, "Deleting", "it is being deleted"}
	}
	return progressing("NotActive", "it is not active yet")
}

func node(o object) Health {
	if c := o.sub("status").condition("Ready"); c.text("status") != "True" {
		return Health{Failed, "NotReady", c.says("the node is not ready")}
	}
	return Health{Status: Healthy}
}

func budget(o object) Health {
	if unseen(o) {
		return notSeen()
	}
	if c := o.sub("status").condition("DisruptionAllowed"); c.text("reason") == "SyncFailed" {
		return Health{Failed, "SyncFailed", c.says("the budget cannot be worked out")}
	}
	return Health{Status: Healthy}
}

// scaler is healthy when it can scale; that its metrics are not there yet is
// usual for a while after a start.
func scaler(o object) Health {
	status := o.sub("status")
	for _, typ := range []string{"AbleToScale", "ScalingActive"} {
		c := status.condition(typ)
		if c.text("status") != "False" {
			continue
		}
		if c.text("reason") == "ScalingDisabled" {
			return Health{Suspended, "ScalingDisabled", c.says("it does not scale")}
		}
		return progressing(c.text("reason"), "%s", c.says("it cannot scale"))
	}
	return Health{Status: Healthy}
}

func definition(o object) Health {
	status := o.sub("status")
	if c := status.condition("NamesAccepted"); c.text("status") == "False" {
		return Health{Failed, c.text("reason"), c.says("its names are taken")}
	}
	if c := status.condition("Established"); c.text("status") != "True" {
		return progressing("NotEstablished", "%s", c.says("it is not served yet"))
	}
	return Health{Status: Healthy}
}

func apiService(o object) Health {
	if c := o.sub("status").condition("Available"); c.text("status") != "True" {
		return progressing(c.text("reason"), "%s", c.says("it is not available yet"))
	}
	return Health{Status: Healthy}
}
