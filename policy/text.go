package policy

import (
	"errors"
	"regexp"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// maxMade bounds what one function makes, in bytes: the cost of a call is only
// counted after it.
const maxMade = 64 << 10

var errLarge = errors.New("the result is too large")

// textFunctions are those of Kubernetes' own CEL environment that make sense
// here, with the same names: lowerAscii, upperAscii, trim, indexOf,
// lastIndexOf, substring, charAt, split, join, replace, find and findAll.
func textFunctions() []cel.EnvOption {
	str, num, list := cel.StringType, cel.IntType, cel.ListType(cel.StringType)
	return []cel.EnvOption{
		method("lowerAscii", str, unary(func(s string) (ref.Val, error) { return types.String(asciiCase(s, 'A', 'Z', 'a')), nil }), str),
		method("upperAscii", str, unary(func(s string) (ref.Val, error) { return types.String(asciiCase(s, 'a', 'z', 'A')), nil }), str),
		method("trim", str, unary(func(s string) (ref.Val, error) { return types.String(strings.TrimSpace(s)), nil }), str),
		method("indexOf", num, binary(func(s, x string) (ref.Val, error) { return runeIndex(s, strings.Index(s, x)), nil }), str, str),
		method("lastIndexOf", num, binary(func(s, x string) (ref.Val, error) { return runeIndex(s, strings.LastIndex(s, x)), nil }), str, str),
		method("charAt", str, func(a ...ref.Val) (ref.Val, error) { return slice(a[0], a[1], a[1].(types.Int)+1) }, str, num),
		method("substring", str, func(a ...ref.Val) (ref.Val, error) { return slice(a[0], a[1], -1) }, str, num),
		method("substring", str, func(a ...ref.Val) (ref.Val, error) {
			if a[2].(types.Int) < 0 {
				return nil, errors.New("a negative index")
			}
			return slice(a[0], a[1], a[2].(types.Int))
		}, str, num, num),
		method("split", list, binary(split), str, str),
		method("join", str, func(a ...ref.Val) (ref.Val, error) { return join(a[0], "") }, list),
		method("join", str, func(a ...ref.Val) (ref.Val, error) { return join(a[0], string(a[1].(types.String))) }, list, str),
		method("replace", str, replace, str, str, str),
		method("find", str, binary(find), str, str),
		method("findAll", list, binary(findAll), str, str),
	}
}

// method declares target.name(args...) with its implementation.
func method(name string, result *cel.Type, f func(...ref.Val) (ref.Val, error), args ...*cel.Type) cel.EnvOption {
	id := prefix + name
	for _, a := range args {
		id += "_" + a.String()
	}
	return cel.Function(name, cel.MemberOverload(id, args, result, implementation(f)))
}

// prefix marks the overloads that are priced by what they look at and make.
const prefix = "aeo_"

func implementation(f func(...ref.Val) (ref.Val, error)) cel.OverloadOpt {
	return cel.FunctionBinding(func(args ...ref.Val) ref.Val {
		out, err := f(args...)
		if err != nil {
			return types.WrapErr(err)
		}
		return out
	})
}

func unary(f func(string) (ref.Val, error)) func(...ref.Val) (ref.Val, error) {
	return func(a ...ref.Val) (ref.Val, error) { return f(string(a[0].(types.String))) }
}

func binary(f func(string, string) (ref.Val, error)) func(...ref.Val) (ref.Val, error) {
	return func(a ...ref.Val) (ref.Val, error) {
		return f(string(a[0].(types.String)), string(a[1].(types.String)))
	}
}

// asciiCase maps the letters from..to to those that start at base.
func asciiCase(s string, from, to, base rune) string {
	return strings.Map(func(r rune) rune {
		if r >= from && r <= to {
			return r - from + base
		}
		return r
	}, s)
}

// runeIndex turns an index of bytes into one of characters.
func runeIndex(s string, at int) ref.Val {
	if at < 0 {
		return types.Int(-1)
	}
	return types.Int(len([]rune(s[:at])))
}

// slice returns the characters from..to, to the end if to is -1.
func slice(text, from ref.Val, to types.Int) (ref.Val, error) {
	runes := []rune(string(text.(types.String)))
	start, n := from.(types.Int), types.Int(len(runes))
	if to == -1 {
		to = n
	}
	if start < 0 || to < start || to > n {
		return nil, errors.New("index out of bounds")
	}
	return types.String(runes[start:to]), nil
}

func split(s, sep string) (ref.Val, error) {
	if len(s) > maxMade {
		return nil, errLarge
	}
	return types.NewStringList(types.DefaultTypeAdapter, strings.Split(s, sep)), nil
}

func join(list ref.Val, sep string) (ref.Val, error) {
	var b strings.Builder
	it := list.(traits.Lister).Iterator()
	for first := true; it.HasNext() == types.True; first = false {
		s, ok := it.Next().(types.String)
		if !ok {
			return nil, errors.New("no such overload: join of a list that holds other than text")
		}
		if !first {
			b.WriteString(sep)
		}
		b.WriteString(string(s))
		if b.Len() > maxMade {
			return nil, errLarge
		}
	}
	return types.String(b.String()), nil
}

func replace(a ...ref.Val) (ref.Val, error) {
	s, old, by := string(a[0].(types.String)), string(a[1].(types.String)), string(a[2].(types.String))
	if n := strings.Count(s, old); len(s)+n*max(0, len(by)-len(old)) > maxMade {
		return nil, errLarge
	}
	return types.String(strings.ReplaceAll(s, old, by)), nil
}

// expression compiles a pattern; RE2 has no patterns that take exponential
// time.
func expression(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > 1024 {
		return nil, errLarge
	}
	return regexp.Compile(pattern)
}

func find(s, pattern string) (ref.Val, error) {
	re, err := expression(pattern)
	if err != nil {
		return nil, err
	}
	return types.String(re.FindString(s)), nil
}

func findAll(s, pattern string) (ref.Val, error) {
	re, err := expression(pattern)
	if err != nil {
		return nil, err
	}
	if len(s) > maxMade {
		return nil, errLarge
	}
	return types.NewStringList(types.DefaultTypeAdapter, re.FindAllString(s, -1)), nil
}

// prices tells what the functions of this package cost: a tenth of a step for
// each byte or item of their arguments and of their result; patterns count
// with the text they are matched against.
type prices struct{}

// CallCost implements the estimator; nil leaves the price to the library.
func (prices) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	if !strings.HasPrefix(overload, prefix) {
		return nil
	}
	total, product := size(result), uint64(1)
	for _, a := range args {
		total += size(a)
	}
	if (function == "find" || function == "findAll") && len(args) == 2 {
		product = 1 + size(args[1])/4
	}
	cost := 1 + total*product/10
	return &cost
}

func size(v ref.Val) uint64 {
	if s, ok := v.(traits.Sizer); ok {
		if n, ok := s.Size().(types.Int); ok && n > 0 {
			return uint64(n)
		}
	}
	return 1
}
