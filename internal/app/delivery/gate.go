package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
	"github.com/autoecoops/autoecoops/ops"
)

// Gate implements deliver.Gate with the engine of ASSESS.
type Gate struct {
	Engine *assess.Engine
	// Choose returns the checks that settings ask for.
	Choose func(config.Assess) ([]*check.Check, error)
	Now    func() time.Time
	// Around reads what is in the cluster already of what a render may refer
	// to; nil for nothing.
	Around func(ctx context.Context, app *v1alpha1.Application, objects []*deliver.Object) ([][]byte, error)
}

// Judge implements deliver.Gate. The cluster is asked only if something would
// refuse the revision: what it lacks in Git may be there.
func (g *Gate) Judge(ctx context.Context, app *v1alpha1.Application, _ deliver.Tree, r *deliver.Rendered, objects []*deliver.Object) (*deliver.Judgement, error) {
	opts, failOn, err := g.options(app)
	if err != nil {
		return nil, err
	}
	h, ok := r.Handle.(*handle)
	if !ok {
		return nil, fault.New(fault.Internal, "judge", app.Name, "there is no rendering to judge", "report this")
	}
	judge := func(around [][]byte) (*assess.Report, error) {
		return g.Engine.JudgeRender(ctx, h.files, h.render, around, assess.Target{Path: app.Spec.Source.Path}, opts)
	}
	rep, err := judge(nil)
	if err != nil {
		return nil, err
	}
	j := judgement(rep, failOn, app.Spec.Gate.FailOnUnknown)
	if !j.Refused || g.Around == nil {
		return j, nil
	}
	around, err := g.Around(ctx, app, objects)
	if err != nil {
		return nil, err
	}
	if len(around) == 0 {
		return j, nil
	}
	if rep, err = judge(around); err != nil {
		return nil, err
	}
	return judgement(rep, failOn, app.Spec.Gate.FailOnUnknown), nil
}

// options turns an application's gate into the options of an assessment
// and the least severity that refuses, 0 for none.
func (g *Gate) options(app *v1alpha1.Application) (assess.Options, ops.Severity, error) {
	o := assess.Default()
	o.Now, o.Workers = g.Now(), 1
	spec := app.Spec.Gate
	s := config.Default()
	s.Skip = spec.Skip
	var err error
	if spec.PodSecurity != "" {
		if o.PodSecurity, o.PodSecurityMinor, err = config.PodSecurity(spec.PodSecurity); err != nil {
			return o, 0, fault.Wrap(fault.Invalid, "read", "spec.gate.podSecurity", err, "write restricted@v1.37")
		}
	}
	if o.Checks, err = g.Choose(s); err != nil {
		return o, 0, fault.Wrap(fault.Invalid, "read", "spec.gate.skip", err, "")
	}
	switch spec.FailOn {
	case "never":
		return o, 0, nil
	case "":
		return o, ops.High, nil
	}
	severity, err := ops.ParseSeverity(spec.FailOn)
	if err != nil {
		return o, 0, fault.Wrap(fault.Invalid, "read", "spec.gate.failOn", err, "")
	}
	return o, severity, nil
}

// judgement sums a report up for the gate, the worst findings first.
func judgement(rep *assess.Report, failOn ops.Severity, failOnUnknown bool) *deliver.Judgement {
	c := rep.Summary.Findings
	j := &deliver.Judgement{Posture: v1alpha1.Posture{
		Critical: int32(c.Critical), High: int32(c.High), Medium: int32(c.Medium), Low: int32(c.Low), Unknown: int32(c.Unknown),
	}}
	for _, severity := range ops.Severities() {
		if failOn == 0 || severity < failOn {
			break
		}
		for _, f := range rep.Findings {
			if f.Status == ops.Fail && f.Severity == severity {
				j.Findings = append(j.Findings, findingOf(f))
			}
		}
	}
	counted := len(j.Findings)
	if failOnUnknown {
		for _, f := range rep.Findings {
			if f.Status == ops.Unknown {
				j.Findings = append(j.Findings, findingOf(f))
			}
		}
	}
	if len(j.Findings) == 0 {
		return j
	}
	j.Refused = true
	first := j.Findings[0]
	j.Reason = fmt.Sprintf("%s:%d: %s (%s, %s)", first.File, first.Line, first.Message, first.Severity, first.Check)
	if n := counted - 1; n > 0 {
		j.Reason += " and " + plural(n, "more finding") + " at " + failOn.String() + " or above"
	}
	return j
}

func findingOf(f ops.Finding) v1alpha1.Finding {
	out := v1alpha1.Finding{
		Check: string(f.Check), Severity: f.Severity.String(), Message: shorten(f.Message, 500), Fix: shorten(f.Fix, 300),
		File: f.File, Line: int32(f.Line), Object: f.Object.String(), Path: f.Path,
	}
	if f.Status == ops.Unknown {
		out.Severity = string(ops.Unknown)
	}
	return out
}

// AroundFunc returns what Gate.Around needs: the surroundings in every namespace
// that the objects go to or come from.
func AroundFunc(read func(ctx context.Context, namespace string) ([][]byte, error)) func(context.Context, *v1alpha1.Application, []*deliver.Object) ([][]byte, error) {
	return func(ctx context.Context, _ *v1alpha1.Application, objects []*deliver.Object) ([][]byte, error) {
		seen := map[string]bool{"": true}
		var out [][]byte
		for _, o := range objects {
			if seen[o.Namespace] {
				continue
			}
			seen[o.Namespace] = true
			texts, err := read(ctx, o.Namespace)
			if err != nil {
				return nil, err
			}
			out = append(out, texts...)
		}
		return out, nil
	}
}
