// Package policy evaluates rules that users write in CEL on values: input in,
// verdict out. A rule is compiled once, its cost is bounded, and what it cannot
// tell it answers with Unknown, never with an error that somebody could take for
// a yes or a no.
package policy

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/autoecoops/autoecoops/fault"
)

// Verdict is the answer of a rule.
type Verdict uint8

// The verdicts.
const (
	// Unknown means that the input does not say: a field is absent, or of
	// another type than the rule expects.
	Unknown Verdict = iota
	No
	Yes
)

// String returns unknown, no or yes.
func (v Verdict) String() string { return [...]string{"unknown", "no", "yes"}[v] }

const (
	// maxExpression is the length of a rule in bytes.
	maxExpression = 8 << 10
	// maxCost bounds one evaluation; a field access costs about one.
	maxCost = 100_000
	// interruptEvery is how often a loop looks whether it was cancelled.
	interruptEvery = 100
)

// Rule is a compiled expression. It is safe for concurrent use.
type Rule struct {
	text    string
	program cel.Program
}

// environment declares what rules can name: object, the thing that is judged.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("object", cel.DynType),
		cel.OptionalTypes(),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
	)
})

// Compile reads a rule: an expression over object that answers true or false.
func Compile(expression string) (*Rule, error) {
	const op = "read the CEL expression"
	short := brief(expression)
	if len(expression) > maxExpression {
		return nil, fault.New(fault.Invalid, op, short, fmt.Sprintf("it is longer than %d bytes", maxExpression), "split it")
	}
	env, err := environment()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, short, err, "")
	}
	ast, issues := env.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, fault.New(fault.Invalid, op, short, oneLine(err.Error()), "see cel.dev for the language; the object is called object")
	}
	if t := ast.OutputType(); !t.IsEquivalentType(cel.BoolType) && !t.IsEquivalentType(cel.DynType) {
		return nil, fault.New(fault.Invalid, op, short, "it answers a "+t.String()+", not true or false", "compare it with something")
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fault.New(fault.Invalid, op, short, oneLine(err.Error()), "")
	}
	return &Rule{expression, program}, nil
}

// String returns the expression.
func (r *Rule) String() string { return r.text }

// Evaluate asks the rule about an object. reason says why the answer is
// Unknown.
func (r *Rule) Evaluate(ctx context.Context, object map[string]any) (v Verdict, reason string) {
	out, _, err := r.program.ContextEval(ctx, map[string]any{"object": object})
	if err != nil {
		return Unknown, oneLine(err.Error())
	}
	return verdictOf(out)
}

func verdictOf(out ref.Val) (Verdict, string) {
	switch b, ok := out.(types.Bool); {
	case !ok:
		return Unknown, "the answer is a " + out.Type().TypeName() + ", not true or false"
	case bool(b):
		return Yes, ""
	}
	return No, ""
}

func brief(s string) string {
	s = oneLine(s)
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
