package policy

import (
	"errors"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apimachinery/pkg/api/resource"
)

// quantityType has the name that it has in Kubernetes' own environment.
var quantityType = types.NewOpaqueType("kubernetes.Quantity")

// amount is a quantity such as 500m or 64Mi as a value of the language.
type amount struct{ resource.Quantity }

// ConvertToNative implements ref.Val.
func (a amount) ConvertToNative(t reflect.Type) (any, error) {
	if t == reflect.TypeFor[string]() {
		return a.Quantity.String(), nil
	}
	return nil, errors.New("no such overload: a quantity is only text outside of the language")
}

// ConvertToType implements ref.Val.
func (a amount) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case quantityType:
		return a
	case types.TypeType:
		return quantityType
	case types.StringType:
		return types.String(a.Quantity.String())
	}
	return types.NewErr("no such overload: a quantity is no %s", t.TypeName())
}

// Equal implements ref.Val: quantities are equal if their amounts are.
func (a amount) Equal(other ref.Val) ref.Val {
	b, ok := other.(amount)
	return types.Bool(ok && a.Quantity.Cmp(b.Quantity) == 0)
}

// Type implements ref.Val.
func (a amount) Type() ref.Type { return quantityType }

// Value implements ref.Val.
func (a amount) Value() any { return a.Quantity.String() }

// quantityFunctions are those of Kubernetes: quantity('1Gi'), isQuantity,
// compareTo, isLessThan, isGreaterThan, sign, asInteger and
// asApproximateFloat.
func quantityFunctions() []cel.EnvOption {
	q, str, num, yes := quantityType, cel.StringType, cel.IntType, cel.BoolType
	compare := func(f func(int) ref.Val) func(...ref.Val) (ref.Val, error) {
		return func(a ...ref.Val) (ref.Val, error) {
			x, y := a[0].(amount), a[1].(amount)
			return f(x.Quantity.Cmp(y.Quantity)), nil
		}
	}
	return []cel.EnvOption{
		function("quantity", q, func(a ...ref.Val) (ref.Val, error) { return parseQuantity(a[0]) }, str),
		function("isQuantity", yes, func(a ...ref.Val) (ref.Val, error) {
			_, err := parseQuantity(a[0])
			return types.Bool(err == nil), nil
		}, str),
		method("compareTo", num, compare(func(c int) ref.Val { return types.Int(c) }), q, q),
		method("isLessThan", yes, compare(func(c int) ref.Val { return types.Bool(c < 0) }), q, q),
		method("isGreaterThan", yes, compare(func(c int) ref.Val { return types.Bool(c > 0) }), q, q),
		method("sign", num, func(a ...ref.Val) (ref.Val, error) { x := a[0].(amount); return types.Int(x.Quantity.Sign()), nil }, q),
		method("asApproximateFloat", cel.DoubleType, func(a ...ref.Val) (ref.Val, error) {
			x := a[0].(amount)
			return types.Double(x.Quantity.AsApproximateFloat64()), nil
		}, q),
		method("asInteger", num, func(a ...ref.Val) (ref.Val, error) {
			x := a[0].(amount)
			n, ok := x.Quantity.AsInt64()
			if !ok {
				return nil, errors.New("the quantity is no whole number")
			}
			return types.Int(n), nil
		}, q),
	}
}

// function declares name(args...).
func function(name string, result *cel.Type, f func(...ref.Val) (ref.Val, error), args ...*cel.Type) cel.EnvOption {
	return cel.Function(name, cel.Overload(prefix+name, args, result, implementation(f)))
}

// maxQuantity is longer than any quantity that means something; parsing takes
// time that grows with the square of the length.
const maxQuantity = 64

func parseQuantity(v ref.Val) (ref.Val, error) {
	s := string(v.(types.String))
	if len(s) > maxQuantity {
		return nil, errors.New("too long for a quantity")
	}
	q, err := resource.ParseQuantity(s)
	if err != nil {
		return nil, err
	}
	return amount{q}, nil
}
