package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

func itoa(n int) string { return strconv.Itoa(n) }

// valueOf turns a part of the spec into JSON values, for its digest.
func valueOf(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// advance takes the cluster towards the chosen revision. done is false while it
// waits for something.
func (p *pass) advance(ctx context.Context) (done bool, err error) {
	c := p.choice
	if moved, err := p.moved(ctx); moved || err != nil {
		return moved, err
	}
	w, err := p.prepare(ctx, c.Revision)
	if err != nil {
		if !refuses(err) {
			return false, err
		}
		return false, p.refuse(ctx, w, err)
	}
	if q, held := Quarantine(p.st, w.revision, w.digest, p.settings); held && q.Revision != w.revision {
		if !strings.HasPrefix(q.Message, sameObjects) {
			q.Message = sameObjects + Short(q.Revision) + ", which failed: " + q.Message
		}
		q.Revision = w.revision
		AddQuarantine(p.st, q)
		p.choice = Choose(&p.app.Spec, p.st, p.head.Revision, p.settings, false)
		p.wait(time.Millisecond)
		return false, nil
	}
	if p.unchanged(w.digest) {
		p.move(w.revision)
		p.shed(w)
		return true, nil
	}
	if p.empties(w) {
		if a := p.st.Active; a != nil && a.Phase == v1alpha1.PhaseApplying {
			p.supersede(ctx, a)
		}
		return false, nil
	}
	if ready, err := p.dependencies(ctx); !ready || err != nil {
		return false, err
	}
	if err := p.begin(ctx, w); err != nil {
		return false, err
	}
	finished, err := p.applySteps(ctx, w)
	if err != nil || !finished {
		return false, err
	}
	p.applied(ctx, w)
	return true, nil
}

// sameObjects begins the message of a revision that is as bad as another.
const sameObjects = "it renders to the same objects as "

// empties holds a revision that would delete everything the application has,
// until a person allows it: most often a folder was moved, or a generator failed.
func (p *pass) empties(w *want) bool {
	if len(w.objects) > 0 || len(p.st.Inventory) == 0 || p.app.Spec.Sync.AllowEmpty || p.requested(v1alpha1.AnnotationConfirmPrune) == w.revision {
		return false
	}
	pruning := Pruning{App: p.key, Revision: w.revision}
	p.waiting, p.held = fmt.Sprintf("revision %s has no objects, and all %d would be deleted: set sync.allowEmpty or confirm with `%s`", Short(w.revision), len(p.st.Inventory), pruning.confirm()), true
	return true
}

// refuses tells whether a failure to prepare a revision is the revision's own
// doing, and will be the same at every try.
func refuses(err error) bool {
	if _, passes := errors.AsType[Unreached](err); passes {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied:
		return true
	}
	return false
}

// unchanged tells whether a revision makes the very objects that are applied, and
// that these are good or may become it.
func (p *pass) unchanged(digest string) bool {
	if p.st.Sync == nil || p.st.Sync.Digest != digest || p.choice.Trigger == TriggerRollback || p.mem.release != "" {
		return false
	}
	if p.st.Active != nil {
		return p.st.Active.Phase != v1alpha1.PhaseApplying
	}
	return p.st.LastGood != nil && p.st.LastGood.Digest == digest
}

// moved tells whether a new revision left all alone that the applied one was
// rendered from. It is then noted, and nothing is rendered.
func (p *pass) moved(ctx context.Context) (bool, error) {
	w := p.mem.want
	if w == nil || w.settings != p.settings || w.revision == p.choice.Revision || p.st.Sync == nil || p.st.Sync.Settings != p.settings || !p.unchanged(w.digest) || w.hooked {
		return false, nil
	}
	if _, held := Quarantine(p.st, p.choice.Revision, w.digest, p.settings); held {
		return false, nil
	}
	tree, err := p.Sources.Fetch(ctx, p.app, p.choice.Revision)
	if err != nil {
		if refuses(err) {
			return false, nil // prepare finds the same, and refuses the revision
		}
		return false, err
	}
	if !p.Renderer.Same(p.key, tree) {
		return false, nil
	}
	w.revision, w.commit = p.choice.Revision, tree.Commit()
	p.move(w.revision)
	return true, nil
}

// move notes that the cluster is at a revision that changes nothing. It is kept
// when the status that says so is written (see Moves): a commit that a thousand
// applications follow makes none of them wait for that.
func (p *pass) move(revision string) {
	p.st.Sync.Revision, p.st.Sync.Ref, p.st.Sync.Settings = revision, p.ref(revision), p.settings
	if p.st.LastGood != nil && p.st.LastGood.Digest == p.st.Sync.Digest {
		p.st.LastGood.Revision, p.st.LastGood.Settings = revision, p.settings
	}
	p.done(v1alpha1.AnnotationSync)
}

// shed lets go of the bodies of the objects: most of the time nobody needs
// them, and they can be rendered again.
func (p *pass) shed(w *want) {
	if w.steps == nil {
		return
	}
	w.steps, w.onFailure = nil, nil
	slim := make(map[Key]*Object, len(w.objects))
	for k, o := range w.objects {
		slim[k] = &Object{Key: o.Key, Version: o.Version, Digest: o.Digest}
	}
	p.mu.Lock() // other applications ask what this one wants
	w.objects = slim
	p.mu.Unlock()
}

// remember keeps what is desired, nil for nothing known.
func (p *pass) remember(w *want) {
	p.mu.Lock()
	p.mem.want = w
	p.mu.Unlock()
	p.mem.step = 0
}

// prepare fetches, verifies and renders a revision, unless that was done.
func (p *pass) prepare(ctx context.Context, revision string) (*want, error) {
	if w := p.mem.want; w != nil && w.revision == revision && w.settings == p.settings && w.steps != nil {
		return w, nil
	}
	w := &want{revision: revision, settings: p.settings, seen: p.now}
	if revision == p.head.Revision && !p.head.Seen.IsZero() && !p.tried(revision) {
		// An application that is newer than the revision waits since it is there.
		if w.seen = p.head.Seen; w.seen.Before(p.app.CreationTimestamp.Time) {
			w.seen = p.app.CreationTimestamp.Time
		}
	}
	var tree Tree
	err := p.lap(w, SpanFetch, func() (err error) { tree, err = p.Sources.Fetch(ctx, p.app, revision); return err })
	if err != nil {
		return w, err
	}
	w.commit = tree.Commit()
	var rendered *Rendered
	err = p.lap(w, SpanRender, func() (err error) { rendered, err = p.Renderer.Render(ctx, p.app, tree); return err })
	if err != nil {
		return w, err
	}
	objects, err := p.desire("").objects(ctx, rendered.Bodies)
	if err != nil {
		return w, err
	}
	if len(objects) == 0 && len(p.st.Inventory) == 0 && !p.app.Spec.Sync.AllowEmpty {
		return w, fault.New(fault.Invalid, "render", Short(revision), "there are no manifests in "+folder(p.app), "correct spec.source.path; what is meant to be empty needs spec.sync.allowEmpty")
	}
	w.digest = p.Digester.Render(objects)
	if w.hooked = hooks(objects); w.hooked {
		// Hooks run once for each release: their names carry it.
		suffix := p.Digester.Value([]any{w.digest, p.hookRun(w)})[:8]
		if objects, err = p.desire(suffix).objects(ctx, rendered.Bodies); err != nil {
			return w, err
		}
	}
	w.rendered = p.Now()
	w.fill(objects)
	if p.choice.Trigger != TriggerRollback && (p.st.Sync == nil || p.st.Sync.Digest != w.digest) {
		if _, held := Quarantine(p.st, revision, w.digest, p.settings); !held {
			if err := p.lap(w, SpanGate, func() error { return p.judgeRendered(ctx, w, tree, rendered, objects) }); err != nil {
				return w, err
			}
		}
	}
	p.remember(w)
	return w, nil
}

// folder names the folder that an application renders.
func folder(app *v1alpha1.Application) string {
	if app.Spec.Source == nil || app.Spec.Source.Path == "" {
		return "the top folder"
	}
	return "folder " + app.Spec.Source.Path
}

// tried tells whether a revision was applied or given up before: what has it
// tried anew is not that somebody committed it.
func (p *pass) tried(revision string) bool {
	return p.st.Sync != nil && p.st.Sync.Revision == revision ||
		slices.ContainsFunc(p.st.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Revision == revision })
}

