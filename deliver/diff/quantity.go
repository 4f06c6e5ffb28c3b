package diff

import (
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// exact is a number in a form in which int64 and float64 can be compared
// without rounding.
type exact struct {
	whole bool
	i     int64
	f     float64
}

func number(v any) (exact, bool) {
	switch n := v.(type) {
	case int64:
		return exact{whole: true, i: n}, true
	case int:
		return exact{whole: true, i: int64(n)}, true
	case float64:
		if n == math.Trunc(n) && n >= -1<<63 && n < 1<<63 {
			return exact{whole: true, i: int64(n)}, true
		}
		return exact{f: n}, true
	}
	return exact{}, false
}

// same compares two values at a place: quantities by their amount.
func same(p tree.Path, a, b any) bool {
	if equal(a, b) {
		return true
	}
	if !holdsQuantity(p) {
		return false
	}
	x, okX := quantity(a)
	y, okY := quantity(b)
	return okX && okY && x.Cmp(y) == 0
}

// holdsQuantity tells whether the well-known types have a quantity at a place:
// an entry of requests, limits and so on, or a field of its own.
func holdsQuantity(p tree.Path) bool {
	last := p[len(p)-1].Key
	if slices.Contains([]string{"sizeLimit", "divisor", "averageValue", "memoryLimit"}, last) {
		return true
	}
	if len(p) < 2 {
		return false
	}
	return slices.Contains([]string{"requests", "limits", "hard", "capacity", "min", "max", "default", "defaultRequest", "maxLimitRequestRatio", "overhead", "podFixed"}, p[len(p)-2].Key)
}

// maxQuantity is longer than any quantity that means something.
const maxQuantity = 64

func quantity(v any) (resource.Quantity, bool) {
	s, ok := v.(string)
	if !ok {
		if _, ok := number(v); !ok {
			return resource.Quantity{}, false
		}
		s = scalar(v)
	}
	if len(s) > maxQuantity {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(s)
	return q, err == nil
}
