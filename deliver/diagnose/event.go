package diagnose

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// messageOf reads an event of either API: events.k8s.io calls its text note.
func messageOf(e map[string]any) string {
	return cmp.Or(object(e).text("message"), object(e).text("note"))
}

// regarding is the object that an event is about.
func regarding(e map[string]any) object {
	if o := sub(e, "involvedObject"); len(o) > 0 {
		return o
	}
	return sub(e, "regarding")
}

// about tells whether an event is about a container of a pod. Events that do not
// say which container are about all.
func about(e, pod map[string]any, container string) bool {
	o := regarding(e)
	if n := o.text("name"); n != "" && n != name(pod) {
		return false
	}
	field := o.text("fieldPath")
	return field == "" || strings.HasSuffix(field, "{"+container+"}")
}

// when is the newest time that an event carries.
func when(e map[string]any) string {
	if s := sub(e, "series").text("lastObservedTime"); s != "" {
		return s
	}
	for _, k := range []string{"lastTimestamp", "deprecatedLastTimestamp", "eventTime", "firstTimestamp"} {
		if s := object(e).text(k); s != "" {
			return s
		}
	}
	return sub(e, "metadata").text("creationTimestamp")
}

// missing matches what the kubelet and the scheduler say of things that a pod
// needs and that are not there.
var missing = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:configmap|secret)s? "[^"]+" not found|references non-existent (?:config|secret) key`)
})

// ofEvents tells what only events show. Those about pods in order are left out:
// an event lives for an hour.
func ofEvents(c Case) (out []Diagnosis) {
	seen := map[identity]bool{}
	for _, e := range c.Events {
		d := ofEvent(e)
		if d.Kind == None || d.Kind != Admission && d.Kind != Quota && settled(e, c) || seen[d.id()] {
			continue
		}
		seen[d.id()] = true
		out = append(out, d)
	}
	return out
}

func ofEvent(e map[string]any) Diagnosis {
	reason, text := object(e).text("reason"), messageOf(e)
	d := Diagnosis{Reason: reason}
	switch reason {
	case "Unhealthy":
		d.Kind, d.Message = ProbeFailing, brief(text)
		if probe, _, ok := strings.Cut(text, " probe"); ok {
			d.Reason = probe
		}
	case "FailedMount", "FailedAttachVolume", "FailedMapVolume":
		d.Kind, d.Message = VolumeMount, "a volume cannot be mounted: "+brief(text)
		if missing().MatchString(text) {
			d.Kind = ConfigError
		}
	case "FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady":
		d.Kind, d.Message = Sandbox, "the pod's network cannot be set up: "+brief(text)
	case "FailedCreate":
		return ofCreation(reason, text)
	case "NodeNotReady":
		d.Kind, d.Message = NodeLost, "the node of the pod is not ready"
	case "Evicted", "TaintManagerEviction":
		d.Kind, d.Message = Evicted, "the pod was evicted: "+brief(text)
	}
	return d
}

// settled tells whether the pod that an event is about is known and ready now,
// or being deleted.
func settled(e map[string]any, c Case) bool {
	n := regarding(e).text("name")
	for _, p := range c.Pods {
		if name(p) != n {
			continue
		}
		if sub(p, "metadata")["deletionTimestamp"] != nil {
			return true
		}
		for _, cond := range sub(p, "status").maps("conditions") {
			if cond.text("type") == "Ready" {
				return cond.text("status") == "True"
			}
		}
	}
	return false
}

// sentence is an event as evidence.
func sentence(e map[string]any) string {
	text := object(e).text("reason") + ": " + brief(messageOf(e))
	n := max(object(e).count("count"), sub(e, "series").count("count"), object(e).count("deprecatedCount"))
	if n > 1 {
		text += fmt.Sprintf(" (%d times)", n)
	}
	return text
}
