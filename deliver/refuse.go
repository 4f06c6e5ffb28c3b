package deliver

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// maxFindings is how many findings a release shows.
const maxFindings = 20

// refuse ends a revision before anything of it was applied: its signature, its
// rendering or the gate is against it.
func (p *pass) refuse(ctx context.Context, w *want, why error) error {
	name := p.releaseName(w)
	message := Public(why)
	var findings []v1alpha1.Finding
	if v, ok := errors.AsType[verdict](why); ok {
		message, findings = v.Reason, v.Findings[:min(len(v.Findings), maxFindings)]
	}
	rec := p.entry("deliver.refuse", ops.PhaseEvent, name).with("revision", w.revision).decide("refused", message)
	if err := p.record(ctx, rec); err != nil {
		return err
	}
	if err := p.Releases.Create(ctx, p.release(name, w)); err != nil {
		return err
	}
	now := metav1.NewMicroTime(p.Now())
	err := p.Releases.SetStatus(ctx, p.key, name, func(s *v1alpha1.ReleaseStatus) {
		s.Phase, s.Reason, s.Message, s.Findings = v1alpha1.PhaseRefused, reasonOf(why), message, findings
		s.Timings = w.timings()
		s.Timings.Finished = &now
	})
	if err != nil {
		return err
	}
	AddQuarantine(p.st, v1alpha1.Quarantined{
		Revision: w.revision, Digest: w.digest, Settings: p.settings, Reason: QuarantineRefused,
		Message: message, Release: name, Time: metav1.NewTime(p.now),
	})
	if a := p.st.Active; a != nil && a.Phase == v1alpha1.PhaseApplying {
		p.supersede(ctx, a) // nobody wants it any more
		p.mem.release, p.mem.step = "", 0
		p.halfway()
	}
	p.traceBegun(name, w)
	p.finished(v1alpha1.PhaseRefused, message, &v1alpha1.ActiveRelease{Name: name, Revision: w.revision, Trigger: p.choice.Trigger, Seen: moment(w.seen)}, now)
	p.event(true, "Refused", "revision "+Short(w.revision)+" is refused: "+message)
	p.done(v1alpha1.AnnotationSync)
	p.rechoose()
	return nil
}

// rechoose decides anew after a revision was quarantined.
func (p *pass) rechoose() {
	p.choice = Choose(&p.app.Spec, p.st, p.head.Revision, p.settings, false)
	if p.choice.Revision != "" && (p.st.Sync == nil || p.st.Sync.Revision != p.choice.Revision) {
		p.again = 1 // at once
	}
}

// giveUp fails the release in flight if an error of its apply cannot get
// better, or its deadline passed.
func (p *pass) giveUp(ctx context.Context, err error) {
	a := p.st.Active
	if a == nil || a.Phase != v1alpha1.PhaseApplying || p.mem.release == "" {
		return
	}
	left := p.mem.begun.Add(p.deadline()).Sub(p.now)
	late := left <= 0
	if !late && (!needsPerson(fault.KindOf(err)) || lacksRights(err)) {
		p.wait(left)
		return
	}
	reason := Public(err)
	if late {
		reason = "not applied within " + p.deadline().String() + ": " + reason
	}
	if lacksRights(err) {
		reason += "; once they are granted, `aeo release retry " + a.Name + " -n " + p.key.Namespace + "` tries it again"
	}
	if p.reject(ctx, a, reason, nil) {
		p.problem = nil
	}
}

// CodeRightsMissing marks a refusal because an account may not do what it does:
// somebody may be about to grant it, or another application.
const CodeRightsMissing = "RightsMissing"

// lacksRights tells whether missing rights are all that a person has to act on.
func lacksRights(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok || !needsPerson(f.Kind):
		return false
	case f.Code == CodeRightsMissing:
		return true
	}
	many, ok := f.Cause.(interface{ Unwrap() []error })
	if !ok {
		return false
	}
	for _, e := range many.Unwrap() {
		if needsPerson(fault.KindOf(e)) && !lacksRights(e) {
			return false
		}
	}
	return true
}

// reject ends a release that failed: its evidence is kept, it is quarantined,
// and the next pass puts the last good revision back.
func (p *pass) reject(ctx context.Context, a *v1alpha1.ActiveRelease, reason string, evidence []v1alpha1.Evidence) bool {
	good := ""
	if g := p.st.LastGood; g != nil && !p.app.Spec.Rollback.Disabled && g.Revision != a.Revision {
		good = g.Revision
	}
	rec := p.entry("deliver.reject", ops.PhaseEvent, a.Name).with("revision", a.Revision).with("rolledBackTo", good).decide("failed", reason)
	if err := p.record(ctx, rec); err != nil {
		p.fail(err)
		return false
	}
	now := metav1.NewMicroTime(p.Now())
	err := p.Releases.SetStatus(ctx, p.key, a.Name, func(s *v1alpha1.ReleaseStatus) {
		s.Phase, s.Reason, s.Message, s.RolledBackTo = v1alpha1.PhaseFailed, "Failed", reason, good
		if len(evidence) > 0 {
			s.Evidence = evidence
		}
		s.Timings.Seen, s.Timings.Applied, s.Timings.Healthy, s.Timings.Finished = a.Seen, a.Applied, a.Healthy, &now
	})
	if err != nil {
		// The release is a record; the way back must not wait for it.
		p.fail(err)
	}
	digest := ""
	if w := p.mem.want; w != nil && w.revision == a.Revision {
		digest = w.digest
	} else if s := p.st.Sync; s != nil && s.Revision == a.Revision {
		digest = s.Digest
	}
	p.onFailure(ctx)
	if a.Trigger != TriggerRollback {
		cause := QuarantineFailed
		if len(p.contested) > 0 {
			cause = QuarantineContested
		}
		// What was good before is not given up because it does not recover: there
		// is nothing better to go to.
		AddQuarantine(p.st, v1alpha1.Quarantined{
			Revision: a.Revision, Digest: digest, Settings: p.settings, Reason: cause,
			Message: reason, Release: a.Name, Time: metav1.NewTime(p.now),
		})
	}
	p.finished(v1alpha1.PhaseFailed, reason, a, now)
	p.event(true, "ReleaseFailed", "revision "+Short(a.Revision)+" failed: "+reason)
	p.st.Active = nil
	p.mem.release, p.mem.step, p.mem.failures = "", 0, 0
	p.Witness.Forget(p.key)
	if a.Phase == v1alpha1.PhaseApplying {
		p.halfway()
	}
	p.rechoose()
	p.again = 1
	if a.Trigger == TriggerRollback {
		// The way back is barred; it is tried again, but not at once.
		p.mem.retreats++
		p.again = backoff(p.mem.retreats + 1)
	}
	return true
}

// halfway notes that some of a revision was applied before it was given up: what
// the cluster was at is to be applied again, not only said to be there.
func (p *pass) halfway() {
	if p.st.Sync != nil && !p.app.Spec.Rollback.Disabled {
		p.st.Sync.Settings = ""
	}
}

// onFailure starts the hooks that were meant for this case. They are not
// waited for.
func (p *pass) onFailure(ctx context.Context) {
	w := p.mem.want
	if w == nil || len(w.onFailure) == 0 {
		return
	}
	if errs := p.applyAll(ctx, "on-failure", w.onFailure); len(errs) > 0 {
		p.fail(joined("run the hooks for a failure", errs))
	}
}
