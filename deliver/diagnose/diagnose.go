// Package diagnose tells, from what Kubernetes shows of a workload and its pods,
// why it is not healthy, and whether waiting can help.
//
// Invariants:
//
//   - Definite is said only of what does not mend by itself: an image name that
//     is not valid, a container that keeps ending, a pod that admission refuses.
//     What another controller, a person or an autoscaler may mend meanwhile (a
//     missing Secret, no free node, a registry that does not answer) is not.
//   - A container that runs and is ready is in order, whatever it did before.
//   - Texts are bounded, on one line unless they are logs, and without what looks
//     like a credential.
//
// The package is pure: objects are decoded JSON, logs are strings.
package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Kind is what is wrong, as a slug.
type Kind string

// The kinds.
const (
	None            Kind = ""
	CrashLoop       Kind = "crash-loop"
	ContainerFailed Kind = "container-failed"
	OOMKilled       Kind = "oom-killed"
	ImagePull       Kind = "image-pull"
	ImageNever      Kind = "image-never"
	BadImage        Kind = "bad-image-name"
	ConfigError     Kind = "config-error"
	StartError      Kind = "start-error"
	ProbeFailing    Kind = "probe-failing"
	Unschedulable   Kind = "unschedulable"
	VolumeMount     Kind = "volume-mount"
	Sandbox         Kind = "pod-sandbox"
	Quota           Kind = "quota"
	Admission       Kind = "admission"
	InitFailed      Kind = "init-failed"
	JobFailed       Kind = "job-failed"
	StuckRollout    Kind = "stuck-rollout"
	NodeLost        Kind = "node-lost"
	Evicted         Kind = "evicted"
)

// ranking orders kinds by how near they are to the cause.
func ranking() []Kind {
	return []Kind{
		BadImage, ImageNever, ConfigError, Admission, Quota, OOMKilled, StartError, ImagePull, InitFailed, CrashLoop, ContainerFailed,
		VolumeMount, Sandbox, Unschedulable, NodeLost, Evicted, ProbeFailing, JobFailed, StuckRollout,
	}
}

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
	Kind Kind `json:"kind"`
	// Definite means that waiting cannot help.
	Definite bool `json:"definite"`
	// Container is the container that it is about, "" if none.
	Container string `json:"container,omitempty"`
	// Reason is the word of Kubernetes, such as ImagePullBackOff.
	Reason string `json:"reason,omitempty"`
	// Message says it for a person, "" if nothing is wrong that shows.
	Message  string     `json:"message"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is one thing that was seen.
type Evidence struct {
	// Kind is event, condition, status or log.
	Kind   string `json:"kind"`
	Object string `json:"object,omitempty"`
	// Time is as in the object, RFC 3339, "" if there is none.
	Time string `json:"time,omitempty"`
	Text string `json:"text"`
}

// Examine tells what is wrong most of all, with the evidence of the whole case.
// Kind is None if nothing shows.
func Examine(c Case) Diagnosis {
	var out Diagnosis
	if all := All(c); len(all) > 0 {
		out = all[0]
	}
	out.Evidence = evidence(c, out)
	return out
}

// All tells everything that is wrong, without evidence: the definite first, then
// what is nearest to the cause. What several pods have in common is one
// diagnosis.
func All(c Case) []Diagnosis {
	var all []Diagnosis
	pods := map[identity]int{}
	for _, p := range c.Pods {
		seen := map[identity]bool{}
		for _, d := range ofPod(p, c) {
			k := d.id()
			if i := slices.IndexFunc(all, func(o Diagnosis) bool { return o.id() == k }); i < 0 {
				all = append(all, d)
			} else if d.Definite && !all[i].Definite {
				all[i] = d
			}
			if !seen[k] {
				pods[k]++
				seen[k] = true
			}
		}
	}
	for i, d := range all {
		if n := pods[d.id()]; n > 1 || len(c.Pods) > 1 {
			all[i].Message = fmt.Sprintf("%s (%d of %d pods)", d.Message, n, len(c.Pods))
		}
	}
	all = append(all, ofWorkload(c.Workload)...)
	all = append(all, ofEvents(c)...)
	order := ranking()
	slices.SortStableFunc(all, func(a, b Diagnosis) int {
		if a.Definite != b.Definite {
			if a.Definite {
				return -1
			}
			return 1
		}
		return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
	})
	return all
}

// identity is what makes two diagnoses of different pods the same.
type identity struct {
	kind      Kind
	container string
	reason    string
}

func (d Diagnosis) id() identity { return identity{d.Kind, d.Container, d.Reason} }

// ofWorkload reads the conditions of a workload.
func ofWorkload(w map[string]any) (out []Diagnosis) {
	for _, c := range sub(w, "status").maps("conditions") {
		typ, status, reason, message := c.text("type"), c.text("status"), c.text("reason"), c.text("message")
		switch {
		case typ == "Progressing" && status == "False" && reason == "ProgressDeadlineExceeded":
			out = append(out, Diagnosis{Kind: StuckRollout, Definite: true, Reason: reason, Message: "the rollout does not get on: " + brief(message)})
		case typ == "ReplicaFailure" && status == "True":
			out = append(out, ofCreation(reason, message))
		case typ == "Failed" && status == "True" && w["kind"] == "Job":
			out = append(out, Diagnosis{Kind: JobFailed, Definite: true, Reason: reason, Message: "the job failed: " + brief(cmp.Or(message, reason))})
		}
	}
	return out
}

// ofCreation tells why a pod cannot be made, by the API server's own words.
func ofCreation(reason, message string) Diagnosis {
	d := Diagnosis{Kind: Admission, Reason: cmp.Or(reason, "FailedCreate"), Message: "pods cannot be made: " + brief(message)}
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(message, t) })
	}
	switch {
	case has("exceeded quota", "failed quota"):
		d.Kind = Quota
	case has("usage per Container", "usage per Pod", "must be less than or equal to"):
		d.Kind, d.Definite = Quota, true // the limits of the namespace
	case has("failed calling webhook"):
	case has("error looking up service account"), has("serviceaccount") && has("not found"):
		d.Kind = ConfigError
	case has("no PriorityClass with name"):
		d.Kind = ConfigError
	case has("violates PodSecurity", "denied the request", "ValidatingAdmissionPolicy", "is invalid:", "Invalid value:"):
		d.Definite = true
	}
	return d
}

// brief makes one line of bounded length.
func brief(s string) string {
	if len(s) > maxScan {
		s = strings.ToValidUTF8(s[:maxScan], "")
	}
	s = strings.Join(strings.Fields(Redact(s)), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
