package health

import (
	"fmt"
	"slices"
	"strings"
)

// recipe says as data how the kinds of an operator tell their health. It is
// read in the order of its fields; the first that decides counts.
type recipe struct {
	// kinds are "group: Kind Kind; group: Kind". A group may start with * to
	// stand for all that end so; the kind * stands for all of a group.
	kinds string
	// hold are settings that suspend an object: dotted paths that are true, or
	// path=value.
	hold string
	// still, wrong and busy are conditions that mean suspended, failed and
	// progressing: Type=Status, Type=Status:Reason,Reason for some reasons only,
	// Type=Status:!Reason for all but these.
	still, wrong, busy string
	// phase is the path of a word for the state; good, bad, held and unsure are
	// the values, separated by |, that mean healthy, failed, suspended and
	// unknown. Others mean progressing. If ready is set too, a good phase leaves
	// the decision to it.
	phase                   string
	good, bad, held, unsure string
	// ready are the conditions that must be True. One that is not there was not
	// observed yet.
	ready string
	// not is what it means when one of them is False: Failed if it is empty.
	not Status
	// mute kinds may go without a status: they are healthy if nothing is wrong.
	mute bool
	// also is asked when all else says healthy.
	also func(object) Health
}

// spread reads "group: Kind Kind; group: Kind" as group/Kind.
func spread(kinds string) (out []string) {
	for part := range strings.SplitSeq(kinds, ";") {
		group, names, found := strings.Cut(part, ":")
		if !found {
			out = append(out, strings.TrimSpace(part))
			continue
		}
		for name := range strings.FieldsSeq(names) {
			out = append(out, strings.TrimSpace(group)+"/"+name)
		}
	}
	return out
}

func (r recipe) each() []string { return spread(r.kinds) }

// setting is a field and the value that it must have; "" means true.
type setting struct {
	name  string
	path  path
	value string
}

func settings(s string) (out []setting) {
	for f := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(f, "=")
		out = append(out, setting{name, split(name), value})
	}
	return out
}

// split reads a dotted path; annotations keep the dots of their names.
func split(s string) path {
	if name, ok := strings.CutPrefix(s, "metadata.annotations."); ok {
		return path{"metadata", "annotations", name}
	}
	return strings.Split(s, ".")
}

func (s setting) holds(o object) bool {
	switch v := o.at(s.path).(type) {
	case bool:
		return v && s.value == ""
	case string:
		return s.value != "" && strings.EqualFold(v, s.value) || s.value == "" && v == "true"
	}
	return false
}

// match is a condition with a status and, if there are any, some reasons.
type match struct {
	typ, status string
	reasons     []string
	but         bool
}

func matches(s string) (out []match) {
	for f := range strings.FieldsSeq(s) {
		m := match{}
		var reasons string
		m.typ, m.status, _ = strings.Cut(f, "=")
		m.status, reasons, _ = strings.Cut(m.status, ":")
		if reasons, m.but = strings.CutPrefix(reasons, "!"); reasons != "" {
			m.reasons = strings.Split(reasons, ",")
		}
		out = append(out, m)
	}
	return out
}

func (m match) fits(c object) bool {
	return c.text("status") == m.status && (len(m.reasons) == 0 || slices.Contains(m.reasons, c.text("reason")) != m.but)
}

// judgement is a recipe in the form in which it is asked.
type judgement struct {
	recipe
	tests  []test
	path   path
	phases map[string]Status
	must   []string
}

type test struct {
	match
	status Status
}

func (r recipe) compile() *rule {
	j := &judgement{recipe: r, must: strings.Fields(r.ready)}
	for _, t := range []struct {
		matches string
		status  Status
	}{{r.still, Suspended}, {r.wrong, Failed}, {r.busy, Progressing}} {
		for _, m := range matches(t.matches) {
			j.tests = append(j.tests, test{m, t.status})
		}
	}
	if r.phase != "" {
		j.path, j.phases = split(r.phase), map[string]Status{}
		for _, p := range []struct {
			words  string
			status Status
		}{{r.good, Healthy}, {r.bad, Failed}, {r.held, Suspended}, {r.unsure, Unknown}} {
			for word := range strings.SplitSeq(p.words, "|") {
				if word != "" {
					j.phases[word] = p.status
				}
			}
		}
	}
	return &rule{hold: settings(r.hold), judge: j.judge}
}

func (j *judgement) judge(o object) Health {
	status := o.sub("status")
	for _, t := range j.tests {
		if c := status.condition(t.typ); c != nil && t.fits(c) {
			return told(t.status, c, t.typ+" is "+t.match.status)
		}
	}
	if j.path != nil {
		if h, decided := j.byPhase(o); decided {
			return h
		}
	}
	for _, typ := range j.must {
		if h := j.byCondition(o, status, typ); h.Status != Healthy {
			return h
		}
	}
	if j.also != nil {
		return j.also(o)
	}
	return Health{Status: Healthy}
}

// byPhase decides by the phase; not if it is good and conditions count too.
func (j *judgement) byPhase(o object) (Health, bool) {
	word, _ := o.at(j.path).(string)
	if word == "" {
		if len(j.must) > 0 || j.mute {
			return Health{}, false
		}
		return unseen(), true
	}
	status, known := j.phases[word]
	switch {
	case !known:
		status = Progressing
	case status == Healthy:
		return Health{Status: Healthy}, len(j.must) == 0 && j.also == nil
	}
	return told(status, o.sub("status"), "it is in state "+word, word), true
}

// byCondition decides by one condition that must be True.
func (j *judgement) byCondition(o, status object, typ string) Health {
	c := status.condition(typ)
	if c == nil {
		if j.mute {
			return Health{Status: Healthy}
		}
		return unseen()
	}
	if old(o, c) {
		return outdated()
	}
	switch c.text("status") {
	case "True":
		return Health{Status: Healthy}
	case "False":
		if j.not != "" {
			return told(j.not, c, "it is not "+typ)
		}
		return told(Failed, c, "it is not "+typ)
	}
	return told(Progressing, c, "it is not known to be "+typ)
}

// old tells whether a condition is older than the spec.
func old(o, c object) bool {
	seen, ok := c.number("observedGeneration")
	generation, known := o.sub("metadata").number("generation")
	return ok && known && seen > 0 && seen < generation
}

// told makes a health of what a status or a condition says. The word is the
// reason if it gives none.
func told(s Status, c object, otherwise string, word ...string) Health {
	reason := c.text("reason")
	if len(word) > 0 {
		reason = word[0]
	}
	return Health{s, cut(strings.TrimSpace(reason), maxReason), c.says(otherwise)}
}

func progressing(reason, format string, args ...any) Health {
	return Health{Progressing, reason, fmt.Sprintf(format, args...)}
}
