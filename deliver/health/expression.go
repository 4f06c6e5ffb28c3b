package health

import (
	"sync"

	"github.com/autoecoops/autoecoops/policy"
)

// Expressions tell the health of one kind in CEL over object. Failed counts
// first, then Healthy, then Progressing; an object for which none of them says
// yes is progressing. They are asked only about a status that is up to date.
type Expressions struct{ Healthy, Failed, Progressing string }

// Rule is a compiled set of Expressions. It is safe for concurrent use.
type Rule struct{ healthy, failed, progressing *policy.Program }

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
		return Health{Progressing, "NotObserved", "its controller has not seen the newest change yet"}
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
			return Health{Unknown, "ExpressionUnknown", "spec.health.expressions cannot tell: " + v.Reason}
		case policy.True:
			if x.yes == Healthy {
				return Health{Status: Healthy}
			}
			return Health{x.yes, "Expression", "spec.health.expressions: " + x.rule.Text()}
		}
	}
	return Health{Progressing, "Expression", "spec.health.expressions do not call it healthy"}
}
