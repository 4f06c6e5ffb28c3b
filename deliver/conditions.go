package deliver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

// conclude writes the conditions.
func (p *pass) conclude() {
	if p.st.ObservedGeneration == 0 && p.head.Revision == "" && p.headErr == nil && p.problem == nil && p.app.DeletionTimestamp == nil {
		// The source was asked a moment ago: there is nothing to say yet.
		p.st = p.app.Status.DeepCopy()
		return
	}
	if p.blind() {
		return
	}
	p.st.ObservedGeneration = p.app.Generation
	if p.problem != nil {
		p.mem.failures++
		p.wait(backoff(p.mem.failures))
		level := slog.LevelError
		if fault.KindOf(p.problem) == fault.Unavailable {
			level = slog.LevelWarn // it is tried again by itself
		}
		p.Log.Log(context.Background(), level, "reconcile is not complete", "application", p.key.String(), "error", p.problem.Error(), "trace_id", p.activeTrace())
	} else {
		p.mem.failures = 0 // only failures in a row make the next try wait longer
	}
	p.setSynced()
	p.setHealthy()
	p.setReady()
	if p.problem == nil && p.waiting == "" && len(p.drift) == 0 && p.choice.Held == "" && p.headErr == nil && p.Observer != nil && p.st.Sync != nil && p.viewSynced() {
		p.Observer.Verified(p.key, p.now)
	}
}

// maxBlind is how long a status stays as it was while the watches begin: after
// a restart nothing is to be written that nothing new is behind.
const maxBlind = 30 * time.Second

// blind keeps the status as it was if nothing was done and the watches have not
// seen all objects yet.
func (p *pass) blind() bool {
	if p.viewSynced() || p.problem != nil || p.app.DeletionTimestamp != nil || p.app.Status.Sync == nil || p.mem.release != "" {
		p.mem.blind = time.Time{}
		return false
	}
	if p.mem.blind.IsZero() {
		p.mem.blind = p.now
	}
	left := p.mem.blind.Add(maxBlind).Sub(p.now)
	if left <= 0 {
		return false
	}
	p.st = p.app.Status.DeepCopy()
	p.wait(left)
	return true
}

func (p *pass) viewSynced() bool {
	for _, entry := range p.st.Inventory {
		if _, k, err := ParseID(entry.ID); err == nil && !p.View.Synced(k.GroupKind()) {
			return false
		}
	}
	return true
}

func (p *pass) suspended() {
	p.st.ObservedGeneration = p.app.Generation
	p.condition(v1alpha1.ConditionReady, metav1.ConditionUnknown, "Suspended", "the application is suspended: nothing is synced, healed or rolled back")
	p.condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "Suspended", "until spec.suspend is false")
}

func (p *pass) setSynced() {
	c := v1alpha1.ConditionSynced
	switch {
	case p.app.DeletionTimestamp != nil:
		p.condition(c, metav1.ConditionFalse, "Deleting", cmpText(p.waiting, "removing the objects"))
	case p.problem != nil:
		p.condition(c, metav1.ConditionFalse, reasonOf(p.problem), Public(p.problem))
	case p.choice.Held != "" && (p.headErr == nil || p.head.Revision != ""):
		p.condition(c, metav1.ConditionFalse, "Held", p.choice.Held)
	case p.headErr != nil: // also why there is no revision to choose, after a restart
		p.condition(c, metav1.ConditionUnknown, "SourceUnavailable", Public(p.headErr))
	case p.held:
		p.condition(c, metav1.ConditionFalse, "DeletionHeld", p.waiting)
	case p.waiting != "":
		p.condition(c, metav1.ConditionFalse, "Progressing", p.waiting)
	case len(p.drift) > 0:
		p.condition(c, metav1.ConditionFalse, "Drifted", p.drift[0]+more(len(p.drift)-1))
	case p.st.Sync == nil:
		p.condition(c, metav1.ConditionUnknown, "Unknown", "nothing was synced yet")
	default:
		p.condition(c, metav1.ConditionTrue, "Synced", "the cluster is at revision "+Short(p.st.Sync.Revision))
	}
}

func (p *pass) setHealthy() {
	h := p.st.Health
	status := metav1.ConditionUnknown
	switch health.Status(h.Status) {
	case health.Healthy:
		status = metav1.ConditionTrue
	case health.Failed, health.Progressing, health.Terminating, health.Suspended:
		status = metav1.ConditionFalse
	}
	reason := "Unknown"
	if h.Status != "" {
		reason = strings.ToUpper(h.Status[:1]) + h.Status[1:]
	}
	p.condition(v1alpha1.ConditionHealthy, status, reason, h.Message)
}

func (p *pass) setReady() {
	synced, healthy := p.get(v1alpha1.ConditionSynced), p.get(v1alpha1.ConditionHealthy)
	stalled := p.choice.Stalled || p.held || len(p.contested) > 0 && p.st.Active == nil || p.problem != nil && needsPerson(fault.KindOf(p.problem))
	switch {
	case synced.Status != metav1.ConditionTrue:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, synced.Reason, synced.Message)
	case healthy.Status != metav1.ConditionTrue:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, healthy.Reason, healthy.Message)
	case p.st.Active != nil:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Watching", "revision "+Short(p.st.Active.Revision)+" is healthy and is being watched")
	default:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Ready", "the cluster is at revision "+Short(p.st.Sync.Revision)+" and healthy")
	}
	if stalled {
		ready := p.get(v1alpha1.ConditionReady)
		p.condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, ready.Reason, "a person or a new commit has to act: "+ready.Message)
		return
	}
	p.st.Conditions = slices.DeleteFunc(p.st.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionStalled })
}

func needsPerson(k fault.Kind) bool {
	return k == fault.Invalid || k == fault.Denied || k == fault.Blocked
}

func (p *pass) get(typ string) metav1.Condition {
	for _, c := range p.st.Conditions {
		if c.Type == typ {
			return c
		}
	}
	return metav1.Condition{}
}

// maxMessage keeps a status small: what is longer stands in the release.
const maxMessage = 1024

func (p *pass) condition(typ string, status metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	c := metav1.Condition{Type: typ, Status: status, Reason: reason, Message: strings.ToValidUTF8(message, "�"), ObservedGeneration: p.app.Generation, LastTransitionTime: metav1.NewTime(p.now)}
	for i, old := range p.st.Conditions {
		if old.Type != typ {
			continue
		}
		if old.Status == status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		p.st.Conditions[i] = c
		return
	}
	p.st.Conditions = append(p.st.Conditions, c)
}

// reasonOf is a fault's kind as a condition's reason.
func reasonOf(err error) string {
	f, _ := errors.AsType[*fault.Error](err)
	if f != nil && f.Code != "" {
		return f.Code
	}
	words := strings.Fields(fault.KindOf(err).String())
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func cmpText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return " and " + itoa(n) + " more"
}
