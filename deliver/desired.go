package deliver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// desire turns rendered bodies into the objects to apply: lists taken apart,
// namespaces filled in, fields of others left out, our labels added.
type desire struct {
	app      *v1alpha1.Application
	digester *Digester
	// namespaced tells a kind's scope.
	namespaced func(context.Context, GVK) (bool, error)
	// hookSuffix makes the names of hook Jobs new for each release.
	hookSuffix string
}

// MaxObjects bounds an application: its inventory must fit into its status.
const MaxObjects = 5000

// objects returns the desired objects. Every problem is reported, not only the
// first.
func (d desire) objects(ctx context.Context, bodies []map[string]any) ([]*Object, error) {
	flat, err := flatten(bodies)
	if err != nil {
		return nil, err
	}
	if len(flat) > MaxObjects {
		return nil, fault.New(fault.Invalid, "render", d.app.Name, fmt.Sprintf("%d objects, more than %d", len(flat), MaxObjects), "split the application by folder")
	}
	scopes := definedScopes(flat)
	var problems []error
	seen := map[Key]bool{}
	out := make([]*Object, 0, len(flat))
	for _, body := range flat {
		o, err := d.object(ctx, body, scopes)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if seen[o.Key] {
			problems = append(problems, fault.New(fault.Invalid, "render", o.Key.String(), "it is rendered twice", "remove one of the two, or give it another name or namespace"))
			continue
		}
		seen[o.Key] = true
		out = append(out, o)
	}
	if len(problems) > 0 {
		return nil, joined("render", problems)
	}
	scaled := autoscaled(out)
	for _, o := range out {
		if scaled[o.Key] {
			dropField(o.Body, "spec", "replicas")
		}
		o.Digest = d.digester.Object(o.Body)
	}
	return out, nil
}

// joined makes one error of several, of the kind that is hardest to get over.
func joined(op string, problems []error) error {
	if len(problems) == 1 {
		return problems[0]
	}
	kind := fault.Unavailable
	for _, p := range problems {
		if k := fault.KindOf(p); k != fault.Unavailable {
			kind = k
		}
	}
	lines := make([]string, 0, min(len(problems), 5))
	for _, p := range problems[:min(len(problems), 5)] {
		lines = append(lines, Public(p))
	}
	text := fmt.Sprintf("%d problems: %s", len(problems), strings.Join(lines, "; "))
	if len(problems) > 5 {
		text += fmt.Sprintf("; and %d more", len(problems)-5)
	}
	return &fault.Error{Kind: kind, Op: op, Public: text, Cause: errors.Join(problems...)}
}

// Public says what went wrong in words that may stand in a status.
func Public(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return "an internal error; see the operator's log"
	}
	s := strings.TrimSpace(f.Op + " " + f.Subject)
	switch {
	case f.Public != "":
		s += ": " + f.Public
	case f.Cause != nil:
		if inner, ok := errors.AsType[*fault.Error](f.Cause); ok {
			s += ": " + Public(inner)
		} else {
			s += ": " + f.Kind.String()
		}
	}
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

