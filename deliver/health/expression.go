package health

import (
	"sync"

	"github.com/autoecoops/autoecoops/policy"
)

// Expressions tell the health of one kind in CEL over object. They are asked only
// about a status that is up to date, in this order: Failed, Healthy, Progressing;
// the first that says yes counts, and one that cannot tell makes the health
// unknown. If none says yes the object is progressing; without a Healthy
// expression the usual rules of the kind decide then.
type Expressions struct{ Healthy, Failed, Progressing string }

// Rule is a compiled set of Expressions. It is safe for concurrent use.
type Rule struct{ healthy, failed, progressing *policy.Program }

// usual are the rules that decide where an expression is left out.
var usual = sync.OnceValue(func() *Evaluator { return NewEvaluator(Options{}) })

// env is what the expressions can name.
var env = sync.OnceValue(func() *policy.Env { return policy.NewEnv(policy.Limits{}, "object") })

// Compile reads the expressions; those that are empty never say yes.
func Compile(e Expressions) (*Rule, error) {
	r := &Rule{}
	for _, x := range []struct {
		text string
		into **policy.Program
	}{{e.Healthy, &r.healthy}, {e.Failed, &r.failed}, {e.Progressing, &r.progressing}} {
		if x.text == "" {
			continue
		}
		rule, err := policy.Compile(x.text, env())
		if err != nil {
			return nil, err
		}
		*x.into = rule
	}
	return r, nil
}

// Evaluate tells an object's health. What an expression cannot tell is unknown.
func (r *Rule) Evaluate(body map[string]any) Health {
	o := object(body)
	if o.sub("metadata")["deletionTimestamp"] != nil {
		return Health{Terminating, "Deleting", "it is being deleted"}
	}
	if stale(o.sub("metadata"), o.sub("status")) {
		return outdated()
	}
	for _, x := range []struct {
		rule *policy.Program
		yes  Status
	}{{r.failed, Failed}, {r.healthy, Healthy}, {r.progressing, Progressing}} {
		if x.rule == nil {
			continue
		}
		switch v := x.rule.Eval(map[string]any{"object": body}); v.Answer {
		case policy.Unknown:
			return bounded(Health{Unknown, "ExpressionUnknown", "spec.health.expressions cannot tell: " + v.Reason})
		case policy.True:
			if x.yes == Healthy {
				return Health{Status: Healthy}
			}
			return bounded(Health{x.yes, "Expression", "spec.health.expressions: " + x.rule.Text()})
		}
	}
	if r.healthy == nil {
		return usual().Evaluate(body)
	}
	return Health{Progressing, "Expression", "spec.health.expressions do not call it healthy"}
}
