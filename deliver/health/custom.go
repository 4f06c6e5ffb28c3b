package health

// byConditions tells the health of a custom resource by the usual conditions.
// One that has none yet is unknown: nobody has looked at it.
func byConditions(status object) Health {
	if len(status.list("conditions")) == 0 {
		if len(status) > 0 {
			if h, ok := byPhase(status); ok {
				return h
			}
		}
		return Health{Unknown, "NotObserved", "nothing is known of its state yet"}
	}
	for _, typ := range []string{"Stalled", "Failed"} {
		if c := status.condition(typ); c.text("status") == "True" {
			return Health{Failed, c.text("reason"), c.says("it failed")}
		}
	}
	if c := status.condition("Reconciling"); c.text("status") == "True" {
		return progressing(c.text("reason"), "%s", c.says("it is being worked on"))
	}
	decided := false
	for _, typ := range []string{"Ready", "Available", "Synced", "Programmed", "Accepted", "Healthy", "Established", "Succeeded", "Complete"} {
		c := status.condition(typ)
		switch c.text("status") {
		case "True":
			decided = true
		case "False", "Unknown":
			return progressing(c.text("reason"), "%s", c.says("it is not "+typ))
		}
	}
	if !decided {
		return Health{Unknown, "NoKnownCondition", "its conditions say nothing that is understood"}
	}
	return Health{Status: Healthy}
}

// byPhase tells the health of custom resources that have a phase only.
func byPhase(status object) (Health, bool) {
	for _, key := range []string{"phase", "state"} {
		switch p := status.text(key); p {
		case "":
		case "Running", "Ready", "Active", "Healthy", "Succeeded", "Completed", "Available", "Bound", "running", "ready", "active":
			return Health{Status: Healthy}, true
		case "Failed", "Error", "Degraded", "failed", "error":
			return Health{Failed, p, status.says("it is in state " + p)}, true
		default:
			return progressing(p, "%s", status.says("it is in state "+p)), true
		}
	}
	return Health{}, false
}

// accepted returns the rule of kinds for which one condition says it all.
func accepted(typ string) func(object) Health {
	return func(o object) Health {
		c := o.sub("status").condition(typ)
		switch c.text("status") {
		case "True":
			return Health{Status: Healthy}
		case "False":
			return progressing(c.text("reason"), "%s", c.says("it is not "+typ))
		}
		return Health{Unknown, "NotObserved", "nothing is known of its state yet"}
	}
}

// route is healthy when every parent accepted it and found its backends.
func route(o object) Health {
	parents := o.sub("status").list("parents")
	if len(parents) == 0 {
		return Health{Unknown, "NotObserved", "no gateway has looked at it yet"}
	}
	for _, it := range parents {
		p, _ := it.(map[string]any)
		for _, typ := range []string{"Accepted", "ResolvedRefs"} {
			if c := object(p).condition(typ); c.text("status") != "True" {
				return progressing(c.text("reason"), "%s", c.says("it is not "+typ))
			}
		}
	}
	return Health{Status: Healthy}
}

func gateway(o object) Health {
	for _, typ := range []string{"Accepted", "Programmed"} {
		c := o.sub("status").condition(typ)
		switch c.text("status") {
		case "True":
		case "False":
			return progressing(c.text("reason"), "%s", c.says("it is not "+typ))
		default:
			return Health{Unknown, "NotObserved", "no controller has looked at it yet"}
		}
	}
	return Health{Status: Healthy}
}

func argoApplication(o object) Health {
	h := o.sub("status").sub("health")
	switch s := h.text("status"); s {
	case "Healthy":
		if o.sub("status").sub("sync").text("status") == "OutOfSync" {
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
	return Health{Unknown, "NotObserved", "nothing is known of its state yet"}
}

func argoRollout(o object) Health {
	status := o.sub("status")
	switch p := status.text("phase"); p {
	case "Healthy":
		return Health{Status: Healthy}
	case "Degraded":
		return Health{Failed, p, status.says("it is degraded")}
	case "Paused":
		return Health{Suspended, p, status.says("it is paused")}
	case "Progressing":
		return progressing(p, "%s", status.says("it is progressing"))
	}
	return Health{Unknown, "NotObserved", "nothing is known of its state yet"}
}

// order ranks statuses: the first of them that occurs is that of the whole.
var order = []Status{Failed, Terminating, Unknown, Progressing, Suspended}

// Aggregate sums up the health of several objects: the worst counts. Without
// any object there is nothing that could be unhealthy.
func Aggregate(all []Health) Health {
	for _, s := range order {
		for _, h := range all {
			if h.Status == s {
				return h
			}
		}
	}
	return Health{Status: Healthy}
}
