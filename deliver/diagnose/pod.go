package diagnose

import (
	"cmp"
	"fmt"
	"strings"
)

// ofPod tells what is wrong with one pod. One that is being deleted is no
// concern of its revision any more.
func ofPod(pod map[string]any, c Case) (out []Diagnosis) {
	if sub(pod, "metadata")["deletionTimestamp"] != nil {
		return nil
	}
	status := sub(pod, "status")
	if d := ofPhase(status); d.Kind != None {
		return append(out, d)
	}
	for _, s := range status.maps("initContainerStatuses") {
		if d := ofContainer(pod, s, true, c); d.Kind != None {
			out = append(out, d)
		}
	}
	for _, s := range status.maps("containerStatuses") {
		if d := ofContainer(pod, s, false, c); d.Kind != None {
			out = append(out, d)
		}
	}
	for _, cond := range status.maps("conditions") {
		if cond.text("type") != "PodScheduled" || cond.text("status") != "False" || cond.text("reason") == "SchedulingGated" {
			continue
		}
		out = append(out, ofScheduling(cond))
	}
	return out
}

// ofPhase tells of pods that ended as a whole.
func ofPhase(status object) Diagnosis {
	reason, message := status.text("reason"), status.text("message")
	d := Diagnosis{Reason: reason}
	switch {
	case reason == "NodeLost" || status.text("phase") == "Unknown":
		d.Kind, d.Message = NodeLost, "the node of the pod does not answer"
	case status.text("phase") != "Failed":
		return d
	case reason == "Evicted", reason == "Preempting", reason == "Terminated", reason == "NodeShutdown":
		d.Kind, d.Message = Evicted, "the pod was evicted: "+brief(message)
	case reason == "DeadlineExceeded":
		d.Kind, d.Message = ContainerFailed, "the pod ran longer than its activeDeadlineSeconds"
	case reason == "UnexpectedAdmissionError" || strings.HasPrefix(reason, "OutOf") || reason == "NodeAffinity":
		d.Kind, d.Message = Unschedulable, "the node refuses the pod: "+brief(cmp.Or(message, reason))
	}
	return d
}

func ofScheduling(cond object) Diagnosis {
	text := cond.text("message")
	d := Diagnosis{Kind: Unschedulable, Reason: cond.text("reason"), Message: "no node takes the pod: " + brief(text)}
	if strings.Contains(text, "persistentvolumeclaim") || strings.Contains(text, "PersistentVolumeClaims") || strings.Contains(text, "volume node affinity") {
		d.Kind = VolumeMount
	}
	return d
}

// ofContainer tells what is wrong with one container.
func ofContainer(pod map[string]any, c object, init bool, all Case) Diagnosis {
	waiting := sub(c, "state", "waiting")
	d := Diagnosis{Container: c.text("name"), Reason: waiting.text("reason")}
	text := waiting.text("message")
	what := "container " + d.Container
	switch d.Reason {
	case "":
		return ofEnd(pod, c, d, init, all)
	case "InvalidImageName":
		d.Kind, d.Definite = BadImage, true
		d.Message = fmt.Sprintf("%s: the image name %s is not valid", what, brief(c.text("image")))
	case "ErrImageNeverPull":
		d.Kind, d.Definite = ImageNever, true
		d.Message = fmt.Sprintf("%s: the image %s is not on the node, and its pull policy is Never", what, brief(c.text("image")))
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		d.Kind = ImagePull
		// What the registry did not have twice it will not have in a minute; the
		// first time it may only be late.
		d.Definite = d.Reason == "ImagePullBackOff" && absent(text) || d.Reason == "SignatureValidationFailed"
		d.Message = fmt.Sprintf("%s: the image %s cannot be pulled: %s", what, brief(c.text("image")), brief(cmp.Or(text, d.Reason)))
	case "CreateContainerConfigError":
		d.Kind = ConfigError
		d.Definite = strings.Contains(text, "runAsNonRoot") || strings.Contains(text, "non-numeric user")
		d.Message = fmt.Sprintf("%s cannot be configured: %s", what, brief(cmp.Or(text, d.Reason)))
	case "CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError":
		d.Kind = StartError
		d.Definite = c.count("restartCount") >= crashes || c.count("restartCount") > 0 && noProgram(text)
		d.Message = fmt.Sprintf("%s cannot be started: %s", what, brief(cmp.Or(text, d.Reason)))
	default:
		return ofEnd(pod, c, d, init, all)
	}
	return d
}

// absent tells whether a registry says that it does not have an image, and not
// that it cannot be reached or does not let us in.
func absent(text string) bool {
	for _, s := range []string{"manifest unknown", "repository does not exist", "name unknown", "NAME_UNKNOWN", "MANIFEST_UNKNOWN", ": not found", "404 Not Found"} {
		if strings.Contains(text, s) {
			return !strings.Contains(text, "no such host") && !strings.Contains(text, "connection refused")
		}
	}
	return false
}

// noProgram tells whether the command is not in the image, which no restart
// changes.
func noProgram(text string) bool {
	return strings.Contains(text, "executable file not found") || strings.Contains(text, "no such file or directory") || strings.Contains(text, "exec format error") || strings.Contains(text, "permission denied")
}