func (p *pass) desire(suffix string) desire {
	return desire{app: p.app, digester: p.Digester, namespaced: p.View.Namespaced, hookSuffix: suffix}
}

// attempt tells tries of one revision apart.
func (p *pass) attempt(revision string) string {
	return p.st.Handled[v1alpha1.AnnotationRetry] + revision
}

// hookRun names the run of a release's hooks: the release that made what is applied,
// whatever revisions since then make the same, and else the one that is to come.
func (p *pass) hookRun(w *want) string {
	applying := p.mem.release != "" || p.st.Active != nil && p.st.Active.Phase == v1alpha1.PhaseApplying
	if p.st.Sync != nil && p.st.Sync.Digest == w.digest && !applying {
		return p.st.Sync.Release
	}
	return p.releaseName(w)
}

func hooks(objects []*Object) bool {
	for _, o := range objects {
		if o.Annotation(v1alpha1.AnnotationHook) != "" {
			return true
		}
	}
	return false
}

func (w *want) fill(objects []*Object) {
	w.objects = make(map[Key]*Object, len(objects))
	for _, o := range objects {
		if o.Annotation(v1alpha1.AnnotationHook) == HookOnFailure {
			w.onFailure = append(w.onFailure, o)
			continue
		}
		w.objects[o.Key] = o
	}
	w.steps = Steps(objects)
	if w.steps == nil {
		w.steps = []Step{}
	}
}

