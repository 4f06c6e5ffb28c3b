package delivery

import (
	"errors"
	"fmt"
	"sync"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/policy"
)

// Doctor tells the health of objects: by the expressions of the application
// that owns them, or else by what is known of their kind. It is safe for
// concurrent use.
type Doctor struct {
	kinds *health.Evaluator
	env   *policy.Env

	mu    sync.RWMutex
	byApp map[deliver.AppKey]*prescriptions
	rules map[string]compiled
}

// prescriptions are an application's own expressions.
type prescriptions struct {
	generation int64
	uid        string
	rules      map[deliver.GroupKind]func(map[string]any) health.Health
}

// NewDoctor returns a Doctor.
func NewDoctor() *Doctor {
	return &Doctor{env: policy.NewEnv(policy.Limits{}, "object"), kinds: health.NewEvaluator(health.Options{}), byApp: map[deliver.AppKey]*prescriptions{}, rules: map[string]compiled{}}
}

// Learn takes an application's expressions and returns the kinds whose health
// has to be looked at again because they changed.
func (d *Doctor) Learn(app *v1alpha1.Application) []deliver.GroupKind {
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	d.mu.RLock()
	old := d.byApp[k]
	d.mu.RUnlock()
	list := app.Spec.Health.Expressions
	if old == nil && len(list) == 0 || old != nil && old.generation == app.Generation && old.uid == string(app.UID) {
		return nil
	}
	p := &prescriptions{generation: app.Generation, uid: string(app.UID), rules: map[deliver.GroupKind]func(map[string]any) health.Health{}}
	var changed []deliver.GroupKind
	for _, e := range list {
		g := deliver.GroupKind{Group: e.Group, Kind: e.Kind}
		changed = append(changed, g)
		rule, err := health.Compile(health.Expressions{Healthy: e.Healthy, Failed: e.Failed, Progressing: e.Progressing})
		if err != nil {
			why := health.Health{Status: health.Unknown, Reason: "ExpressionInvalid", Message: deliver.Public(err)}
			p.rules[g] = func(map[string]any) health.Health { return why }
			continue
		}
		p.rules[g] = rule.Evaluate
	}
	if old != nil {
		for g := range old.rules {
			if p.rules[g] == nil {
				changed = append(changed, g)
			}
		}
	}
	d.mu.Lock()
	d.byApp[k] = p
	d.mu.Unlock()
	return changed
}

// Forget drops an application's expressions.
func (d *Doctor) Forget(k deliver.AppKey) {
	d.mu.Lock()
	delete(d.byApp, k)
	d.mu.Unlock()
}

// Evaluate tells an object's health.
func (d *Doctor) Evaluate(body map[string]any) health.Health {
	d.mu.RLock()
	p := d.byApp[deliver.OwnerOf(body)]
	d.mu.RUnlock()
	if p != nil {
		if g, ok := deliver.GVKOf(body); ok {
			if rule := p.rules[g.GroupKind()]; rule != nil {
				return rule(body)
			}
		}
	}
	return d.kinds.Evaluate(body)
}

// Check implements deliver.Doctor.
func (d *Doctor) Check(app *v1alpha1.Application) error {
	for i, e := range app.Spec.Health.Expressions {
		for _, x := range []struct{ name, text string }{{"healthy", e.Healthy}, {"failed", e.Failed}, {"progressing", e.Progressing}} {
			if x.text == "" {
				continue
			}
			if _, err := d.rule(x.text); err != nil {
				return misread(fmt.Sprintf("spec.health.expressions[%d].%s (%s)", i, x.name, e.Kind), err)
			}
		}
	}
	for i, on := range app.Spec.DependsOn {
		if on.Ready == "" {
			continue
		}
		if _, err := d.rule(on.Ready); err != nil {
			return misread(fmt.Sprintf("spec.dependsOn[%d].ready (%s %s)", i, on.Kind, on.Name), err)
		}
	}
	return nil
}

// misread says which expression cannot be read, and why.
func misread(where string, why *fault.Error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read", Subject: where, Public: why.Public, Hint: why.Hint, Code: "ExpressionInvalid", Cause: why}
}

// Ready implements deliver.Doctor.
func (d *Doctor) Ready(body map[string]any, expression string) (string, error) {
	if expression == "" {
		h := d.kinds.Evaluate(body)
		if h.Status == health.Healthy {
			return "", nil
		}
		return string(h.Status) + ": " + h.Message, nil
	}
	rule, err := d.rule(expression)
	if err != nil {
		return "", misread("spec.dependsOn", err)
	}
	switch v := rule.Eval(map[string]any{"object": body}); {
	case v.Answer == policy.True:
		return "", nil
	case v.Reason == policy.TooCostly:
		return "", fault.New(fault.Invalid, "evaluate", "spec.dependsOn", v.Reason+": "+expression, "ask for less of the object")
	case v.Answer == policy.Unknown:
		return "cannot be told: " + v.Reason, nil
	}
	return "not yet: " + expression, nil
}

// maxRules bounds the expressions that are kept compiled: people change them, and the
// old ones are not asked for again.
const maxRules = 4096

// compiled is an expression, or why it is none.
type compiled struct {
	program *policy.Program
	err     *fault.Error
}

// rule compiles an expression once.
func (d *Doctor) rule(expression string) (*policy.Program, *fault.Error) {
	d.mu.RLock()
	c, known := d.rules[expression]
	d.mu.RUnlock()
	if known {
		return c.program, c.err
	}
	program, err := policy.Compile(expression, d.env)
	if err != nil {
		c.err = fault.Wrap(fault.Invalid, "compile expression", "", err, "")
		if f, ok := errors.AsType[*fault.Error](err); ok {
			c.err = f
		}
	}
	c.program = program
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.rules) >= maxRules {
		clear(d.rules)
	}
	d.rules[expression] = c
	return c.program, c.err
}
