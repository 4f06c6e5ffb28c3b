package assess

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// Engine assesses trees of files. It is safe for concurrent use.
type Engine struct {
	Parser    Parser
	Renderers map[Tool]Renderer
	// Roots tells, of all folders with a kustomization, which are deployable
	// on their own: not a component, and included by no other.
	Roots func(files fs.FS, dirs []string) []string
}

// run is the state of one assessment.
type run struct {
	*Engine
	opts    Options
	src     Source
	entries []Entry
	// inputs is by file; a pointer because several stages add to it.
	inputs  map[string]*Input
	files   []*file
	texts   [][]byte
	renders []*Render
	// kustomized are the folders that hold a kustomization.
	kustomized map[string]bool
	units      []*unit
	marks      []mark
	scan       *scorecard.Scan
	objects    int
	passed     int
	passes     tally
	results    []*located

	// deviations are kept if asked for, with their findings' numbers.
	deviations  []Deviation
	deviationOf []int
}

// Assess judges the tree.
func (e *Engine) Assess(ctx context.Context, src Source, target Target, opts Options) (*Report, error) {
	r := e.begin(src, opts)
	if err := r.through(ctx, r.render, r.read, r.parse, r.assemble, r.evaluate); err != nil {
		return nil, err
	}
	rep := &Report{APIVersion: APIVersion, Target: target}
	rep.Findings = r.findings()
	rep.Deviations = r.deviations
	var err error
	if rep.Notices, err = r.except(rep.Findings); err != nil {
		return nil, err
	}
	if !opts.KeepPassed {
		rep.Findings = slices.DeleteFunc(rep.Findings, func(f ops.Finding) bool { return f.Status == ops.Pass })
	}
	rep.Inputs = r.account()
	rep.Practices = r.judgePractices(rep.Findings)
	rep.Summary = Summary{Coverage: coverage(rep.Inputs), Objects: r.objects, Checks: len(opts.Checks), Passed: r.passed}
	rep.Count()
	return rep, nil
}

func (e *Engine) begin(src Source, opts Options) *run {
	return &run{Engine: e, opts: opts, src: src, inputs: map[string]*Input{}, scan: scorecard.NewScan()}
}

// through lists the tree and goes through the stages.
func (r *run) through(ctx context.Context, stages ...func(context.Context) error) (err error) {
	if r.entries, err = r.src.Entries(ctx); err != nil {
		return interrupted(err)
	}
	for _, stage := range stages {
		if err := stage(ctx); err != nil {
			return interrupted(err)
		}
	}
	return nil
}

func interrupted(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.TimedOut, "assess", "", err, "allow it more time")
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Interrupted, "assess", "", err, "run it again; what was found so far is not kept")
	}
	return err
}

func (r *run) progress(stage string, done, total int) {
	if r.opts.Progress != nil {
		r.opts.Progress(stage, done, total)
	}
}

// Count recounts the findings of the summary.
func (rep *Report) Count() {
	var c Counts
	for _, f := range rep.Findings {
		switch {
		case f.Status == ops.Unknown:
			c.Unknown++
		case f.Status == ops.Excepted:
			c.Excepted++
		case f.Status != ops.Fail:
		case f.Severity == ops.Critical:
			c.Critical++
		case f.Severity == ops.High:
			c.High++
		case f.Severity == ops.Medium:
			c.Medium++
		default:
			c.Low++
		}
	}
	rep.Summary.Findings = c
}

func coverage(inputs []Input) Coverage {
	var c Coverage
	for _, in := range inputs {
		switch in.Status {
		case Evaluated:
			c.Evaluated++
		case Skipped:
			c.Skipped++
		default:
			c.Unknown++
		}
	}
	c.Percent = 100
	if n := c.Evaluated + c.Unknown; n > 0 {
		c.Percent = 100 * c.Evaluated / n
	}
	return c
}
