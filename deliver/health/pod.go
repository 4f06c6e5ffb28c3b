package health

import "strings"

func pod(o object) Health {
	status := o.sub("status")
	switch status.text("phase") {
	case "Succeeded":
		return Health{Status: Healthy}
	case "Failed":
		return told(Failed, status, "its containers failed", firstWord(status.text("reason"), "Failed"))
	case "Running":
		if status.condition("Ready").text("status") == "True" {
			return Health{Status: Healthy}
		}
	case "Unknown":
		return Health{Unknown, "NodeLost", status.says("its node does not answer")}
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, it := range status.list(list) {
			c, _ := it.(map[string]any)
			if h, decided := container(c); decided {
				return h
			}
		}
	}
	if c := status.condition("PodScheduled"); c.text("status") == "False" {
		return progressing("Unschedulable", "%s", c.says("it finds no node"))
	}
	return progressing("NotReady", "it is not ready")
}

func firstWord(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// container tells what a container that waits says of its pod. A back-off or an
// error is a failure; the kubelet tries again all the same.
func container(c object) (Health, bool) {
	waiting := c.sub("state").sub("waiting")
	reason := waiting.text("reason")
	says := "container " + c.text("name") + ": " + waiting.says(reason)
	switch reason {
	case "", "ContainerCreating", "PodInitializing":
		return Health{}, false
	case "InvalidImageName":
		return Health{Failed, reason, says}, true
	}
	if strings.HasSuffix(reason, "BackOff") || strings.HasSuffix(reason, "Error") || strings.HasPrefix(reason, "Err") {
		return Health{Failed, reason, says}, true
	}
	return Health{Progressing, reason, says}, true
}
