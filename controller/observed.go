package controller

import (
	"context"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/observed"
	"github.com/autoecoops/autoecoops/fault"
)

// Look returns what is known of an object without waiting: known is false if
// the cluster was not asked yet; body is nil if the object does not exist. From
// then on the application is woken when the object changes.
type Look func(app deliver.AppKey, g deliver.GVK, k deliver.Key) (body map[string]any, known bool, err error)

// Observed implements Watcher: it reads objects of other tools and writes
// nothing to them.
type Observed struct {
	Look Look
	Now  func() time.Time
	// AcrossNamespaces lets an Application name an object in another namespace:
	// its status can then be read by whoever may read the Application.
	AcrossNamespaces bool
	// Judge has the gate look at new revisions; nil leaves that out.
	Judge *Judge
}

// Observe implements Watcher.
func (o *Observed) Observe(ctx context.Context, app *v1alpha1.Application) (deliver.Outcome, error) {
	st := app.Status.DeepCopy()
	st.ObservedGeneration = app.Generation
	r, body, known, err := o.read(app)
	switch {
	case err != nil:
		v := observed.Verdict{Answer: observed.Unknown, Reason: reasonFor(err), Message: deliver.Public(err)}
		r.Synced, r.Healthy = v, v
		st.Observed = nil
	case !known:
		// It was asked for a moment ago: there is nothing to say yet.
		return deliver.Outcome{Status: app.Status.DeepCopy(), Again: 30 * time.Second}, nil
	default:
		st.Observed = &v1alpha1.ObservedStatus{Tool: r.Tool, Revision: r.Revision, Attempted: r.Attempted, Synced: string(r.Synced.Answer), Message: r.Synced.Message}
		if !r.VerifiedAt.IsZero() {
			at := metav1.NewTime(r.VerifiedAt)
			st.Observed.VerifiedAt = &at
		}
	}
	st.Health = v1alpha1.HealthStatus{Status: map[observed.Answer]string{observed.Yes: "healthy", observed.No: "failed", observed.Unknown: "unknown"}[r.Healthy.Answer], Message: r.Healthy.Message}
	if r.Healthy.Reason == "Progressing" || r.Healthy.Reason == "Suspended" {
		st.Health.Status = strings.ToLower(r.Healthy.Reason)
	}
	o.condition(st, app, v1alpha1.ConditionSynced, r.Synced)
	o.condition(st, app, v1alpha1.ConditionHealthy, r.Healthy)
	o.condition(st, app, v1alpha1.ConditionReady, ready(r))
	out := deliver.Outcome{Status: st, Again: time.Minute}
	if err == nil {
		out.Again = max(0, r.StaleAt.Sub(o.Now()))
	}
	if o.Judge == nil || app.Spec.Suspend {
		return out, nil
	}
	if err != nil {
		o.condition(st, app, v1alpha1.ConditionGated, r.Synced)
		return out, nil
	}
	v, again, err := o.Judge.Look(ctx, app, st, body)
	if err != nil {
		return deliver.Outcome{}, err
	}
	if v != nil {
		o.condition(st, app, v1alpha1.ConditionGated, *v)
	}
	out.Again = sooner(out.Again, again)
	return out, nil
}

// ready sums up: the worse of the two.
func ready(r observed.Report) observed.Verdict {
	for _, v := range []observed.Verdict{r.Synced, r.Healthy} {
		if v.Answer == observed.No {
			return v
		}
	}
	if r.Synced.Answer == observed.Unknown {
		return r.Synced
	}
	return r.Healthy
}

// read returns what the other tool says, and the object in which it does.
func (o *Observed) read(app *v1alpha1.Application) (r observed.Report, body map[string]any, known bool, err error) {
	ref := app.Spec.Observe
	g := deliver.GVK{Version: ref.APIVersion, Kind: ref.Kind}
	if group, version, ok := strings.Cut(ref.APIVersion, "/"); ok {
		g.Group, g.Version = group, version
	}
	k := deliver.Key{Group: g.Group, Kind: g.Kind, Namespace: ref.Namespace, Name: ref.Name}
	if k.Namespace == "" {
		k.Namespace = app.Namespace
	}
	switch {
	case !observed.Readable(g.Group, g.Kind):
		return r, nil, false, fault.New(fault.Invalid, "observe", k.String(), "its kind is none that can be observed", "name an Argo CD Application, or a Flux Kustomization or HelmRelease")
	case k.Namespace != app.Namespace && !o.AcrossNamespaces:
		return r, nil, false, fault.New(fault.Denied, "observe", k.String(), "it is in another namespace", "put the Application into namespace "+k.Namespace+", or start aeod with --observe-across-namespaces")
	}
	body, known, err = o.Look(deliver.AppKey{Namespace: app.Namespace, Name: app.Name}, g, k)
	switch {
	case err != nil:
		return r, nil, true, err
	case !known:
		return r, nil, false, nil
	case body == nil:
		return r, nil, true, fault.New(fault.NotFound, "observe", k.String(), "it does not exist", "correct spec.observe, or make it")
	}
	r, ok := observed.Read(body, o.Now())
	if !ok {
		return r, nil, true, fault.New(fault.Invalid, "observe", k.String(), "the answer is of another kind", "")
	}
	return r, body, true, nil
}

// reasonFor is a fault's kind as a condition's reason.
func reasonFor(err error) string {
	words := strings.Fields(fault.KindOf(err).String())
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func (o *Observed) condition(st *v1alpha1.ApplicationStatus, app *v1alpha1.Application, typ string, v observed.Verdict) {
	c := metav1.Condition{
		Type: typ, Status: metav1.ConditionStatus(v.Answer), Reason: v.Reason, Message: v.Message,
		ObservedGeneration: app.Generation, LastTransitionTime: metav1.NewTime(o.Now()),
	}
	for i, old := range st.Conditions {
		if old.Type == typ {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			st.Conditions[i] = c
			return
		}
	}
	st.Conditions = append(st.Conditions, c)
}