// verdict of the gate, kept until the release begins.
type verdict struct{ *Judgement }

func (verdict) Error() string { return "the gate refuses the revision" }

// judgeRendered asks the gate.
func (p *pass) judgeRendered(ctx context.Context, w *want, tree Tree, r *Rendered, objects []*Object) error {
	j, err := p.Gate.Judge(ctx, p.app, tree, r, objects)
	if err != nil {
		return err
	}
	w.posture, w.judged = &j.Posture, p.Now()
	if j.Refused {
		return &fault.Error{Kind: fault.Denied, Op: "pass the gate", Subject: Short(w.revision), Public: j.Reason, Code: "Refused", Cause: verdict{j}}
	}
	return nil
}

func (p *pass) ref(revision string) string {
	if revision == p.head.Revision {
		return p.head.Ref
	}
	return ""
}

// done marks a request as acted on if there is one.
func (p *pass) done(annotation string) {
	if p.asked(annotation) {
		p.handled(annotation)
	}
}

// releaseName is the same for the same try of the same revision, so that a
// crash does not make a second release of it.
func (p *pass) releaseName(w *want) string {
	try := ""
	if p.st.Sync != nil {
		try = p.st.Sync.Release
	}
	id := p.Digester.Value([]any{string(p.app.UID), w.revision, w.digest, p.settings, p.choice.Trigger, p.attempt(w.revision), try})[:6]
	short := strings.TrimPrefix(w.revision, "sha256:")
	return p.app.Name[:min(len(p.app.Name), 200)] + "-" + short[:min(len(short), 8)] + "-" + id
}

// begin makes the Release and notes it as active.
func (p *pass) begin(ctx context.Context, w *want) error {
	if p.mem.release != "" && p.st.Active != nil && p.st.Active.Name == p.mem.release && p.st.Active.Revision == w.revision {
		return nil
	}
	name := p.releaseName(w)
	if a := p.st.Active; a != nil && a.Name != name {
		p.supersede(ctx, a)
	}
	if p.choice.Trigger == TriggerRollback && w.seen.Before(p.now) {
		w.seen, w.rendered, w.judged = p.now, time.Time{}, time.Time{} // it is wanted since now
	}
	r := p.release(name, w)
	if err := p.record(ctx, p.entry("deliver.release", ops.PhaseIntent, name).with("revision", w.revision).with("trigger", p.choice.Trigger).digests(p.syncDigest(), w.digest)); err != nil {
		return err
	}
	r.Status = v1alpha1.ReleaseStatus{Phase: v1alpha1.PhaseApplying, Timings: w.timings()}
	if p.choice.Trigger == TriggerRollback {
		r.Status.Timings.Committed = nil // nobody waited for it since
	}
	r.Status.Timings.Started = moment(p.Now())
	if err := p.Releases.Create(ctx, r); err != nil {
		return err
	}
	if p.st.Active == nil {
		p.traceBegun(name, w)
	}
	p.st.Active = &v1alpha1.ActiveRelease{Name: name, Revision: w.revision, Trigger: p.choice.Trigger, Phase: v1alpha1.PhaseApplying, Seen: r.Status.Timings.Seen}
	p.mem.release, p.mem.step, p.mem.lost, p.mem.begun = name, 0, time.Time{}, p.Now()
	return nil
}

