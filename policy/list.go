package policy

import (
	"errors"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const noCondition = "there is no condition "

// listFunctions are sum, min and max of a list of numbers, indexOf an item, and
// condition: object.condition('Ready') is the condition of that type in the
// object's status; there being none is an error, so the verdict is Unknown and
// not, as with filter and all on an empty list, true.
func listFunctions() []cel.EnvOption {
	list, dyn := cel.ListType(cel.DynType), cel.DynType
	return []cel.EnvOption{
		method("sum", dyn, func(a ...ref.Val) (ref.Val, error) { return fold(a[0], types.Int(0), add) }, list),
		method("min", dyn, func(a ...ref.Val) (ref.Val, error) { return fold(a[0], nil, pick(types.IntNegOne)) }, list),
		method("max", dyn, func(a ...ref.Val) (ref.Val, error) { return fold(a[0], nil, pick(types.IntOne)) }, list),
		method("indexOf", cel.IntType, func(a ...ref.Val) (ref.Val, error) { return indexOf(a[0], a[1]), nil }, list, dyn),
		method("condition", dyn, condition, cel.MapType(cel.StringType, dyn), cel.StringType),
	}
}

var errNumber = errors.New("no such overload: the list holds other than numbers")

func fold(list, start ref.Val, step func(a, b ref.Val) ref.Val) (ref.Val, error) {
	acc := start
	it := list.(traits.Lister).Iterator()
	for it.HasNext() == types.True {
		v := it.Next()
		switch v.(type) {
		case types.Int, types.Uint, types.Double:
		default:
			return nil, errNumber
		}
		if acc == nil {
			acc = v
		} else if acc = step(acc, v); types.IsError(acc) {
			return nil, errNumber
		}
	}
	if acc == nil {
		return nil, errors.New("index out of bounds: the list is empty")
	}
	return acc, nil
}

func add(a, b ref.Val) ref.Val {
	if a.Type() != b.Type() {
		x, y := a.ConvertToType(types.DoubleType), b.ConvertToType(types.DoubleType)
		if types.IsError(x) || types.IsError(y) {
			return x
		}
		a, b = x, y
	}
	return a.(traits.Adder).Add(b)
}

// pick returns b if it compares with a as sign says, otherwise a.
func pick(sign types.Int) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		if b.(traits.Comparer).Compare(a) == sign {
			return b
		}
		return a
	}
}

func indexOf(list, x ref.Val) ref.Val {
	it := list.(traits.Lister).Iterator()
	for i := types.Int(0); it.HasNext() == types.True; i++ {
		if types.Equal(it.Next(), x) == types.True {
			return i
		}
	}
	return types.Int(-1)
}

func condition(args ...ref.Val) (ref.Val, error) {
	object, ok := args[0].(traits.Mapper)
	if !ok {
		return nil, errors.New("no such overload: condition of what is no object")
	}
	missing := errors.New(noCondition + string(args[1].(types.String)))
	status, found := object.Find(types.String("status"))
	m, ok := status.(traits.Mapper)
	if !found || !ok {
		return nil, missing
	}
	all, found := m.Find(types.String("conditions"))
	list, ok := all.(traits.Lister)
	if !found || !ok {
		return nil, missing
	}
	it := list.Iterator()
	for it.HasNext() == types.True {
		c, ok := it.Next().(traits.Mapper)
		if !ok {
			continue
		}
		if t, found := c.Find(types.String("type")); found && types.Equal(t, args[1]) == types.True {
			return c, nil
		}
	}
	return nil, missing
}
