// Package diagnose tells, from what Kubernetes shows of a workload and its pods,
// why it is not healthy, and whether waiting can help.
package diagnose

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what is wrong, as a slug.
type Kind string

// The kinds.
const (
	None          Kind = ""
	CrashLoop     Kind = "crash-loop"
	OOMKilled     Kind = "oom-killed"
	ImagePull     Kind = "image-pull"
	BadImage      Kind = "bad-image-name"
	ConfigError   Kind = "config-error"
	ProbeFailing  Kind = "probe-failing"
	Unschedulable Kind = "unschedulable"
	VolumeMount   Kind = "volume-mount"
	Quota         Kind = "quota"
	InitFailed    Kind = "init-failed"
	JobFailed     Kind = "job-failed"
	StuckRollout  Kind = "stuck-rollout"
)

// crashes is how many restarts make a crash loop that waiting does not end.
const crashes = 3

// Case is what is known about one workload. Objects are as decoded JSON.
type Case struct {
	Workload map[string]any
	// Pods are those of the workload's newest revision.
	Pods []map[string]any
	// Events are about the workload or its pods.
	Events []map[string]any
	// Logs are the ends of containers' logs, by "pod/container".
	Logs map[string]string
}

// Diagnosis is what a case means.
type Diagnosis struct {
	Kind Kind
	// Definite means that waiting cannot help.
	Definite bool
	// Container is the container that it is about, "" if none.
	Container string
	// Message says it for a person, "" if nothing is wrong that shows.
	Message  string
	Evidence []Evidence
}

// Evidence is one thing that was seen.
type Evidence struct {
	// Kind is event, condition, status or log.
	Kind   string
	Object string
	// Time is as in the object, RFC 3339, "" if there is none.
	Time string
	Text string
}

// Examine tells what is wrong. Of several things the definite one counts most,
// then the one that is nearest to the cause.
func Examine(c Case) Diagnosis {
	var all []Diagnosis
	for _, p := range c.Pods {
		all = append(all, ofPod(p)...)
	}
	all = append(all, ofWorkload(c.Workload)...)
	all = append(all, ofEvents(c.Events)...)
	var out Diagnosis
	for _, d := range all {
		if out.Kind == None || d.Definite && !out.Definite || d.Definite == out.Definite && rank(d.Kind) < rank(out.Kind) {
			out = d
		}
	}
	out.Evidence = evidence(c)
	return out
}

// ranking orders kinds by how near they are to the cause.
var ranking = []Kind{BadImage, ConfigError, OOMKilled, InitFailed, CrashLoop, ImagePull, VolumeMount, Quota, Unschedulable, ProbeFailing, JobFailed, StuckRollout}

func rank(k Kind) int { return slices.Index(ranking, k) }

type object map[string]any