// timings are the moments of preparing a revision.
func (w *want) timings() v1alpha1.Timings {
	t := v1alpha1.Timings{Seen: moment(w.seen), Rendered: moment(w.rendered), Gated: moment(w.judged)}
	if w.commit != nil && w.commit.Time != nil {
		t.Committed = moment(w.commit.Time.Time)
	}
	return t
}

// moment returns a time as the API writes it, nil for none.
func moment(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	m := metav1.NewMicroTime(t)
	return &m
}

func (p *pass) syncDigest() string {
	if p.st.Sync == nil {
		return ""
	}
	return p.st.Sync.Digest
}

func (p *pass) release(name string, w *want) *v1alpha1.Release {
	r := &v1alpha1.Release{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.app.Namespace, Name: name,
			Labels:      map[string]string{v1alpha1.LabelApplication: p.app.Name},
			Annotations: map[string]string{v1alpha1.AnnotationTraceID: TraceID(p.app, name)},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.ApplicationKind, Name: p.app.Name, UID: p.app.UID,
			}},
		},
		Spec: v1alpha1.ReleaseSpec{
			Application: p.app.Name, Revision: w.revision, Ref: p.ref(w.revision), Digest: w.digest,
			Trigger: p.choice.Trigger, Commit: w.commit,
		},
	}
	if p.st.Sync != nil {
		r.Spec.Replaces = p.st.Sync.Revision
	}
	for _, s := range w.steps {
		r.Spec.Objects = append(r.Spec.Objects, ids(s.Objects)...)
	}
	if p.st.Sync != nil {
		r.Spec.Changed = p.notAsReleased(w)
	}
	return r
}

// notAsReleased returns the ids of the objects that differ from what was released
// last; what was edited in the cluster since does not count.
func (p *pass) notAsReleased(w *want) []string {
	out := []string{}
	for _, s := range w.steps {
		for _, o := range s.Objects {
			if e := p.inventory(o.Key); e == nil || e.Desired != o.Digest || e.ID != o.ID() {
				out = append(out, o.ID())
			}
		}
	}
	return out
}

// supersede ends a release that a newer choice overtook.
func (p *pass) supersede(ctx context.Context, a *v1alpha1.ActiveRelease) {
	now := metav1.NewMicroTime(p.Now())
	err := p.Releases.SetStatus(ctx, p.key, a.Name, func(s *v1alpha1.ReleaseStatus) {
		s.Phase, s.Reason, s.Message = v1alpha1.PhaseSuperseded, "Superseded", "revision "+Short(p.choice.Revision)+" came first"
		s.Timings.Finished = &now
	})
	if err != nil {
		p.fail(err)
	}
	p.finished(v1alpha1.PhaseSuperseded, "", a, now)
	p.st.Active = nil
}

// finished tells the observer and the trace about a release that ended; reason
// says what was wrong with it, "" if nothing was.
func (p *pass) finished(phase, reason string, a *v1alpha1.ActiveRelease, at metav1.MicroTime) {
	t := v1alpha1.Timings{Seen: a.Seen, Applied: a.Applied, Healthy: a.Healthy, Finished: &at}
	if w := p.mem.want; w != nil && w.revision == a.Revision && a.Trigger != TriggerRollback && w.commit != nil && w.commit.Time != nil {
		c := metav1.NewMicroTime(w.commit.Time.Time)
		t.Committed = &c
	}
	p.traceEnded(phase, reason, a, t)
	if p.Observer == nil {
		return
	}
	p.Observer.Finished(p.key, phase, t, a.Trigger)
}

// applied notes that every object of a revision was applied.
func (p *pass) applied(ctx context.Context, w *want) {
	now := metav1.NewMicroTime(p.Now())
	p.st.Active.Phase, p.st.Active.Applied = v1alpha1.PhaseObserving, &now
	p.traceApplied(p.st.Active.Name, "")
	at := metav1.NewTime(now.Time)
	p.st.Sync = &v1alpha1.Revision{Revision: w.revision, Ref: p.ref(w.revision), Digest: w.digest, Settings: p.settings, Release: p.st.Active.Name, Time: &at}
	p.st.Posture = w.posture
	p.mem.release = ""
	p.done(v1alpha1.AnnotationSync)
	if err := p.Sources.Keep(ctx, p.app, w.revision, ""); err != nil {
		p.Log.Warn("the revision could not be kept for a rollback", "application", p.key.String(), "error", err.Error())
	}
}
