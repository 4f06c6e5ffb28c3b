package follow

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe/slo"
)

// AlertBlind is the name of the alert about an objective that cannot be measured.
// The other names are those of the rules.
const AlertBlind = "ObjectiveBlind"

// Alert is what people are told by way of an Alertmanager. Labels tell it from
// all others.
type Alert struct {
	Labels, Annotations map[string]string
	// Starts is when it began. Ends is when it is over: in the future while it
	// fires, for the case that nobody can say more.
	Starts, Ends time.Time
}

// Subject is the objective that an alert is about.
type Subject struct {
	Namespace, Name string
	Objective       *slo.Objective
}

// Firing are the alerts of an objective at a moment. Those of a frozen objective
// are the ones from before.
func Firing(x Subject, s *slo.Status) []Alert {
	var out []Alert
	if i := s.Incident; i != nil {
		out = append(out, x.burn(s, i))
	}
	id := x.Namespace + "/" + x.Name
	for _, a := range []struct {
		alarm         slo.Alarm
		name, summary string
	}{
		{s.Blind, AlertBlind, "Objective " + id + " cannot be measured: its alerts stand still"},
		{s.Absent, slo.AlertAbsent, "Nothing is known of objective " + id + ": there are no series"},
		{s.Invalid, slo.AlertInvalid, "Objective " + id + " counts more good or bad events than there are"},
	} {
		if a.alarm.Firing {
			out = append(out, x.alert(a.name, slo.Ticket, a.alarm.Since, map[string]string{"summary": a.summary, "description": sentence(s.Reason) + "Until that is mended, no alert about its budget can be trusted to come."}))
		}
	}
	return out
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + ". "
}

func (x Subject) alert(name string, severity slo.Severity, since time.Time, annotations map[string]string) Alert {
	labels := maps.Clone(x.Objective.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		"alertname": name, "severity": severity.String(), "namespace": x.Namespace, "objective": x.Name, "service": x.Objective.Service,
	})
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" }) // no label, to Alertmanager
	maps.Copy(annotations, x.Objective.Annotations)
	return Alert{Labels: labels, Annotations: annotations, Starts: since}
}

// burn is the alert of the incident. The tier is none of its labels: an incident
// that escalates stays the same alert, unless it is to wake somebody now.
func (x Subject) burn(s *slo.Status, i *slo.Incident) Alert {
	budget, left := "unknown", "Nothing was counted of the period yet."
	if s.Budget.Known {
		budget = percent(s.Budget.Remaining)
		left = budget + " of the budget of " + x.Objective.Period.String() + " are left."
		if s.Budget.Remaining < 0 {
			left = "The budget of " + x.Objective.Period.String() + " is overspent by " + percent(-s.Budget.Remaining) + "."
		}
	}
	annotations := map[string]string{"tier": i.Tier, "budget": budget}
	rate := "faster than it may"
	for _, t := range x.Objective.Alerting.Tiers {
		if t.Name != i.Tier {
			continue
		}
		for _, b := range s.Burns {
			if b.Window == t.Long && b.Known {
				burn := strconv.FormatFloat(b.Rate, 'f', 1, 64)
				annotations["burn"] = burn
				rate = burn + " times as fast as it may"
				left = fmt.Sprintf("%.0f of %.0f events of the last %s were bad. ", b.Bad, b.Total, slo.FormatDuration(b.Window)) + left
			}
		}
		for k, v := range t.Annotations {
			annotations[k] = v
		}
	}
	annotations["summary"] = "The error budget of " + x.Namespace + "/" + x.Name + " burns " + rate
	if s.State.Frozen() {
		left = "Since " + s.Since.Format(time.RFC3339) + " nothing new is known: " + s.Reason + ". Before, " + strings.ToLower(left[:1]) + left[1:]
	}
	annotations["description"] = left
	return x.alert(slo.AlertBurn, i.Severity, i.Opened, annotations)
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/1e2, 'f', -1, 64) + " %"
}

// The times of alerts: how long one lives that nobody speaks of any more, which is
// longer than a restart takes, and how often it is spoken of.
const (
	Lifetime = 15 * time.Minute
	Resend   = time.Minute
)

// Book knows which alerts of one objective were sent. The zero Book knows of none.
type Book struct{ open map[string]sent }

type sent struct {
	alert Alert
	at    time.Time
}

// Adopt takes over alerts that were sent before this program began. They are
// due, be it to be said again or to be resolved.
func (b *Book) Adopt(all []Alert) {
	for _, a := range all {
		b.note(a, time.Time{})
	}
}

func (b *Book) note(a Alert, at time.Time) {
	if b.open == nil {
		b.open = map[string]sent{}
	}
	b.open[Key(a.Labels)] = sent{a, at}
}

// Turn says what is to be sent at a moment at which some alerts fire: those that
// are new or due, and those that do so no more. An alert keeps the moment at
// which it began for as long as it fires. While the objective is frozen its
// burning is not over, even if this program has no memory of it; and while
// nothing is known, nothing is.
func (b *Book) Turn(firing []Alert, state slo.State, now time.Time) []Alert {
	for _, key := range slices.Sorted(maps.Keys(b.open)) {
		a := b.open[key].alert
		same := func(x Alert) bool { return x.Labels["alertname"] == a.Labels["alertname"] }
		kept := state.Frozen() && a.Labels["alertname"] == slo.AlertBurn || state == slo.Unmeasured
		if kept && !slices.ContainsFunc(firing, same) {
			firing = append(firing, a)
		}
	}
	var out []Alert
	still := map[string]bool{}
	for _, a := range firing {
		key := Key(a.Labels)
		still[key] = true
		last, known := b.open[key]
		if known && last.alert.Starts.Before(a.Starts) {
			a.Starts = last.alert.Starts
		}
		if known && now.Sub(last.at) < Resend && !now.Before(last.at) {
			continue
		}
		a.Ends = now.Add(Lifetime)
		b.note(a, now)
		out = append(out, a)
	}
	for _, key := range slices.Sorted(maps.Keys(b.open)) {
		if a := b.open[key].alert; !still[key] {
			a.Ends = now
			if a.Ends.Before(a.Starts) {
				a.Starts = now
			}
			out = append(out, a)
			delete(b.open, key)
		}
	}
	return out
}

// Close resolves all: the objective is gone.
func (b *Book) Close(now time.Time) []Alert { return b.Turn(nil, slo.Measured, now) }
