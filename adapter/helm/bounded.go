package helm

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"text/template"
)

// maxValues bounds how many values a function may write out or copy.
const maxValues = 4_000_000

// maxList bounds the length of a list of numbers.
const maxList = 4_000_000

func itoa(n int) string { return strconv.Itoa(n) }

func tooLong() error { return &errBound{"a template function makes a text or a list that is too long"} }

// checked passes a text on if it is within the bound.
func checked(s string) (string, error) {
	if len(s) > maxString {
		return "", tooLong()
	}
	return s, nil
}

// boundedFuncs are the functions by which a short template can make a huge
// text, list or a value that contains itself; sprig is where they come from.
func boundedFuncs(sprig template.FuncMap) template.FuncMap {
	out := boundedByType(sprig)
	maps.Copy(out, boundedTexts(sprig))
	maps.Copy(out, boundedLists(sprig))
	set := sprig["set"].(func(map[string]any, string, any) map[string]any)
	out["set"] = func(d map[string]any, key string, v any) (map[string]any, error) {
		v, err := acyclic(d, v)
		if err != nil {
			return nil, err
		}
		return set(d, key, v), nil
	}
	for _, name := range []string{"merge", "mergeOverwrite"} {
		out[name] = mergeFunc(sprig[name].(func(map[string]any, ...map[string]any) any))
	}
	for _, name := range []string{"mustMerge", "mustMergeOverwrite"} {
		f := sprig[name].(func(map[string]any, ...map[string]any) (any, error))
		out[name] = mustMergeFunc(f)
	}
	return out
}

// boundedByType bounds what functions of texts return, whatever they do:
// called on their own result often enough, most of them double it.
func boundedByType(sprig template.FuncMap) template.FuncMap {
	out := template.FuncMap{}
	for name, f := range sprig {
		switch f := f.(type) {
		case func(string) string:
			out[name] = func(a string) (string, error) { return checked(f(a)) }
		case func(string, string) string:
			out[name] = func(a, b string) (string, error) { return checked(f(a, b)) }
		case func(string, string, string) string:
			out[name] = func(a, b, c string) (string, error) {
				if !replaceable(b, c) {
					return "", tooLong()
				}
				return checked(f(a, b, c))
			}
		case func(string, string, string) (string, error):
			out[name] = func(a, b, c string) (string, error) {
				if !replaceable(b, c) {
					return "", tooLong()
				}
				s, err := f(a, b, c)
				if err != nil {
					return "", err
				}
				return checked(s)
			}
		case func(any) string:
			out[name] = func(v any) (string, error) {
				if err := writable(v); err != nil {
					return "", err
				}
				return checked(f(v))
			}
		case func(...any) string:
			out[name] = bounded(f)
		}
	}
	return out
}

// replaceable reports whether replacing by regular expressions, which is slow,
// can be done in a text, and its result be held.
func replaceable(text, with string) bool {
	return len(text) <= maxString/8 && len(with) <= maxString/8 && len(text)*len(with) <= 1<<34
}

// bounded bounds a function that prints its arguments.
func bounded(f func(...any) string) func(...any) (string, error) {
	return func(a ...any) (string, error) {
		if err := writable(a...); err != nil {
			return "", err
		}
		return checked(f(a...))
	}
}

// writable refuses values that share parts so often that printing them
// would never end.
func writable(args ...any) error {
	for _, a := range args {
		if !weighs(a, maxValues) {
			return &errBound{"a value is too large to be written out"}
		}
	}
	return nil
}

func boundedTexts(sprig template.FuncMap) template.FuncMap {
	join := sprig["join"].(func(string, any) string)
	indent := func(n int, s string) (string, error) {
		if n < 0 || n > maxString || n*(strings.Count(s, "\n")+1)+len(s) > maxString {
			return "", tooLong()
		}
		pad := strings.Repeat(" ", n)
		return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
	}
	return template.FuncMap{
		"printf": func(format string, a ...any) (string, error) {
			return bounded(func(a ...any) string { return fmt.Sprintf(format, a...) })(a...)
		},
		"print":   bounded(fmt.Sprint),
		"println": bounded(fmt.Sprintln),
		"join": func(sep string, v any) (string, error) {
			return bounded(func(a ...any) string { return join(sep, v) })(v)
		},
		"indent": indent,
		"nindent": func(n int, s string) (string, error) {
			s, err := indent(n, s)
			return "\n" + s, err
		},
		"repeat": func(n int, s string) (string, error) {
			if n > 0 && len(s) > maxString/n {
				return "", tooLong()
			}
			return strings.Repeat(s, n), nil
		},
		"replace": func(old, with, s string) (string, error) {
			if len(with) > len(old) && strings.Count(s, old) > maxString/len(with) {
				return "", tooLong()
			}
			return checked(strings.ReplaceAll(s, old, with))
		},
	}
}

