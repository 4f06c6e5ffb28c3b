package policy

import (
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/overloads"
)

// Limits bound one evaluation. Zero fields mean the defaults.
type Limits struct {
	// Cost is how many steps an evaluation may take, in CEL's units (about one
	// a field access, a tenth of one a byte of text looked at).
	Cost uint64
	// Input is how large the input may be, in bytes of its text.
	Input int
}

// The default limits.
const (
	DefaultCost  = 50_000  // at worst some 0.1 s of one core
	DefaultInput = 3 << 20 // above what the Kubernetes API stores
)

// Env is what expressions may refer to. It costs nothing until something is
// compiled in it. It is safe for concurrent use and MUST NOT be copied.
type Env struct {
	limits    Limits
	variables []string
	once      sync.Once
	env       *cel.Env
	err       error
}

// NewEnv returns an environment with these variables of any type; only object
// if none is named.
func NewEnv(limits Limits, variables ...string) *Env {
	if limits.Cost == 0 {
		limits.Cost = DefaultCost
	}
	if limits.Input == 0 {
		limits.Input = DefaultInput
	}
	if len(variables) == 0 {
		variables = []string{"object"}
	}
	return &Env{limits: limits, variables: slices.Clone(variables)}
}

func (e *Env) names() []string { return e.variables }

func (e *Env) build() (*cel.Env, error) {
	e.once.Do(func() {
		options := []cel.EnvOption{
			cel.StdLib(cel.StdLibSubset(standard())),
			cel.CrossTypeNumericComparisons(true),
			cel.DefaultUTCTimeZone(true),
			cel.ParserExpressionSizeLimit(MaxExpression),
			cel.ParserRecursionLimit(maxDepth),
			cel.ExtendedValidations(),
		}
		options = append(options, textFunctions()...)
		options = append(options, listFunctions()...)
		options = append(options, quantityFunctions()...)
		for _, name := range e.variables {
			options = append(options, cel.Variable(name, cel.DynType))
		}
		e.env, e.err = cel.NewCustomEnv(options...)
	})
	return e.env, e.err
}

// standard is the standard library without what reads the host's time zones.
func standard() *env.LibrarySubset {
	zoned := map[string]string{
		overloads.TimeGetFullYear:     overloads.TimestampToYearWithTz,
		overloads.TimeGetMonth:        overloads.TimestampToMonthWithTz,
		overloads.TimeGetDayOfYear:    overloads.TimestampToDayOfYearWithTz,
		overloads.TimeGetDayOfMonth:   overloads.TimestampToDayOfMonthZeroBasedWithTz,
		overloads.TimeGetDate:         overloads.TimestampToDayOfMonthOneBasedWithTz,
		overloads.TimeGetDayOfWeek:    overloads.TimestampToDayOfWeekWithTz,
		overloads.TimeGetHours:        overloads.TimestampToHoursWithTz,
		overloads.TimeGetMinutes:      overloads.TimestampToMinutesWithTz,
		overloads.TimeGetSeconds:      overloads.TimestampToSecondsWithTz,
		overloads.TimeGetMilliseconds: overloads.TimestampToMillisecondsWithTz,
	}
	subset := env.NewLibrarySubset()
	for function, overload := range zoned {
		subset.AddExcludedFunctions(env.NewFunction(function, &env.Overload{ID: overload}))
	}
	return subset
}

func (e *Env) programOptions() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.EvalOptions(cel.OptOptimize),
		cel.CostLimit(e.limits.Cost),
		cel.CostTracking(prices{}),
		cel.InterruptCheckFrequency(100),
	}
}

// fits reports whether a value has at most limit bytes of text, a scalar
// counting 8. It stops as soon as it knows.
func fits(v any, limit int) bool { return weigh(v, limit, 0) >= 0 }

// maxNesting is deeper than the Kubernetes API decodes.
const maxNesting = 200

func weigh(v any, left, depth int) int {
	left -= 8
	if left < 0 || depth > maxNesting {
		return -1
	}
	switch v := v.(type) {
	case string:
		return left - len(v)
	case map[string]any:
		for k, child := range v {
			if left = weigh(child, left-len(k), depth+1); left < 0 {
				return left
			}
		}
	case []any:
		for _, child := range v {
			if left = weigh(child, left, depth+1); left < 0 {
				return left
			}
		}
	}
	return left
}
