package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/autoecoops/autoecoops/fault"
)

// Answer is what an expression says of an input.
type Answer uint8

// The answers. The zero value is Unknown.
const (
	Unknown Answer = iota
	True
	False
)

// String returns the answer in lower case.
func (a Answer) String() string {
	switch a {
	case True:
		return "true"
	case False:
		return "false"
	}
	return "unknown"
}

// Verdict is an answer, and why it is Unknown if it is.
type Verdict struct {
	Answer Answer
	// Reason is empty unless the answer is Unknown. It holds no values of the
	// input and at most 200 bytes.
	Reason string
}

// MaxExpression is the longest expression that compiles, in bytes.
const MaxExpression = 8 << 10

// maxDepth is how deep an expression may nest.
const maxDepth = 64

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	text     string
	program  cel.Program
	maxInput int
}

// Problem is one thing that is wrong with an expression.
type Problem struct {
	// Line and Column count from 1.
	Line, Column int
	Message      string
}

// String returns "line 1, column 5: message".
func (p Problem) String() string {
	return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Message)
}

// Problems is everything that is wrong with an expression, in order; it is the
// cause of the errors that Compile returns.
type Problems []Problem

// Error implements error.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "; ")
}

// Compile compiles an expression. The error is a fault.Error of kind Invalid
// around Problems: its text tells the first of them with line and column, its
// hint how to mend it.
func Compile(expr string, env *Env) (*Program, error) {
	if len(expr) > MaxExpression {
		return nil, invalid(fmt.Sprintf("the expression has %d bytes, more than %d", len(expr), MaxExpression),
			"split it into several expressions", nil)
	}
	if strings.TrimSpace(expr) == "" {
		return nil, invalid("the expression is empty", "write a condition such as object.status.phase == 'Ready'", nil)
	}
	e, err := env.build()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "prepare the expression language", "", err, "")
	}
	ast, issues := e.Compile(expr)
	if issues != nil && issues.Err() != nil {
		problems := Problems{}
		for _, i := range issues.Errors() {
			problems = append(problems, Problem{max(1, i.Location.Line()), i.Location.Column() + 1, brief(i.Message)})
		}
		return nil, invalid(problems[0].String(), hint(problems[0].Message, env.names()), problems)
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) {
		p := Problem{1, 1, "the expression gives " + typeName(t) + ", not true or false"}
		return nil, invalid(p.String(), "compare it with something, as in … == true or size(…) > 0", Problems{p})
	}
	prg, err := e.Program(ast, env.programOptions()...)
	if err != nil {
		p := Problem{1, 1, brief(err.Error())}
		return nil, invalid(p.String(), "check constants such as regular expressions", Problems{p})
	}
	return &Program{text: expr, program: prg, maxInput: env.limits.Input}, nil
}

func typeName(t *cel.Type) string {
	if t.IsExactType(cel.DynType) {
		return "a value of any type"
	}
	return "a value of type " + t.String()
}

func invalid(public, hint string, cause Problems) error {
	err := fault.New(fault.Invalid, "compile expression", "", public, hint)
	if cause != nil {
		err.Cause = cause
	}
	return err
}

// brief keeps the first line of a message, at most 200 bytes.
func brief(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason-3], "") + "..."
	}
	return s
}

// hint says how to mend what the compiler complains of.
func hint(message string, names []string) string {
	switch {
	case strings.Contains(message, "undeclared reference"):
		return "the variables are " + strings.Join(names, ", ") + "; fields are written as object.spec.replicas, text in quotes"
	case strings.Contains(message, "no matching overload"):
		return "the two sides have different types, or the function takes other arguments; convert with int(…), string(…) or quantity(…)"
	case strings.Contains(message, "Syntax error"), strings.Contains(message, "recursion limit"):
		return "check brackets and quotes near that place; and is &&, or is ||, equality is =="
	}
	return ""
}

// Text returns the expression.
func (p *Program) Text() string { return p.text }

// Eval evaluates the program. Input has a value for each variable of the
// environment. The work is bounded by the environment's limits.
func (p *Program) Eval(input map[string]any) Verdict {
	return p.eval(input, func() (any, error) {
		out, _, err := p.program.Eval(input)
		return out, err
	})
}

// EvalContext is Eval that also stops when ctx ends; then the verdict is
// Unknown.
func (p *Program) EvalContext(ctx context.Context, input map[string]any) Verdict {
	if ctx.Err() != nil {
		return Verdict{Unknown, "the time for the evaluation was over"}
	}
	return p.eval(input, func() (any, error) {
		out, _, err := p.program.ContextEval(ctx, input)
		return out, err
	})
}

func (p *Program) eval(input map[string]any, run func() (any, error)) Verdict {
	if !fits(input, p.maxInput) {
		return Verdict{Unknown, fmt.Sprintf("the input is larger than %d bytes", p.maxInput)}
	}
	out, err := run()
	if err != nil {
		return Verdict{Unknown, reason(err)}
	}
	switch out {
	case types.True:
		return Verdict{Answer: True}
	case types.False:
		return Verdict{Answer: False}
	}
	return Verdict{Unknown, "the expression gave neither true nor false"}
}

const maxReason = 200

// TooCostly is the reason of an evaluation that had to be ended: it is the
// expression that is to be changed.
const TooCostly = "the evaluation costs more than allowed"

// reason tells why an evaluation failed without telling values: the texts of
// conversions and functions hold their arguments.
func reason(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "the time for the evaluation was over"
	case strings.Contains(text, "actual cost limit exceeded"):
		return TooCostly
	case strings.HasPrefix(text, "no such key: "), strings.HasPrefix(text, "no such attribute"):
		_, key, _ := strings.Cut(text, ": ")
		return brief("there is no field " + key)
	case strings.HasPrefix(text, noCondition):
		return brief(text)
	case strings.HasPrefix(text, "no such overload"):
		return "a value has another type than the expression expects"
	case strings.HasPrefix(text, "index out of bounds"), strings.HasPrefix(text, "invalid_argument"):
		return "a list has no such item"
	case strings.HasPrefix(text, "internal error"):
		return "the evaluation failed"
	}
	return "an operation of the expression failed on this input"
}
