package health

import "strings"

// byConventions tells the health of a kind without a rule: by the conditions
// that the API conventions and most operators share, or else by a phase. An
// object that has neither is unknown.
func byConventions(o, status object) Health {
	if len(status.list("conditions")) == 0 {
		if h, ok := byPhase(o, status); ok {
			return h
		}
		if len(status) == 0 {
			return Health{Unknown, NoStatus, "nothing is known of its state yet"}
		}
		return Health{Unknown, "NoKnownCondition", "its status says nothing that is understood"}
	}
	for _, typ := range []string{"Stalled", "Failed", "Degraded", "Failure"} {
		if c := status.condition(typ); c.text("status") == "True" {
			return told(Failed, c, "it is "+typ)
		}
	}
	if c := status.condition("Reconciling"); c.text("status") == "True" {
		return told(Progressing, c, "it is being worked on")
	}
	decided := false
	for _, typ := range []string{"Ready", "Available", "Synced", "Programmed", "Accepted", "Healthy", "Established", "Succeeded", "Complete"} {
		c := status.condition(typ)
		switch c.text("status") {
		case "True":
			if old(o, c) {
				return outdated()
			}
			decided = true
		case "False", "Unknown":
			return told(Progressing, c, "it is not "+typ)
		}
	}
	if decided {
		return Health{Status: Healthy}
	}
	if c := partWrong(status); c != nil {
		return told(Progressing, c, "it is not "+c.text("type"))
	}
	if h, ok := byPhase(o, status); ok {
		return h
	}
	return Health{Unknown, "NoKnownCondition", "its conditions say nothing that is understood"}
}

// partWrong returns a condition about a part that is not as it should be, such as
// PodsHealthy=False, where no condition sums them up.
func partWrong(status object) object {
	for _, it := range status.list("conditions") {
		c, _ := it.(map[string]any)
		if object(c).text("status") != "False" {
			continue
		}
		for _, suffix := range []string{"Healthy", "Ready", "Available", "Synced", "Succeeded"} {
			if strings.HasSuffix(object(c).text("type"), suffix) {
				return c
			}
		}
	}
	return nil
}

// phaseOf sorts the words that operators use for the state of an object.
func phaseOf(word string) Status {
	word = strings.ToLower(word)
	switch word {
	case "running", "ready", "active", "healthy", "succeeded", "success", "successful", "completed", "complete", "available",
		"bound", "online", "established", "operational", "provisioned", "deployed", "installed", "synced":
		return Healthy
	case "failed", "failure", "error", "errored", "degraded", "faulted", "invalid", "rejected", "lost":
		return Failed
	case "suspended", "paused", "stopped", "hibernated", "disabled":
		return Suspended
	case "unknown":
		return Unknown
	}
	if strings.HasSuffix(word, "error") || strings.HasSuffix(word, "failed") {
		return Failed
	}
	return Progressing
}

// ends tells whether a kind is work that ends: there running is not the goal.
func ends(kind string) bool {
	for _, suffix := range []string{"Backup", "Restore", "Snapshot", "Run", "Job", "Task", "Workflow", "Migration"} {
		if strings.HasSuffix(kind, suffix) {
			return true
		}
	}
	return false
}

// byPhase tells the health of custom resources that have a phase only.
func byPhase(o, status object) (Health, bool) {
	for _, key := range []string{"phase", "state"} {
		word := status.text(key)
		if word == "" {
			continue
		}
		s := phaseOf(word)
		if strings.EqualFold(word, "running") && ends(o.text("kind")) {
			s = Progressing
		}
		if s == Healthy {
			return Health{Status: Healthy}, true
		}
		return told(s, status, "it is in state "+word, word), true
	}
	return Health{}, false
}
