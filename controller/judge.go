package controller

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/observed"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// Judge has the gate look at every new revision of observed applications,
// before or while the other tool applies it. It writes nothing but the ledger.
type Judge struct {
	Sources  *Sources
	Renderer deliver.Renderer
	Gate     deliver.Gate
	Journal  deliver.Journal
	Digester *deliver.Digester
	// Repository looks at a GitRepository of Flux.
	Repository Look
	// Report has a verdict put beside its commit and returns since when it stands
	// there, the zero time while it does not. It waits for nothing: the
	// application is woken when the answer changes. May be nil.
	Report func(app deliver.AppKey, verdict *v1alpha1.Judged) time.Time
	// Now is the clock.
	Now func() time.Time
	// AcrossNamespaces lets a GitRepository be in another namespace.
	AcrossNamespaces bool

	mu    sync.Mutex
	tries map[deliver.AppKey]attempt
}

// attempt is how often a revision could not be judged.
type attempt struct {
	revision, settings string
	failures           int
	next               time.Time
}

// gitRepository is the kind of Flux's sources that can be followed.
var gitRepository = deliver.GVK{Group: "source.toolkit.fluxcd.io", Version: "v1", Kind: "GitRepository"}

// askAgain is how long an answer of the cluster may take before it is missed.
const askAgain = 30 * time.Second

// Forget drops what is remembered of an application.
func (j *Judge) Forget(k deliver.AppKey) {
	j.mu.Lock()
	delete(j.tries, k)
	j.mu.Unlock()
}

// Look judges the newest revision of what an application observes, if it is a
// new one, and notes it in st. The verdict is nil if there is nothing to say yet.
// The error is that of a context that ended.
func (j *Judge) Look(ctx context.Context, app *v1alpha1.Application, st *v1alpha1.ApplicationStatus, body map[string]any) (v *observed.Verdict, again time.Duration, err error) {
	v, again, err = j.look(ctx, app, st, body)
	j.report(app, st)
	return v, again, err
}

// report has a verdict reported until it is, also after a restart.
func (j *Judge) report(app *v1alpha1.Application, st *v1alpha1.ApplicationStatus) {
	if j.Report == nil || st.Gate == nil || st.Gate.Reported != nil {
		return
	}
	if at := j.Report(deliver.AppKey{Namespace: app.Namespace, Name: app.Name}, st.Gate); !at.IsZero() {
		since := metav1.NewTime(at).Rfc3339Copy()
		st.Gate.Reported = &since
	}
}

func (j *Judge) look(ctx context.Context, app *v1alpha1.Application, st *v1alpha1.ApplicationStatus, body map[string]any) (v *observed.Verdict, again time.Duration, err error) {
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	origin, known, why, err := j.origin(app, body)
	switch {
	case err != nil:
		return unknown(reasonFor(err), deliver.Public(err)), time.Minute, nil
	case why != "":
		j.Sources.Forget(k)
		j.Forget(k)
		st.Source, st.Gate, st.Posture = nil, nil, nil
		return unknown(observed.NotRenderable, "not judged: "+why), 0, nil
	case !known:
		return nil, askAgain, nil
	}
	managed := origin.Managed(app)
	head, ok, err := j.Sources.Head(managed)
	switch {
	case err != nil:
		return unknown(reasonFor(err), deliver.Public(err)), 0, nil
	case !ok:
		return nil, 0, nil
	}
	if st.Source == nil || st.Source.Revision != head.Revision || st.Source.Ref != head.Ref {
		seen := metav1.NewTime(head.Seen)
		st.Source = &v1alpha1.Revision{Revision: head.Revision, Ref: head.Ref, Time: &seen}
	}
	inputs, err := j.Renderer.Inputs(ctx, managed)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return unknown(reasonFor(err), deliver.Public(err)), time.Minute, nil
	}
	return j.verdict(ctx, app, st, origin, j.settings(origin, managed, inputs))
}

func unknown(reason, message string) *observed.Verdict {
	return &observed.Verdict{Answer: observed.Unknown, Reason: reason, Message: message}
}

// origin finds out where the objects come from. why says what of it cannot be
// followed here; known is false while the cluster has not answered yet.
func (j *Judge) origin(app *v1alpha1.Application, body map[string]any) (o observed.Origin, known bool, why string, err error) {
	if o, err = observed.OriginOf(body); err != nil {
		return o, true, err.Error(), nil
	}
	meta, _ := body["metadata"].(map[string]any)
	namespace, _ := meta["namespace"].(string)
	if why := o.OutOfReach(namespace, app.Namespace); why != "" {
		return o, true, why, nil
	}
	if r := o.Repository; r != (observed.Repository{}) {
		if r.Namespace != app.Namespace && !j.AcrossNamespaces {
			return o, true, "its GitRepository is in namespace " + r.Namespace, nil
		}
		key := deliver.Key{Group: gitRepository.Group, Kind: gitRepository.Kind, Namespace: r.Namespace, Name: r.Name}
		repository, known, err := j.Repository(deliver.AppKey{Namespace: app.Namespace, Name: app.Name}, gitRepository, key)
		switch {
		case err != nil || !known:
			return o, known, "", err
		case repository == nil:
			return o, true, "", fault.New(fault.NotFound, "read the source", key.String(), "it does not exist", "")
		}
		if err := o.Complete(repository, app.Namespace); err != nil {
			return o, true, err.Error(), nil
		}
	}
	o.Lend(app.Spec.Rollback.PullRequest)
	if o.Values != "" {
		raw, err := yaml.YAMLToJSON([]byte(o.Values))
		if err == nil {
			err = json.Unmarshal([]byte(`{"values":`+string(raw)+`}`), o.Source.Helm)
		}
		if err != nil {
			return o, true, "its values are no YAML", nil
		}
	}
	return o, true, "", nil
}

