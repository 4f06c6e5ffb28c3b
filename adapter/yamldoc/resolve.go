package yamldoc

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// resolve tells the kind of a plain scalar by the rules of YAML 1.1 as the
// Kubernetes clients apply them (the YAML 1.1 type repository; go-yaml v2).
func resolve(text string) tree.Kind {
	if text == "" {
		return tree.Null
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		return number(text)
	case strings.IndexByte("yYnNtTfFoO~", c) >= 0 && len(text) <= 5:
		return word(text)
	}
	return tree.String
}

func word(text string) tree.Kind {
	switch text {
	case "~", "null", "Null", "NULL":
		return tree.Null
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE",
		"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE":
		return tree.Bool
	}
	return tree.String
}

func number(text string) tree.Kind {
	switch text {
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return tree.Float
	}
	plain := text
	if strings.IndexByte(text, '_') >= 0 {
		plain = strings.ReplaceAll(text, "_", "")
	}
	if _, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return tree.Int
	}
	if _, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return tree.Int
	}
	if isFloat(plain) {
		if _, err := strconv.ParseFloat(plain, 64); err == nil {
			return tree.Float
		}
	}
	return tree.String
}

// isFloat matches [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
func isFloat(s string) bool {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	whole := digits(s[i:])
	i += whole
	if i < len(s) && s[i] == '.' {
		i++
		fraction := digits(s[i:])
		if whole+fraction == 0 {
			return false
		}
		i += fraction
	} else if whole == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		exp := digits(s[i:])
		if exp == 0 {
			return false
		}
		i += exp
	}
	return i == len(s)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