// ofEnd tells what it means that a container ended, or that it runs and is not
// ready.
func ofEnd(pod map[string]any, c object, d Diagnosis, init bool, all Case) Diagnosis {
	now, last := sub(c, "state", "terminated"), sub(c, "lastState", "terminated")
	running := c["state"] != nil && sub(c, "state")["running"] != nil
	if running && (c.flag("ready") || init) {
		return Diagnosis{}
	}
	ended := now
	if len(ended) == 0 {
		ended = last
	}
	loops := d.Reason == "CrashLoopBackOff"
	if len(ended) == 0 || len(now) > 0 && now.count("exitCode") == 0 && !loops {
		if running {
			return notReady(pod, c, d, all)
		}
		return Diagnosis{}
	}
	restarts := c.count("restartCount")
	d.Reason = cmp.Or(d.Reason, ended.text("reason"))
	again := !running && (loops || len(now) > 0) && restarts >= crashes
	return named(pod, c, d, ended, again, init, all)
}

// named finds the kind of an end.
func named(pod map[string]any, c object, d Diagnosis, ended object, again, init bool, all Case) Diagnosis {
	restarts, code := c.count("restartCount"), ended.count("exitCode")
	times := fmt.Sprintf("restarted %d times", restarts)
	if restarts == 1 {
		times = "restarted once"
	}
	d.Definite = again
	what := "container " + d.Container
	if init {
		what = "init " + what
	}
	said := lastWords(pod, d.Container, ended, all)
	switch probe := killedByProbe(pod, d.Container, code, all); {
	case ended.text("reason") == "OOMKilled":
		d.Kind, d.Message = OOMKilled, fmt.Sprintf("%s was killed because it used more memory than its limit (%s)", what, times)
	case ended.text("reason") == "StartError" || ended.text("reason") == "ContainerCannotRun":
		d.Kind, d.Definite = StartError, again || restarts > 0 && noProgram(ended.text("message"))
		d.Message = fmt.Sprintf("%s cannot be started: %s (%s)", what, brief(ended.text("message")), times)
	case init:
		d.Kind, d.Message = InitFailed, fmt.Sprintf("%s ended with %s (%s)%s", what, exit(code), times, said)
	case probe != "":
		d.Kind, d.Reason = ProbeFailing, "Liveness"
		d.Message = fmt.Sprintf("%s is killed again and again because its probe fails: %s (%s)", what, probe, times)
	case d.Reason == "CrashLoopBackOff" || restarts > 0:
		d.Kind, d.Message = CrashLoop, fmt.Sprintf("%s ended with %s (%s)%s", what, exit(code), times, said)
	default:
		d.Kind, d.Definite = ContainerFailed, false
		d.Message = fmt.Sprintf("%s ended with %s%s", what, exit(code), said)
	}
	return d
}

// exit says what an exit code means.
func exit(code int64) string {
	means := map[int64]string{
		0: "it ended by itself though it should keep running", 126: "the command cannot be executed", 127: "the command was not found",
		134: "aborted", 137: "killed", 139: "invalid memory access", 143: "ended on request",
	}[code]
	if means == "" {
		return fmt.Sprintf("exit code %d", code)
	}
	return fmt.Sprintf("exit code %d: %s", code, means)
}

// lastWords are what a container said before it ended: its termination message,
// or else the last line of its log.
func lastWords(pod map[string]any, container string, ended object, c Case) string {
	text := strings.TrimSpace(ended.text("message"))
	if text == "" {
		text = strings.TrimSpace(tail(c.Logs[name(pod)+"/"+container], maxScan))
	}
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		// Redact first: a line may be the rest of a key.
		red := strings.TrimSpace(Redact(text))
		text = red[strings.LastIndexByte(red, '\n')+1:]
	}
	if text == "" {
		return ""
	}
	return ": " + brief(text)
}

// killedByProbe returns what a failing liveness or startup probe says if the
// kubelet killed the container for it.
func killedByProbe(pod map[string]any, container string, code int64, c Case) string {
	if code != 137 && code != 143 {
		return ""
	}
	for _, e := range c.Events {
		text := messageOf(e)
		if object(e).text("reason") == "Unhealthy" && about(e, pod, container) && (strings.HasPrefix(text, "Liveness") || strings.HasPrefix(text, "Startup")) {
			return brief(text)
		}
	}
	return ""
}

// notReady tells of a container that runs but is not ready.
func notReady(pod map[string]any, c object, d Diagnosis, all Case) Diagnosis {
	d.Kind, d.Reason = ProbeFailing, "Readiness"
	d.Message = "container " + d.Container + " runs but is not ready"
	if started, said := c["started"].(bool); said && !started {
		d.Reason, d.Message = "Startup", "container "+d.Container+" runs but its startup probe has not succeeded yet"
	}
	for _, e := range all.Events {
		if object(e).text("reason") == "Unhealthy" && about(e, pod, d.Container) {
			text := messageOf(e)
			if probe, _, ok := strings.Cut(text, " probe"); ok {
				d.Reason = probe
			}
			d.Message += ": " + brief(text)
			break
		}
	}
	return d
}
