package health

import "strings"

// builtin are the rules of the kinds of Kubernetes itself.
func builtin() map[string]func(object) Health {
	return map[string]func(object) Health{
		"apps/Deployment": deployment, "apps/StatefulSet": statefulSet, "apps/DaemonSet": daemonSet, "apps/ReplicaSet": replicaSet,
		"extensions/Deployment": deployment, "extensions/DaemonSet": daemonSet, "extensions/ReplicaSet": replicaSet,
		"/ReplicationController": replicaSet, "/Pod": pod, "batch/Job": job, "batch/CronJob": cronJob,
		"/PersistentVolumeClaim": claim, "/PersistentVolume": volume, "/Service": service, "/Namespace": namespace, "/Node": node,
		"policy/PodDisruptionBudget": budget, "autoscaling/HorizontalPodAutoscaler": scaler,
		"apiextensions.k8s.io/CustomResourceDefinition": definition, "apiregistration.k8s.io/APIService": apiService,
		"certificates.k8s.io/CertificateSigningRequest": signingRequest, "storage.k8s.io/VolumeAttachment": attachment,
		"flowcontrol.apiserver.k8s.io/FlowSchema": flow, "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": flow,
		"admissionregistration.k8s.io/ValidatingAdmissionPolicy": admission, "admissionregistration.k8s.io/MutatingAdmissionPolicy": admission,
	}
}

// builtinGroups tells whether a group is Kubernetes' own. Its kinds that have no
// rule say nothing of themselves (ConfigMap, Role, Ingress, whose address not
// every controller reports).
func builtinGroups(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy", "extensions", "networking.k8s.io", "rbac.authorization.k8s.io",
		"storage.k8s.io", "scheduling.k8s.io", "node.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
		"admissionregistration.k8s.io", "certificates.k8s.io", "flowcontrol.apiserver.k8s.io", "events.k8s.io",
		"authentication.k8s.io", "authorization.k8s.io", "resource.k8s.io":
		return true
	}
	return false
}

// desired is spec.replicas, 1 if it is not set.
func desired(spec object) int64 {
	if n, ok := spec.number("replicas"); ok {
		return n
	}
	return 1
}

// fresh tells whether a kind that always reports has not reported yet.
func fresh(o object) bool {
	_, ok := o.sub("status").number("observedGeneration")
	return !ok
}

func notSeen() Health {
	return Health{Progressing, NotObserved, "its controller has not seen it yet"}
}

func deployment(o object) Health {
	if fresh(o) {
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
	if fresh(o) {
		return notSeen()
	}
	spec, status := o.sub("spec"), o.sub("status")
	want := desired(spec)
	ready, updated := status.count("readyReplicas"), status.count("updatedReplicas")
	strategy := spec.sub("updateStrategy")
	partition := strategy.sub("rollingUpdate").count("partition")
	switch {
	case status.count("replicas") > want:
		return progressing("Terminating", "%d replicas too many are still there", status.count("replicas")-want)
	case ready < want:
		return progressing("NotReady", "%d of %d replicas are ready", ready, want)
	case spec.count("minReadySeconds") > 0 && status.count("availableReplicas") < want:
		return progressing("Unavailable", "%d of %d replicas are available", status.count("availableReplicas"), want)
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
	if fresh(o) {
		return notSeen()
	}
	status := o.sub("status")
	want := status.count("desiredNumberScheduled")
	if current := status.count("currentNumberScheduled"); current < want {
		return progressing("Scheduling", "%d of %d nodes have their pod", current, want)
	}
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
	if fresh(o) {
		return notSeen()
	}
	status, want := o.sub("status"), desired(o.sub("spec"))
	if c := status.condition("ReplicaFailure"); c.text("status") == "True" {
		return progressing("ReplicaFailure", "%s", c.says("replicas cannot be made"))
	}
	if available := status.count("availableReplicas"); available < want {
		return progressing("Unavailable", "%d of %d replicas are available", available, want)
	}
	if replicas := status.count("replicas"); replicas > want {
		return progressing("Terminating", "%d replicas too many are still there", replicas-want)
	}
	return Health{Status: Healthy}
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
	if status.text("startTime") == "" {
		return Health{Progressing, NotObserved, "it has not started yet"}
	}
	return progressing("Running", "%d running, %d failed", status.count("active"), status.count("failed"))
}

func cronJob(o object) Health {
	if o.sub("spec").flag("suspend") {
		return Health{Suspended, "Suspended", "no new runs are started"}
	}
	return Health{Status: Healthy}
}

// claim is healthy when it is bound. One that waits for its first pod is as it
// should be: nothing is provisioned until a node is chosen, and then the
// provisioner's name is noted on the claim. A class that does not exist looks the
// same; then the pod that wants the claim finds no node, which its workload shows.
func claim(o object) Health {
	switch o.sub("status").text("phase") {
	case "Bound":
		return Health{Status: Healthy}
	case "Lost":
		return Health{Failed, "Lost", "its volume is gone"}
	case "Pending":
		notes := o.sub("metadata").sub("annotations")
		if o.sub("spec").text("storageClassName") != "" && o.sub("spec").text("volumeName") == "" &&
			notes["volume.kubernetes.io/storage-provisioner"] == nil && notes["volume.beta.kubernetes.io/storage-provisioner"] == nil &&
			notes["volume.kubernetes.io/selected-node"] == nil {
			return Health{Suspended, "WaitsForConsumer", "it is bound when the first pod uses it"}
		}
	}
	return progressing("Pending", "it is not bound to a volume")
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
	if fresh(o) {
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
	if len(status) == 0 {
		return notSeen()
	}
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
	for _, it := range status.list("conditions") {
		// A schema that is not structural is served without checking anything.
		if c, _ := it.(map[string]any); c["type"] == "NonStructuralSchema" && c["status"] == "True" {
			return told(Failed, c, "its schema is not structural")
		}
	}
	if c := status.condition("NamesAccepted"); c.text("status") == "False" {
		return Health{Failed, c.text("reason"), c.says("its names are taken")}
	}
	switch c := status.condition("Established"); {
	case c.text("status") == "False" && c.text("reason") != "Installing":
		return told(Failed, c, "it is not served")
	case c.text("status") != "True":
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

func signingRequest(o object) Health {
	status := o.sub("status")
	for _, typ := range []string{"Denied", "Failed"} {
		if c := status.condition(typ); c.text("status") == "True" {
			return told(Failed, c, "it was "+strings.ToLower(typ))
		}
	}
	if status.text("certificate") == "" {
		return progressing("Pending", "it has no certificate yet")
	}
	return Health{Status: Healthy}
}

func attachment(o object) Health {
	status := o.sub("status")
	if e := status.sub("attachError"); e != nil && !status.flag("attached") {
		return Health{Failed, "AttachError", e.says("the volume cannot be attached")}
	}
	if !status.flag("attached") {
		return progressing("Attaching", "the volume is not attached yet")
	}
	return Health{Status: Healthy}
}

func flow(o object) Health {
	if c := o.sub("status").condition("Dangling"); c.text("status") == "True" {
		return told(Failed, c, "it refers to a priority level that does not exist")
	}
	return Health{Status: Healthy}
}

// admission is healthy whatever the type checker warns of: the policy is in
// force; the warning is passed on.
func admission(o object) Health {
	warnings := o.sub("status").sub("typeChecking").list("expressionWarnings")
	if len(warnings) == 0 {
		return Health{Status: Healthy}
	}
	w, _ := warnings[0].(map[string]any)
	return Health{Healthy, "TypeWarning", object(w).text("fieldRef") + ": " + object(w).text("warning")}
}