func flatten(bodies []map[string]any) ([]map[string]any, error) {
	var out []map[string]any
	for _, b := range bodies {
		items, isList := b["items"].([]any)
		kind, _ := b["kind"].(string)
		if !isList || !strings.HasSuffix(kind, "List") {
			out = append(out, b)
			continue
		}
		var inner []map[string]any
		for i, it := range items {
			m, ok := it.(map[string]any)
			if !ok {
				return nil, fault.New(fault.Invalid, "render", kind, fmt.Sprintf("item %d is no object", i), "")
			}
			inner = append(inner, m)
		}
		more, err := flatten(inner)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// definedScopes returns the scopes of kinds that the set itself defines.
func definedScopes(bodies []map[string]any) map[GroupKind]bool {
	out := map[GroupKind]bool{}
	for _, b := range bodies {
		if g, _ := GVKOf(b); g.Kind != "CustomResourceDefinition" || g.Group != "apiextensions.k8s.io" {
			continue
		}
		spec, _ := b["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		group, _ := spec["group"].(string)
		kind, _ := names["kind"].(string)
		out[GroupKind{group, kind}] = spec["scope"] == "Namespaced"
	}
	return out
}

func (d desire) object(ctx context.Context, body map[string]any, scopes map[GroupKind]bool) (*Object, error) {
	g, ok := GVKOf(body)
	meta, _ := body["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	generate, _ := meta["generateName"].(string)
	switch {
	case !ok:
		return nil, fault.New(fault.Invalid, "render", name, "an object without apiVersion or kind", "complete it")
	case name == "" && generate != "":
		return nil, fault.New(fault.Invalid, "render", g.Kind+" "+generate, "generateName makes another object at every sync", "give it a name")
	case name == "":
		return nil, fault.New(fault.Invalid, "render", g.Kind, "an object without a name", "give it a name")
	case encrypted(body):
		return nil, fault.New(fault.Invalid, "render", g.Kind+" "+name, "it is encrypted with SOPS and is not decrypted", "name a Secret with age keys in spec.decryption")
	}
	namespaced, known := scopes[g.GroupKind()]
	if !known {
		var err error
		if namespaced, err = d.namespaced(ctx, g); err != nil {
			if fault.KindOf(err) == fault.NotFound {
				return nil, fault.New(fault.NotFound, "find the kind of", g.Kind+" "+name, "the cluster does not serve "+g.APIVersion()+" "+g.Kind, "is its definition installed?")
			}
			return nil, fault.Wrap(fault.KindOf(err), "find the kind of", g.Kind+" "+name, err, "is the definition of "+g.APIVersion()+" "+g.Kind+" installed?")
		}
	}
	o := &Object{Key: Key{g.Group, g.Kind, "", name}, Version: g.Version, Body: cleaned(body)}
	meta, _ = o.Body["metadata"].(map[string]any)
	if namespaced {
		o.Namespace, _ = meta["namespace"].(string)
		if o.Namespace == "" {
			o.Namespace = d.app.Spec.Namespace
		}
		if o.Namespace == "" {
			o.Namespace = d.app.Namespace
		}
		meta["namespace"] = o.Namespace
	} else {
		delete(meta, "namespace")
	}
	labels := map[string]any{}
	if old, ok := meta["labels"].(map[string]any); ok {
		labels = maps.Clone(old)
	}
	labels[v1alpha1.LabelApplication], labels[v1alpha1.LabelNamespace] = d.app.Name, d.app.Namespace
	meta["labels"] = labels
	if text := o.Annotation(v1alpha1.AnnotationWave); text != "" {
		if _, err := strconv.Atoi(strings.TrimSpace(text)); err != nil {
			return nil, fault.New(fault.Invalid, "render", o.Key.String(), fmt.Sprintf("its wave is %q", text), v1alpha1.AnnotationWave+" must be a whole number")
		}
	}
	if o.Annotation(v1alpha1.AnnotationHook) != "" {
		if err := d.hook(o, meta); err != nil {
			return nil, err
		}
	}
	d.ignore(o)
	return o, nil
}

// encrypted tells whether an object carries what SOPS writes beside what it
// encrypts.
func encrypted(body map[string]any) bool {
	about, _ := body["sops"].(map[string]any)
	return about["mac"] != nil && about["version"] != nil
}

// hook gives a hook Job the name of this release's run of it.
func (d desire) hook(o *Object, meta map[string]any) error {
	if o.GroupKind() != (GroupKind{"batch", "Job"}) {
		return fault.New(fault.Invalid, "render", o.Key.String(), "only a Job can be a hook", "remove the annotation "+v1alpha1.AnnotationHook)
	}
	switch o.Annotation(v1alpha1.AnnotationHook) {
	case HookBefore, HookAfter, HookOnFailure:
	default:
		return fault.New(fault.Invalid, "render", o.Key.String(), fmt.Sprintf("unknown hook %q", o.Annotation(v1alpha1.AnnotationHook)), "use before, after or on-failure")
	}
	if d.hookSuffix != "" {
		o.Name = o.Name[:min(len(o.Name), 63-1-len(d.hookSuffix))] + "-" + d.hookSuffix
		meta["name"] = o.Name
	}
	return nil
}

// cleaned copies a body as far as it is changed and leaves out what only the
// API server may set.
func cleaned(body map[string]any) map[string]any {
	out := maps.Clone(body)
	delete(out, "status")
	meta, _ := body["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	for _, f := range []string{"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink", "deletionTimestamp"} {
		delete(meta, f)
	}
	out["metadata"] = meta
	if spec, ok := out["spec"].(map[string]any); ok {
		out["spec"] = maps.Clone(spec)
	}
	return out
}

func dropField(body map[string]any, path ...string) {
	for _, p := range path[:len(path)-1] {
		body, _ = body[p].(map[string]any)
	}
	delete(body, path[len(path)-1])
}

// autoscaled returns the objects of the set whose replicas an autoscaler of the
// set decides.
func autoscaled(objects []*Object) map[Key]bool {
	out := map[Key]bool{}
	for _, o := range objects {
		switch o.GroupKind() {
		case GroupKind{"autoscaling", "HorizontalPodAutoscaler"}, GroupKind{"keda.sh", "ScaledObject"}:
		default:
			continue
		}
		spec, _ := o.Body["spec"].(map[string]any)
		ref, _ := spec["scaleTargetRef"].(map[string]any)
		g, _ := GVKOf(ref)
		if g.Kind == "" { // KEDA's default
			g = GVK{"apps", "v1", "Deployment"}
			if k, _ := ref["kind"].(string); k != "" {
				g.Kind = k
			}
		}
		name, _ := ref["name"].(string)
		out[Key{g.Group, g.Kind, o.Namespace, name}] = true
	}
	return out
}

// keys returns the objects' keys, sorted by id.
func ids(objects []*Object) []string {
	out := make([]string, len(objects))
	for i, o := range objects {
		out[i] = o.ID()
	}
	slices.Sort(out)
	return out
}
