package preview

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/ops"
)

func metaTime(t time.Time) *metav1.Time { at := metav1.NewTime(t); return &at }

// hookSuffix ends the names of hook Jobs that are tried.
const hookSuffix = "preview0"

// Preview tells what an apply of a revision would change.
func (s *Stand) Preview(ctx context.Context, app *v1alpha1.Application, req cli.PreviewRequest) (*cli.Preview, error) {
	if app.Spec.Source == nil {
		return nil, fault.New(fault.Blocked, "show the changes of", app.Name, "another tool manages the application, and it is only observed here", "ask that tool")
	}
	tree, err := s.open(ctx, app, req)
	if err != nil {
		return nil, err
	}
	p, err := s.preview(ctx, app, tree)
	if closing := tree.close(); err == nil && closing != nil {
		err = fault.Wrap(fault.Unavailable, "close", tree.folder, closing, "")
	}
	return p, err
}

func (s *Stand) preview(ctx context.Context, app *v1alpha1.Application, tree *revision) (*cli.Preview, error) {
	r, err := s.render(ctx, app, tree)
	if err != nil {
		return nil, err
	}
	objects, err := deliver.Desired(ctx, app, s.digester, s.view.Namespaced, hookSuffix, r.Bodies)
	if err != nil {
		return nil, err
	}
	s.doctor.Learn(app)
	p := &cli.Preview{Application: app.Namespace + "/" + app.Name, Revision: tree.id, Ref: tree.ref, Folder: tree.folder, Commit: tree.Commit()}
	t := &trial{Stand: s, app: app, key: deliver.AppKey{Namespace: app.Namespace, Name: app.Name}, open: r.open, namespaces: map[string]bool{}, kinds: map[deliver.GroupKind]bool{}}
	t.options.SecretValues = s.hidden()
	if err := t.rehearse(ctx, objects, p); err != nil {
		return nil, err
	}
	ordered := inOrder(objects)
	if p.Objects, err = t.all(ctx, ordered); err != nil {
		return nil, err
	}
	written := delivery.WrittenIn(r.Rendered)
	for i, o := range ordered {
		k := o.Key
		k.Name = strings.TrimSuffix(k.Name, "-"+hookSuffix)
		if at, ok := written.Place(k, ""); ok {
			p.Objects[i].Source = lineOf(at)
		}
	}
	gone, err := t.pruned(ctx, objects, tree.id)
	if err != nil {
		return nil, err
	}
	p.Objects = append(p.Objects, gone...)
	for i := range p.Objects {
		if p.Objects[i].Changes == nil {
			p.Objects[i].Changes = []diff.Change{}
		}
	}
	s.hooks(p, ordered)
	s.judge(ctx, app, tree, r, objects, p)
	return p, nil
}

// hidden are the secret values that were read so far.
func (s *Stand) hidden() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// inOrder sorts objects as they are applied; what runs on failure comes last.
func inOrder(objects []*deliver.Object) (out []*deliver.Object) {
	for _, step := range deliver.Steps(objects) {
		out = append(out, step.Objects...)
	}
	for _, o := range objects {
		if o.Annotation(v1alpha1.AnnotationHook) == deliver.HookOnFailure {
			out = append(out, o)
		}
	}
	return out
}

// hooks turns what was tried of hooks into what they are: Jobs that run at the
// release, under a new name each time.
func (s *Stand) hooks(p *cli.Preview, ordered []*deliver.Object) {
	kept := p.Objects[:0]
	for i, d := range p.Objects {
		when := ""
		if i < len(ordered) {
			when = ordered[i].Annotation(v1alpha1.AnnotationHook)
		}
		if when == "" || d.Action == diff.Refuse || d.Action == diff.Unknown {
			kept = append(kept, d)
			continue
		}
		p.Hooks = append(p.Hooks, cli.Hook{Object: strings.TrimSuffix(d.Object.String(), "-"+hookSuffix), When: when, Source: d.Source})
	}
	p.Objects = kept
}

// rehearse finds out what has to be known before objects are tried: who they
// are tried as, and what of their surroundings comes with them.
func (t *trial) rehearse(ctx context.Context, objects []*deliver.Object, p *cli.Preview) error {
	if account := t.app.Spec.ServiceAccountName; account != "" {
		t.as = deliver.Identity{Namespace: t.app.Namespace, ServiceAccount: account}
	}
	for i, o := range objects {
		if i == 0 && t.as != (deliver.Identity{}) {
			_, err := t.cluster.Get(ctx, t.as, o.GVK(), o.Key)
			if fault.KindOf(err) == fault.Denied && strings.Contains(publicOf(err), "cannot impersonate") {
				p.Notes = append(p.Notes, "tried with your rights: you may not act as "+t.as.String()+", whose rights count when it is applied")
				t.as = deliver.Identity{}
			}
		}
		switch o.GroupKind() {
		case deliver.GroupKind{Kind: "Namespace"}:
			if _, err := t.cluster.Get(ctx, t.as, o.GVK(), o.Key); absent(err) {
				t.namespaces[o.Name] = true
			}
		default:
			if _, err := t.view.Namespaced(ctx, o.GVK()); err != nil && fault.KindOf(err) == fault.NotFound {
				t.kinds[o.GroupKind()] = true
			}
		}
	}
	p.TriedAs = t.as.String()
	if t.as == (deliver.Identity{}) {
		p.TriedAs = ""
		if t.app.Spec.ServiceAccountName == "" {
			p.Notes = append(p.Notes, "tried with your rights: the application names no service account, and the operator's default one may have others")
		}
	}
	return nil
}

// judge asks the gate. What keeps it from an answer is said; the differences
// are shown all the same.
func (s *Stand) judge(ctx context.Context, app *v1alpha1.Application, tree deliver.Tree, r *rendering, objects []*deliver.Object, p *cli.Preview) {
	surroundings := &kube.Surroundings{Client: s.Client}
	read := func(ctx context.Context, namespace string) ([][]byte, error) {
		texts, err := surroundings.Read(ctx, namespace)
		if absent(err) {
			return nil, nil // it may come with the revision
		}
		return texts, err
	}
	gate := &delivery.Gate{Engine: s.Engine, Choose: s.Choose, Now: s.Now, Around: delivery.AroundFunc(read)}
	j, err := gate.Judge(ctx, app, tree, r.Rendered, objects)
	if err != nil {
		p.Gate.Unknown = said(err)
		return
	}
	p.Gate.Refused, p.Gate.Findings = j.Refused, j.Findings
}

func lineOf(at ops.Position) string {
	if at.Line <= 0 {
		return at.File
	}
	return at.File + ":" + strconv.Itoa(at.Line)
}
