package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The bounds of evidence: together at most some 16 KiB, so that it can be kept
// in the status of a Release.
const (
	maxEvents   = 10
	maxStatuses = 6
	maxLogs     = 4
	maxLog      = 2000    // bytes of one log
	maxText     = 300     // bytes of any other text
	maxScan     = 4 << 10 // bytes of a text that are looked at
)

// evidence lists what a person will want to see, the nearest to the cause first:
// the containers that are not in order (the one of the diagnosis before the
// others), their logs, warnings, conditions.
func evidence(c Case, d Diagnosis) (out []Evidence) {
	out = append(out, statuses(c, d)...)
	out = append(out, logs(c, d)...)
	out = append(out, warnings(c)...)
	for _, w := range sub(c.Workload, "status").maps("conditions") {
		typ, status := w.text("type"), w.text("status")
		if status == "True" && typ != "ReplicaFailure" && typ != "Failed" {
			continue
		}
		kind, _ := c.Workload["kind"].(string)
		out = append(out, Evidence{Kind: "condition", Object: kind + " " + name(c.Workload), Time: w.text("lastTransitionTime"),
			Text: typ + " is " + status + ": " + brief(w.says())})
	}
	return out
}

func (o object) says() string {
	if m := o.text("message"); m != "" {
		return m
	}
	return o.text("reason")
}

func statuses(c Case, d Diagnosis) (out []Evidence) {
	var rest []Evidence
	for _, p := range c.Pods {
		status := sub(p, "status")
		for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
			for _, s := range status.maps(list) {
				text, at := stateOf(s)
				if text == "" {
					continue
				}
				e := Evidence{Kind: "status", Object: "Pod " + name(p), Time: at, Text: text}
				if s.text("name") == d.Container {
					out = append(out, e)
				} else {
					rest = append(rest, e)
				}
			}
		}
		for _, cond := range status.maps("conditions") {
			if cond.text("type") == "PodScheduled" && cond.text("status") == "False" {
				rest = append(rest, Evidence{Kind: "condition", Object: "Pod " + name(p), Time: cond.text("lastTransitionTime"), Text: "PodScheduled is False: " + brief(cond.says())})
			}
		}
		if r := status.text("reason"); status.text("phase") == "Failed" && r != "" {
			rest = append(rest, Evidence{Kind: "status", Object: "Pod " + name(p), Text: "the pod ended: " + r + " " + brief(status.text("message"))})
		}
	}
	return first(append(out, rest...), maxStatuses)
}

func first[T any](list []T, most int) []T {
	if len(list) > most {
		return list[:most]
	}
	return list
}

func logs(c Case, d Diagnosis) (out []Evidence) {
	var keys, rest []string
	for _, key := range slices.Sorted(maps.Keys(c.Logs)) {
		switch {
		case strings.TrimSpace(c.Logs[key]) == "":
		case d.Container != "" && strings.HasSuffix(key, "/"+d.Container):
			keys = append(keys, key)
		default:
			rest = append(rest, key)
		}
	}
	for _, key := range first(append(keys, rest...), maxLogs) {
		text := tail(strings.ToValidUTF8(Redact(tail(c.Logs[key], maxScan)), "\uFFFD"), maxLog)
		out = append(out, Evidence{Kind: "log", Object: key, Text: strings.TrimSpace(text)})
	}
	return out
}

// tail returns the end of a text, from the start of a line or of a word where
// there is one: what is left of a credential that was cut would not be known for
// one.
func tail(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[len(s)-most:]
	for _, at := range []byte{'\n', ' '} {
		if i := strings.IndexByte(s, at); i >= 0 && i < most/2 {
			s = s[i+1:]
			break
		}
	}
	return "…" + strings.ToValidUTF8(s, "")
}

func warnings(c Case) (out []Evidence) {
	events := slices.Clone(c.Events)
	slices.SortStableFunc(events, func(a, b map[string]any) int { return strings.Compare(when(b), when(a)) })
	seen := map[string]bool{}
	for _, ev := range events {
		if object(ev).text("type") == "Normal" || len(out) == maxEvents {
			continue
		}
		o := regarding(ev)
		e := Evidence{Kind: "event", Object: brief(strings.TrimSpace(o.text("kind") + " " + o.text("name"))), Time: when(ev), Text: sentence(ev)}
		if key := e.Object + e.Text; !seen[key] {
			seen[key] = true
			out = append(out, e)
		}
	}
	return out
}

// stateOf says what a container that is not in order is doing, and since when.
func stateOf(c object) (text, at string) {
	n := c.text("name")
	var parts []string
	if w := sub(c, "state", "waiting"); w.text("reason") != "" {
		parts = append(parts, "waits: "+w.text("reason")+" "+brief(w.text("message")))
	}
	for _, where := range []string{"state", "lastState"} {
		if t := sub(c, where, "terminated"); len(t) > 0 && (t.count("exitCode") != 0 || t.text("reason") != "Completed" || len(parts) > 0) {
			at = t.text("finishedAt")
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("ended: %s, exit code %d, restarted %d times %s", t.text("reason"), t.count("exitCode"), c.count("restartCount"), brief(t.text("message")))))
			break
		}
	}
	if len(parts) == 0 {
		return "", ""
	}
	return "container " + n + " " + strings.TrimSpace(strings.Join(parts, "; ")), at
}
