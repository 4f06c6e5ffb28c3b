package health

// argoApplication passes on what Argo CD says.
func argoApplication(o object) Health {
	status := o.sub("status")
	h := status.sub("health")
	switch s := h.text("status"); s {
	case "Healthy":
		if status.sub("sync").text("status") == "OutOfSync" {
			return progressing("OutOfSync", "it is not in sync")
		}
		return Health{Status: Healthy}
	case "Degraded", "Missing":
		return Health{Failed, s, h.says("it is " + s)}
	case "Suspended":
		return Health{Suspended, s, h.says("it is suspended")}
	case "Progressing":
		return progressing(s, "%s", h.says("it is progressing"))
	}
	return unseen()
}

// argoRollout believes the phase where there is one; controllers before 1.1 did
// not write it.
func argoRollout(o object) Health {
	spec, status := o.sub("spec"), o.sub("status")
	if len(status) == 0 {
		return unseen()
	}
	if spec["workloadRef"] != nil {
		of := o.sub("metadata").sub("annotations")
		want, ok := of.number("rollout.argoproj.io/workload-generation")
		if seen, known := status.number("workloadObservedGeneration"); ok && known && seen != want {
			return outdated()
		}
	}
	switch p := status.text("phase"); p {
	case "Healthy":
		return Health{Status: Healthy}
	case "Degraded":
		return told(Failed, status, "it is degraded", p)
	case "Paused":
		return told(Suspended, status, "it is paused", p)
	case "Progressing":
		return told(Progressing, status, "it is progressing", p)
	}
	return oldRollout(spec, status)
}

func oldRollout(spec, status object) Health {
	if c := status.condition("InvalidSpec"); c.text("status") == "True" {
		return told(Failed, c, "its spec is not valid")
	}
	if c := status.condition("Progressing"); c.text("reason") == "RolloutAborted" || c.text("reason") == "ProgressDeadlineExceeded" {
		return told(Failed, c, "the rollout does not get on")
	}
	if spec.flag("paused") || len(status.list("pauseConditions")) > 0 {
		return Health{Suspended, "Paused", "the rollout is paused"}
	}
	want, updated := desired(spec), status.count("updatedReplicas")
	current, stable := status.text("currentPodHash"), status.text("stableRS")
	if stable == "" {
		stable = status.sub("canary").text("stableRS")
	}
	blueGreen := spec.sub("strategy")["blueGreen"] != nil
	switch {
	case current == "":
		return unseen()
	case updated < want:
		return progressing("Updating", "%d of %d replicas are updated", updated, want)
	case status.count("availableReplicas") < updated:
		return progressing("Unavailable", "%d of %d replicas are available", status.count("availableReplicas"), updated)
	case blueGreen && status.sub("blueGreen").text("activeSelector") != current:
		return progressing("Switching", "the new revision does not serve yet")
	case !blueGreen && status.count("replicas") > updated:
		return progressing("Terminating", "replicas of the old revision are still there")
	case stable != current && (stable != "" || !blueGreen):
		return progressing("Analysing", "the new revision is not the stable one yet")
	}
	return Health{Status: Healthy}
}