// settings is the digest of what shapes a verdict besides the revision.
func (j *Judge) settings(o observed.Origin, managed *v1alpha1.Application, inputs string) string {
	src := o.Source.DeepCopy()
	g := src.Git
	g.Branch, g.Tag, g.Semver, g.Commit, g.Interval, g.Secret = "", "", "", "", nil, nil
	var value any
	text := marshal(map[string]any{"source": src, "namespace": o.Namespace, "elsewhere": o.Elsewhere, "gate": managed.Spec.Gate, "substitute": o.Substitute, "inputs": inputs})
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return ""
	}
	return j.Digester.Value(value)
}

// verdict judges a revision unless that was done before.
func (j *Judge) verdict(ctx context.Context, app *v1alpha1.Application, st *v1alpha1.ApplicationStatus, o observed.Origin, settings string) (*observed.Verdict, time.Duration, error) {
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	revision := st.Source.Revision
	if observed.Stands(st.Gate, revision, settings) {
		v := observed.VerdictOf(st.Gate)
		return &v, 0, nil
	}
	if wait := j.wait(k, revision, settings); wait > 0 {
		if g := st.Gate; g == nil || g.Revision != revision || g.Settings != settings {
			return nil, wait, nil // what was said is not in the ledger yet
		}
		v := observed.VerdictOf(st.Gate)
		return &v, wait, nil
	}
	now := metav1.NewTime(j.Now()).Rfc3339Copy()
	judgement, err := j.assess(ctx, app, o, revision)
	var g *v1alpha1.Judged
	switch misfit, isMisfit := errors.AsType[observed.Misfit](err); {
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case isMisfit:
		g = observed.Unjudged(revision, settings, observed.NotRenderable, misfit.Why, now)
	case err != nil:
		g = observed.Unjudged(revision, settings, reasonFor(err), deliver.Public(err), now)
	default:
		g = observed.Judge(revision, settings, judgement, now)
	}
	var again time.Duration
	if g.Verdict == v1alpha1.VerdictUnknown {
		again = j.failed(k, revision, settings)
	} else {
		j.Forget(k)
	}
	if !observed.News(st.Gate, g) {
		v := observed.VerdictOf(st.Gate)
		return &v, again, nil
	}
	if err := j.record(ctx, app, g); err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return unknown("LedgerUnavailable", deliver.Public(err)), j.failed(k, revision, settings), nil
	}
	st.Gate, st.Posture = g, nil
	if judgement != nil && err == nil {
		st.Posture = &judgement.Posture
	}
	v := observed.VerdictOf(g)
	return &v, again, nil
}

// wait is how long it is until a revision is tried again that could not be
// judged.
func (j *Judge) wait(k deliver.AppKey, revision, settings string) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t := j.tries[k]; t.revision == revision && t.settings == settings {
		return t.next.Sub(j.Now())
	}
	return 0
}

// failed notes that a revision could not be judged, and returns when to try
// again: soon at first, then every quarter of an hour.
func (j *Judge) failed(k deliver.AppKey, revision, settings string) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.tries[k]
	if t.revision != revision || t.settings != settings {
		t = attempt{revision: revision, settings: settings}
	}
	delay := min(5*time.Second<<min(t.failures, 10), 15*time.Minute)
	t.failures++
	t.next = j.Now().Add(delay)
	if j.tries == nil {
		j.tries = map[deliver.AppKey]attempt{}
	}
	j.tries[k] = t
	return delay
}

// assess fetches and renders a revision, and has the gate judge it together with
// what is in the cluster.
func (j *Judge) assess(ctx context.Context, app *v1alpha1.Application, o observed.Origin, revision string) (*deliver.Judgement, error) {
	tree, err := j.Sources.Fetch(ctx, o.Managed(app), revision)
	if err != nil {
		return nil, err
	}
	if o, err = o.Fit(tree); err != nil {
		return nil, err
	}
	managed := o.Managed(app)
	r, err := j.Renderer.Render(ctx, managed, tree)
	if err != nil {
		return nil, err
	}
	if err := o.Suits(r.Bodies); err != nil {
		return nil, err
	}
	var places []*deliver.Object
	for _, namespace := range o.Namespaces(r.Bodies) {
		places = append(places, &deliver.Object{Key: deliver.Key{Namespace: namespace}})
	}
	return j.Gate.Judge(ctx, managed, tree, r, places)
}

// record says in the ledger what the gate said.
func (j *Judge) record(ctx context.Context, app *v1alpha1.Application, g *v1alpha1.Judged) error {
	ref := app.Spec.Observe
	err := j.Journal.Append(ctx, ops.Record{
		Time: j.Now(), Source: "aeod", Action: "deliver.judge", Phase: ops.PhaseEvent,
		Actor: ops.Actor{Kind: ops.ActorOperator, Name: "aeod"},
		Target: ops.Target{
			Ref: ops.Ref{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.ApplicationKind, Namespace: app.Namespace, Name: app.Name},
			UID: string(app.UID),
		},
		Details:  map[string]string{"revision": g.Revision, "observes": ref.APIVersion + " " + ref.Kind + " " + ref.Name},
		Decision: &ops.Decision{Verdict: g.Verdict, Reason: g.Message},
	})
	if err != nil {
		return fault.Wrap(fault.Unavailable, "write the ledger", "", err, "look at the ledger's disk or database")
	}
	return nil
}
