package deliver

import (
	"context"
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/ops"
)

// revertMark begins the keys of status.handled under which the answers of
// forges are kept, by release.
const revertMark = "revert-request/"

// reverting is what is remembered of a request that has no answer yet.
type reverting struct {
	release string
	// said is the last failure that people were told about.
	said string
}

// revert has the pull request opened that takes Git back too. What becomes of
// it changes nothing about the cluster, and nothing waits for it.
func (p *pass) revert(ctx context.Context, q v1alpha1.Quarantined) {
	p.forgetReverts()
	if p.app.Spec.Rollback.PullRequest == nil || p.Forge == nil || q.Reason != QuarantineFailed || p.st.LastGood == nil || p.st.LastGood.Revision == q.Revision {
		return
	}
	if p.head.Revision != q.Revision || p.st.Handled[revertMark+q.Release] != "" {
		return // Git has moved on, or it was answered
	}
	good := p.st.LastGood.Revision
	if p.mem.reverting.release != q.Release {
		if err := p.record(ctx, p.entry("deliver.revert-request", ops.PhaseIntent, q.Release).with("revision", q.Revision).with("good", good)); err != nil {
			p.fail(err)
			return
		}
		p.mem.reverting = reverting{release: q.Release}
	}
	answer := p.Forge.Revert(p.app, Reversion{Bad: q.Revision, Good: good, Release: q.Release, Reason: q.Message, RolledBack: !p.app.Spec.Rollback.Disabled})
	switch {
	case !answer.Done:
	case answer.Err != nil:
		p.notReverted(ctx, q, answer)
	default:
		p.reverted(ctx, q, answer.Address)
	}
}

// reverted notes the pull request's address.
func (p *pass) reverted(ctx context.Context, q v1alpha1.Quarantined, address string) {
	if err := p.record(ctx, p.entry("deliver.revert-request", ops.PhaseOutcome, q.Release).with("revision", q.Revision).with("address", address)); err != nil {
		p.fail(err)
		return
	}
	p.answered(q.Release, address)
	if err := p.Releases.SetStatus(ctx, p.key, q.Release, func(s *v1alpha1.ReleaseStatus) { s.PullRequest = address }); err != nil {
		p.fail(err)
	}
	p.event(false, "RevertRequested", "a pull request reverts "+Short(q.Revision)+": "+address)
}

// notReverted tells why there is no pull request: once for each reason.
func (p *pass) notReverted(ctx context.Context, q v1alpha1.Quarantined, answer Reverted) {
	why := Public(answer.Err)
	if answer.Final {
		rec := p.entry("deliver.revert-request", ops.PhaseOutcome, q.Release).with("revision", q.Revision).decide("refused", why)
		if err := p.record(ctx, rec); err != nil {
			p.fail(err)
			return
		}
		p.answered(q.Release, "refused: "+clipped(why))
	} else if p.mem.reverting.said == why {
		return
	}
	p.mem.reverting.said = why
	now := metav1.NewTime(p.now)
	err := p.Releases.SetStatus(ctx, p.key, q.Release, func(s *v1alpha1.ReleaseStatus) {
		s.Conditions = []metav1.Condition{{Type: "RevertRequested", Status: metav1.ConditionFalse, Reason: reasonOf(answer.Err), Message: clipped(why), LastTransitionTime: now}}
	})
	if err != nil {
		p.fail(err)
	}
	p.event(true, "RevertNotRequested", "no pull request reverts "+Short(q.Revision)+": "+why)
}

func clipped(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

func (p *pass) answered(release, answer string) {
	if p.st.Handled == nil {
		p.st.Handled = map[string]string{}
	}
	p.st.Handled[revertMark+release] = answer
	p.mem.reverting = reverting{release: release}
}

// forgetReverts drops the answers about releases that are quarantined no more.
func (p *pass) forgetReverts() {
	maps.DeleteFunc(p.st.Handled, func(k, _ string) bool {
		release, mine := strings.CutPrefix(k, revertMark)
		if !mine {
			return false
		}
		for _, q := range p.st.Quarantine {
			if q.Release == release {
				return false
			}
		}
		return true
	})
}
