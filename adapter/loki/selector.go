package loki

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// Match is a condition on a label of streams.
type Match struct {
	Name string
	// Op is =, !=, =~ or !~.
	Op string
	// Value is the text, or the regular expression, that is compared.
	Value string
}

// Selector writes a LogQL stream selector, and a filter for each text that the
// lines must contain. Values may be anything: they are quoted. Labels that only
// exclude select no streams, and Loki refuses them: so does Selector.
func Selector(match []Match, contain ...string) (string, error) {
	bad := func(subject, why, hint string) error {
		return fault.New(fault.Invalid, "select streams by", subject, why, hint)
	}
	var parts []string
	selects := false
	for _, m := range match {
		if !labelName(m.Name) {
			return "", bad(rest.Short(m.Name), "it is no name of a label", "use letters, digits and _, as in k8s_namespace_name")
		}
		switch m.Op {
		case "=":
			selects = selects || m.Value != ""
		case "=~":
			// .* and the like match the empty text: what they select has to be
			// selected by another.
			selects = selects || m.Value != "" && m.Value != ".*"
		case "!=", "!~":
		default:
			return "", bad(m.Name, fmt.Sprintf("%q is no comparison", rest.Short(m.Op)), "use =, !=, =~ or !~")
		}
		parts = append(parts, m.Name+m.Op+strconv.Quote(m.Value))
	}
	if !selects {
		return "", bad("", "no label selects any", "give one label at least with = or =~ and a value")
	}
	out := "{" + strings.Join(parts, ", ") + "}"
	for _, text := range contain {
		if text != "" {
			out += " |= " + strconv.Quote(text)
		}
	}
	return out, nil
}

// labelName tells whether a text is the name of a label.
func labelName(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= 1024
}
