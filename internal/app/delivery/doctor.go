package delivery

import (
	"sync"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/policy"
)

// Doctor tells the health of objects: by the expressions of the application
// that owns them, or else by what is known of their kind. It is safe for
// concurrent use.
type Doctor struct {
	kinds *health.Evaluator
	env   *policy.Env

	mu     sync.RWMutex
	byApp  map[deliver.AppKey]*prescriptions
	rules  map[string]*policy.Program
	broken map[string]string
}

// prescriptions are an application's own expressions.
type prescriptions struct {
	generation int64
	uid        string
	rules      map[deliver.GroupKind]func(map[string]any) health.Health
}

// NewDoctor returns a Doctor.
func NewDoctor() *Doctor {
	return &Doctor{env: policy.NewEnv(policy.Limits{}, "object"), kinds: health.NewEvaluator(health.Options{}), byApp: map[deliver.AppKey]*prescriptions{}, rules: map[string]*policy.Program{}, broken: map[string]string{}}
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

// Ready says what keeps an object from being ready, "" if nothing does: a CEL
// expression, or its health if there is none.
func (d *Doctor) Ready(body map[string]any, expression string) string {
	if expression == "" {
		h := d.kinds.Evaluate(body)
		if h.Status == health.Healthy {
			return ""
		}
		return string(h.Status) + ": " + h.Message
	}
	rule, err := d.rule(expression)
	if err != "" {
		return err
	}
	switch v := rule.Eval(map[string]any{"object": body}); v.Answer {
	case policy.True:
		return ""
	case policy.Unknown:
		return "cannot be told: " + v.Reason
	}
	return "not yet: " + expression
}

// rule compiles an expression once.
func (d *Doctor) rule(expression string) (*policy.Program, string) {
	d.mu.RLock()
	rule, why := d.rules[expression], d.broken[expression]
	d.mu.RUnlock()
	if rule != nil || why != "" {
		return rule, why
	}
	rule, err := policy.Compile(expression, d.env)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.broken[expression] = deliver.Public(err)
		return nil, d.broken[expression]
	}
	d.rules[expression] = rule
	return rule, ""
}
