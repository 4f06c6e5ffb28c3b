package resources

import (
	"math"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// parseQuantity reads a resource quantity such as 250m, 1.5Gi or 2e3. ok is
// false for what the API server would refuse.
func parseQuantity(text string) (v float64, ok bool) {
	end := 0
	for end < len(text) && (isDigit(text[end]) || text[end] == '.' || (end == 0 && (text[end] == '+' || text[end] == '-'))) {
		end++
	}
	digits := strings.TrimLeft(text[:end], "+-")
	if strings.Count(digits, ".") > 1 || strings.Trim(digits, ".") == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0, false
	}
	scale, ok := scaleOf(text[end:])
	return v * scale, ok
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func scaleOf(suffix string) (scale float64, ok bool) {
	switch suffix {
	case "":
		return 1, true
	case "n":
		return 1e-9, true
	case "u":
		return 1e-6, true
	case "m":
		return 1e-3, true
	case "k":
		return 1e3, true
	case "M":
		return 1e6, true
	case "G":
		return 1e9, true
	case "T":
		return 1e12, true
	case "P":
		return 1e15, true
	case "E":
		return 1e18, true
	}
	if len(suffix) == 2 && suffix[1] == 'i' {
		if power := strings.IndexByte("KMGTPE", suffix[0]); power >= 0 {
			return math.Pow(1024, float64(power+1)), true
		}
		return 0, false
	}
	if len(suffix) > 1 && (suffix[0] == 'e' || suffix[0] == 'E') {
		exponent, err := strconv.Atoi(suffix[1:])
		return math.Pow10(exponent), err == nil
	}
	return 0, false
}

// quantity reads a field's quantity, written as a number or as text.
func quantity(n tree.Node) (v float64, ok bool) {
	switch n.Kind() {
	case tree.Int, tree.Float, tree.String:
		return parseQuantity(n.Text())
	}
	return 0, false
}
