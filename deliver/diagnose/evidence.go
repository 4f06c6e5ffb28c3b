package diagnose

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The bounds of evidence.
const (
	maxEvents = 12
	maxLog    = 2000 // bytes of one log
)

// evidence lists what a person will want to see, the nearest to the cause first.
func evidence(c Case) (out []Evidence) {
	for _, p := range c.Pods {
		for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
			for _, s := range sub(p, "status").maps(list) {
				if text := stateOf(s); text != "" {
					out = append(out, Evidence{Kind: "status", Object: "Pod " + name(p), Text: text})
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Logs)) {
		text := Redact(c.Logs[key])
		if len(text) > maxLog {
			text = "…" + strings.ToValidUTF8(text[len(text)-maxLog:], "")
		}
		out = append(out, Evidence{Kind: "log", Object: key, Text: strings.TrimSpace(strings.ToValidUTF8(text, "�"))})
	}
	events := slices.Clone(c.Events)
	slices.SortStableFunc(events, func(a, b map[string]any) int { return strings.Compare(when(b), when(a)) })
	for _, ev := range events {
		e := object(ev)
		if e.text("type") == "Normal" {
			continue
		}
		about := sub(ev, "involvedObject")
		out = append(out, Evidence{Kind: "event", Object: about.text("kind") + " " + about.text("name"), Time: when(ev), Text: e.text("reason") + ": " + brief(e.text("message"))})
		if len(out) > maxEvents+len(c.Logs) {
			break
		}
	}
	for _, w := range sub(c.Workload, "status").maps("conditions") {
		if w.text("status") == "False" || w.text("type") == "ReplicaFailure" || w.text("type") == "Failed" {
			out = append(out, Evidence{Kind: "condition", Object: fmt.Sprint(c.Workload["kind"], " ", name(c.Workload)), Time: w.text("lastTransitionTime"), Text: w.text("type") + " is " + w.text("status") + ": " + brief(w.text("message"))})
		}
	}
	return out
}

// when is the newest time that an event carries.
func when(e map[string]any) string {
	for _, k := range []string{"lastTimestamp", "eventTime", "firstTimestamp"} {
		if s := object(e).text(k); s != "" {
			return s
		}
	}
	return sub(e, "metadata").text("creationTimestamp")
}

// stateOf says what a container that is not in order is doing.
func stateOf(c object) string {
	n := c.text("name")
	if w := sub(c, "state", "waiting"); w.text("reason") != "" {
		return fmt.Sprintf("container %s waits: %s %s", n, w.text("reason"), brief(w.text("message")))
	}
	for _, at := range []string{"state", "lastState"} {
		if t := sub(c, at, "terminated"); len(t) > 0 && t.text("reason") != "Completed" {
			return fmt.Sprintf("container %s ended: %s, exit code %d, restarted %d times", n, t.text("reason"), t.count("exitCode"), c.count("restartCount"))
		}
	}
	return ""
}

// secrets are texts that look like credentials: what stands behind a key with
// such a name, in an address, in a header, and tokens of well-known shapes.
var secrets = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?["']?\s*[:=]\s*["']?)[^\s"',;}]+`),
		regexp.MustCompile(`(?i)(://[^/\s:@]*:)[^/\s@]+(@)`),
		regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["']?(?:basic|bearer)?\s*)[A-Za-z0-9._~+/=-]{8,}`),
		regexp.MustCompile(`()\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{20,}|xox[abpr]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,})`),
		regexp.MustCompile(`()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	}
})

// Redact takes what looks like credentials out of a text. It is a net below a
// net: programs should not log them.
func Redact(text string) string {
	for _, re := range secrets() {
		text = re.ReplaceAllString(text, "${1}[redacted]${2}")
	}
	return text
}