func sub(m map[string]any, path ...string) object {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) count(key string) int64 {
	switch v := o[key].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

func (o object) maps(key string) (out []object) {
	list, _ := o[key].([]any)
	for _, it := range list {
		if m, ok := it.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func name(m map[string]any) string { return sub(m, "metadata").text("name") }

func ofPod(pod map[string]any) (out []Diagnosis) {
	if sub(pod, "metadata")["deletionTimestamp"] != nil {
		return nil
	}
	status := sub(pod, "status")
	for _, c := range status.maps("initContainerStatuses") {
		if d := ofContainer(c, true); d.Kind != None {
			out = append(out, d)
		}
	}
	for _, c := range status.maps("containerStatuses") {
		if d := ofContainer(c, false); d.Kind != None {
			out = append(out, d)
		}
	}
	for _, c := range status.maps("conditions") {
		if c.text("type") == "PodScheduled" && c.text("status") == "False" {
			out = append(out, Diagnosis{Kind: Unschedulable, Message: "no node takes the pod: " + brief(c.text("message"))})
		}
	}
	return out
}

func ofContainer(c object, init bool) Diagnosis {
	d := Diagnosis{Container: c.text("name")}
	waiting, last := sub(c, "state", "waiting"), sub(c, "lastState", "terminated")
	restarts := c.count("restartCount")
	switch reason := waiting.text("reason"); reason {
	case "InvalidImageName":
		d.Kind, d.Definite = BadImage, true
		d.Message = fmt.Sprintf("container %s: the image name is not valid: %s", d.Container, brief(waiting.text("message")))
	case "ErrImageNeverPull":
		d.Kind, d.Definite = ImagePull, true
		d.Message = fmt.Sprintf("container %s: the image is not on the node and must not be pulled: %s", d.Container, c.text("image"))
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable":
		d.Kind = ImagePull
		// What the registry does not have it will not have in a minute.
		text := waiting.text("message")
		d.Definite = strings.Contains(text, "not found") || strings.Contains(text, "manifest unknown") || strings.Contains(text, "repository does not exist")
		d.Message = fmt.Sprintf("container %s: the image %s cannot be pulled: %s", d.Container, c.text("image"), brief(text))
	case "CreateContainerConfigError":
		d.Kind, d.Definite = ConfigError, false
		d.Message = fmt.Sprintf("container %s cannot be configured: %s", d.Container, brief(waiting.text("message")))
	case "CreateContainerError", "RunContainerError":
		d.Kind, d.Definite = ConfigError, restarts >= crashes
		d.Message = fmt.Sprintf("container %s cannot be started: %s", d.Container, brief(waiting.text("message")))
	default:
		ended := sub(c, "state", "terminated")
		if len(ended) == 0 {
			ended = last
		}
		return ofEnd(d, ended, reason, restarts, init)
	}
	return d
}

// ofEnd tells what a container's end means.
func ofEnd(d Diagnosis, ended object, waiting string, restarts int64, init bool) Diagnosis {
	if len(ended) == 0 || ended.text("reason") == "Completed" && ended.count("exitCode") == 0 && waiting != "CrashLoopBackOff" {
		return d
	}
	times := fmt.Sprintf("restarted %d times", restarts)
	switch {
	case ended.text("reason") == "OOMKilled":
		d.Kind, d.Definite = OOMKilled, restarts >= crashes
		d.Message = fmt.Sprintf("container %s was killed because it used more memory than its limit (%s)", d.Container, times)
	case init:
		d.Kind, d.Definite = InitFailed, restarts >= crashes
		d.Message = fmt.Sprintf("init container %s ended with exit code %d (%s)", d.Container, ended.count("exitCode"), times)
	case waiting == "CrashLoopBackOff" || restarts > 0:
		d.Kind, d.Definite = CrashLoop, restarts >= crashes
		d.Message = fmt.Sprintf("container %s ended with exit code %d (%s)", d.Container, ended.count("exitCode"), times)
	}
	return d
}

func ofWorkload(w map[string]any) (out []Diagnosis) {
	for _, c := range sub(w, "status").maps("conditions") {
		typ, status, message := c.text("type"), c.text("status"), brief(c.text("message"))
		switch {
		case typ == "Progressing" && status == "False" && c.text("reason") == "ProgressDeadlineExceeded":
			out = append(out, Diagnosis{Kind: StuckRollout, Definite: true, Message: "the rollout does not get on: " + message})
		case typ == "ReplicaFailure" && status == "True":
			out = append(out, Diagnosis{Kind: Quota, Message: "pods cannot be made: " + message})
		case typ == "Failed" && status == "True" && w["kind"] == "Job":
			out = append(out, Diagnosis{Kind: JobFailed, Definite: true, Message: "the job failed: " + message})
		}
	}
	return out
}

func ofEvents(events []map[string]any) (out []Diagnosis) {
	for _, ev := range events {
		e := object(ev)
		text := e.text("message")
		switch e.text("reason") {
		case "Unhealthy":
			out = append(out, Diagnosis{Kind: ProbeFailing, Message: brief(text)})
		case "FailedMount", "FailedAttachVolume":
			out = append(out, Diagnosis{Kind: VolumeMount, Message: "a volume cannot be mounted: " + brief(text)})
		case "FailedCreate":
			out = append(out, Diagnosis{Kind: Quota, Message: "pods cannot be made: " + brief(text)})
		}
	}
	return out
}

// brief makes one line of bounded length.
func brief(s string) string {
	s = strings.Join(strings.Fields(Redact(s)), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