func boundedLists(sprig template.FuncMap) template.FuncMap {
	seq := sprig["seq"].(func(...int) string)
	concat := sprig["concat"].(func(...any) any)
	step := sprig["untilStep"].(func(int, int, int) []int)
	steps := func(start, stop, by int) ([]int, error) {
		if by == 0 {
			return []int{}, nil // Sprig: nothing
		}
		const far = 1 << 50
		if start > far || start < -far || stop > far || stop < -far || (stop-start)/by > maxList {
			return nil, tooLong()
		}
		return step(start, stop, by), nil
	}
	return template.FuncMap{
		"untilStep": steps,
		"until": func(n int) ([]int, error) {
			if n < 0 {
				return steps(0, n, -1)
			}
			return steps(0, n, 1)
		},
		"seq": func(p ...int) (string, error) {
			for _, n := range p {
				if n > maxList || n < -maxList {
					return "", tooLong()
				}
			}
			if len(p) == 3 && p[1] == 0 {
				return "", nil
			}
			return seq(p...), nil
		},
		"concat": func(lists ...any) (any, error) {
			n := 0
			for _, l := range lists {
				if v := reflect.ValueOf(l); v.IsValid() && v.Kind() == reflect.Slice {
					n += v.Len()
				}
			}
			if n > maxList {
				return nil, tooLong()
			}
			return concat(lists...), nil
		},
	}
}

func mergeFunc(f func(map[string]any, ...map[string]any) any) any {
	return mustMergeFunc(func(d map[string]any, s ...map[string]any) (any, error) { return f(d, s...), nil })
}

func mustMergeFunc(f func(map[string]any, ...map[string]any) (any, error)) any {
	return func(d map[string]any, from ...map[string]any) (any, error) {
		for i, s := range from {
			v, err := acyclic(d, s)
			if err != nil {
				return nil, err
			}
			from[i], _ = v.(map[string]any)
		}
		return f(d, from...)
	}
}

// acyclic returns v, or a copy of it if v holds d: a map that contains itself
// would crash whatever prints it.
func acyclic(d map[string]any, v any) (any, error) {
	target := reflect.ValueOf(d).Pointer()
	left := maxValues
	if d == nil || !holds(v, target, &left) {
		return v, nil
	}
	left = maxValues
	c := deepCopy(v, &left)
	if left < 0 {
		return nil, &errBound{"a value is too large to be copied"}
	}
	return c, nil
}

func holds(v any, target uintptr, left *int) bool {
	if *left--; *left < 0 {
		return true
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if holds(e, target, left) {
				return true
			}
		}
		return false
	case nil, string, bool, int, int64, float64:
		return false
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.IsNil() {
		return false
	}
	if r.Pointer() == target {
		return true
	}
	for it := r.MapRange(); it.Next(); {
		if holds(it.Value().Interface(), target, left) {
			return true
		}
	}
	return false
}

// deepCopy copies maps and lists; left becomes negative if there are too many.
func deepCopy(v any, left *int) any {
	if *left--; *left < 0 {
		return nil
	}
	if l, ok := v.([]any); ok {
		out := make([]any, len(l))
		for i, e := range l {
			out[i] = deepCopy(e, left)
		}
		return out
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.IsNil() || r.Type().Elem().Kind() != reflect.Interface {
		return v
	}
	out := reflect.MakeMapWithSize(r.Type(), r.Len())
	for it := r.MapRange(); it.Next(); {
		e := reflect.ValueOf(deepCopy(it.Value().Interface(), left))
		if !e.IsValid() {
			e = reflect.Zero(r.Type().Elem())
		}
		out.SetMapIndex(it.Key(), e)
	}
	return out.Interface()
}

// weighs reports whether v, written out, has at most max values.
func weighs(v any, max int) bool {
	left := max
	return !holds(v, 0, &left)
}
