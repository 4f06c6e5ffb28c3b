package deliver

import (
	"maps"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// CodeContested marks an object that another application has and wants: nothing
// is done about it until one of the two gives it up.
const CodeContested = "OwnedByAnother"

// taken tells which other application has an object and wants it. Whoever has an
// object keeps it: if two want the same one from the start, the last to apply it
// has it, and the other lets it be.
func (p *pass) taken(k Key) (owner AppKey, taken bool) {
	live, known := p.View.Object(k)
	if !known || live.App == p.key || live.App == (AppKey{}) {
		return AppKey{}, false
	}
	return live.App, slices.Contains(p.Apps.Claims(k), live.App)
}

// contest notes that an object is another application's, and says so. It may be
// on its way to us: that application may not have seen yet what Git says now.
func (p *pass) contest(k Key, owner AppKey) error {
	// What is remembered is never changed.
	all := maps.Clone(p.contested)
	if all == nil {
		all = map[Key]bool{}
	}
	all[k] = true
	p.contested = all
	if p.st.Active != nil {
		p.wait(contestStep)
	}
	return &fault.Error{
		Kind: fault.Unavailable, Op: "apply", Subject: k.String(), Code: CodeContested,
		Public: "application " + owner.String() + " has it", Hint: "remove it from one of the two, or rename it",
	}
}

// contestStep is how often a release looks whether it may have such an object.
const contestStep = 10 * time.Second

// reconsider lifts the quarantine of a revision that failed because other
// applications had its objects, once they are free. Until then they are still waited
// for. After a restart nobody knows which they were: it is tried once more.
func (p *pass) reconsider(head string) {
	q, held := Quarantine(p.st, head, "", p.settings)
	if !held || q.Reason != QuarantineContested {
		return
	}
	p.mu.Lock()
	waited := p.mem.contested
	p.mu.Unlock()
	for k := range waited {
		if _, taken := p.taken(k); taken {
			p.contested = waited
			p.wait(contestStep)
			return
		}
	}
	p.st.Quarantine = slices.DeleteFunc(p.st.Quarantine, func(o v1alpha1.Quarantined) bool {
		return o.Revision == head || o.Reason == QuarantineContested && o.Digest == q.Digest
	})
	p.tryAnew(head)
	p.event(false, "Retry", "revision "+Short(head)+" is tried again: its objects are free")
}

// rememberContests lets the other applications know what this one waits for. A pass
// that failed may not have come to ask: what was waited for before still is then.
func (p *pass) rememberContests() {
	if p.problem != nil && len(p.contested) == 0 {
		return
	}
	p.mu.Lock()
	p.mem.contested = p.contested
	p.mu.Unlock()
}

// claims are the applications that have an object and want it, and those that
// wait for its owner to give it up: what it gives up is not deleted from under
// them.
func (p *pass) claims(k Key) []AppKey {
	out := p.Apps.Claims(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	for app, m := range p.memory {
		if m.contested[k] {
			out = append(out, app)
		}
	}
	return out
}
