package preview

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/fault"
)

// parallel is how many objects are tried at a time.
const parallel = 8

// trial is one revision's objects being tried on the API server.
type trial struct {
	*Stand
	app *v1alpha1.Application
	key deliver.AppKey
	as  deliver.Identity
	// namespaces and kinds come with the revision itself.
	namespaces map[string]bool
	kinds      map[deliver.GroupKind]bool
	open       func(body map[string]any) string
	options    diff.Options
}

// all tries objects side by side and returns their differences in order.
func (t *trial) all(ctx context.Context, objects []*deliver.Object) ([]diff.ObjectDiff, error) {
	out, errs := make([]diff.ObjectDiff, len(objects)), make([]error, len(objects))
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i, o := range objects {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], errs[i] = t.try(ctx, o)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// try has the API server say what an apply of one object would make of it. The
// error is one that would be the same for every object.
func (t *trial) try(ctx context.Context, o *deliver.Object) (diff.ObjectDiff, error) {
	if why := t.open(o.Body); why != "" {
		return diff.ObjectDiff{Object: o.Ref(), Action: diff.Unknown, Note: why}, nil
	}
	body, err := t.cluster.Get(ctx, t.as, o.GVK(), o.Key)
	switch {
	case err == nil:
	case absent(err):
		body = nil
	default:
		return t.failed(o, nil, err, "get")
	}
	if body == nil && (t.namespaces[o.Namespace] || t.kinds[o.GroupKind()]) {
		d := diff.Objects(nil, o.Body, t.options)
		d.Action, d.Note = diff.Unknown, "to be created; the API server cannot try it, because what it needs ("+t.needs(o)+") comes with the same revision"
		return d, nil
	}
	var live deliver.Live
	sent := o
	if body != nil {
		live, _ = t.digester.Distil(body, t.doctor.Evaluate(body))
		if d, refused := t.notOurs(o, live); refused {
			return d, nil
		}
		sent = deliver.Sent(t.app, o, body, live)
	}
	answer, err := t.cluster.ApplyBody(ctx, t.as, sent, true)
	if err != nil {
		return t.failed(o, body, err, "patch")
	}
	d := diff.Objects(body, answer, t.options)
	if body != nil && deliver.Disowned(t.app, live) {
		if d.Action == diff.None {
			d.Action = diff.Unknown
		}
		d.Note = "people set fields of it by hand (" + strings.Join(deliver.Foreign(body), ", ") + "): the operator takes those back, which a dry run does not show"
	}
	return d, nil
}

func (t *trial) needs(o *deliver.Object) string {
	if t.kinds[o.GroupKind()] {
		return "the definition of " + o.Kind
	}
	return "namespace " + o.Namespace
}

// notOurs refuses what the operator would not even try.
func (t *trial) notOurs(o *deliver.Object, live deliver.Live) (diff.ObjectDiff, bool) {
	d := diff.ObjectDiff{Object: o.Ref(), Action: diff.Refuse}
	switch {
	case live.Terminating:
		d.Note = "it is being deleted: the operator waits until it is gone"
	case live.App != t.key && live.App != (deliver.AppKey{}):
		d.Note = "application " + live.App.String() + " has it: the operator takes it over only when that one gives it up"
	default:
		return d, false
	}
	return d, true
}

// failed sorts the API server's refusals from what only keeps us from knowing.
func (t *trial) failed(o *deliver.Object, body map[string]any, err error, verb string) (diff.ObjectDiff, error) {
	d := diff.ObjectDiff{Object: o.Ref(), Action: diff.Unknown}
	words := publicOf(err)
	kind := fault.KindOf(err)
	switch {
	case kind == fault.Interrupted, kind == fault.Unavailable && words == "the API server does not answer":
		return d, err
	case strings.Contains(words, "does not support dry run"):
		d.Note = "a webhook cannot be tried without effect: " + words
	case kind == fault.Denied && forbidden(words) && t.as == (deliver.Identity{}):
		d.Note = "you may not " + verb + " it, so the API server cannot be asked"
	case kind == fault.Blocked && body != nil && deliver.MadeAnew(o):
		d = t.anew(o, body)
		d.Note = "the API server would refuse the change, and " + v1alpha1.AnnotationRecreate + ": allowed is set: it is deleted and made anew"
	case kind == fault.Blocked, kind == fault.Invalid, kind == fault.Denied, kind == fault.Conflict, strings.Contains(words, "exceeded quota"), noNamespace(words):
		d.Action, d.Note = diff.Refuse, "the API server would refuse this: "+words
	default:
		d.Note = "the API server cannot try it: " + words
	}
	return d, nil
}

// anew shows what of an object differs that is to be made anew: the API server's
// own fields cannot be told before.
func (t *trial) anew(o *deliver.Object, body map[string]any) diff.ObjectDiff {
	d := diff.Objects(body, o.Body, t.options)
	kept := []diff.Change{}
	for _, c := range d.Changes {
		if c.Op != diff.Remove {
			kept = append(kept, c)
		}
	}
	d.Action, d.Changes = diff.Update, kept
	return d
}

// forbidden tells whether a refusal is about rights, not about the object.
func forbidden(words string) bool {
	for _, verb := range []string{"get", "patch", "create", "update"} {
		if strings.Contains(words, " cannot "+verb+" resource ") {
			return true
		}
	}
	return false
}

// absent tells whether an object is not there; a namespace that is not there is
// something to wait for in the eyes of the operator.
func absent(err error) bool {
	return err != nil && (fault.KindOf(err) == fault.NotFound || noNamespace(publicOf(err)))
}

func noNamespace(words string) bool {
	return strings.HasPrefix(words, `namespaces "`) && strings.HasSuffix(words, `" not found`)
}

// grant is the operator's advice on a right that is missing; who asked may not be
// the one to give it.
var grant = regexp.MustCompile(` \(grant it to [^)]*\)`)

// said is what went wrong, for who asked: hints for the operator are left out.
func said(err error) string {
	return grant.ReplaceAllString(deliver.Public(err), "")
}

func publicOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Public != "" {
		return f.Public
	}
	return deliver.Public(err)
}
