package follow

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/observe/slo"
)

// Form is a way in which the selectors of an objective may be asked for together
// with those of others: all that have the same Key differ in the Value of Label
// only, which each of their series has.
type Form struct{ Key, Label, Value string }

// Forms are the ways for the selectors of an objective: a label for each that all
// of them match with the same text.
func Forms(all []Selector) (forms []Form) {
	parsed := make([]parts, len(all))
	for i, s := range all {
		var err error
		if parsed[i].metric, parsed[i].matchers, err = slo.Matchers(s.Text); err != nil {
			return nil
		}
	}
	if len(parsed) == 0 {
		return nil
	}
	for _, m := range parsed[0].matchers {
		if m.Op != "=" || m.Value == "" || m.Label == "__name__" || slices.ContainsFunc(forms, func(f Form) bool { return f.Label == m.Label }) {
			continue
		}
		key, ok := m.Label+"\n", true
		for i, p := range parsed {
			at := slices.Index(p.matchers, m)
			if ok = at >= 0; !ok {
				break
			}
			key += strconv.Itoa(int(all[i].Role)) + " " + p.with(at, slo.Matcher{Label: m.Label, Op: "=~"}) + "\n"
		}
		if ok {
			forms = append(forms, Form{Key: key, Label: m.Label, Value: m.Value})
		}
	}
	return forms
}

// parts are those of a selector.
type parts struct {
	metric   string
	matchers []slo.Matcher
}

// with writes the selector with another matcher in the place of one.
func (p parts) with(at int, other slo.Matcher) string {
	all := make([]string, len(p.matchers))
	for i, m := range p.matchers {
		if i == at {
			m = other
		}
		all[i] = m.String()
	}
	return p.metric + "{" + strings.Join(all, ",") + "}"
}

// Join writes selectors that select what those of one of the objectives select for
// each of the values, which are other ones than "". They are those of the Form f.
func Join(all []Selector, f Form, values []string) []Selector {
	if len(values) == 1 && values[0] == f.Value {
		return all
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	any := slo.Matcher{Label: f.Label, Op: "=~", Value: strings.Join(quoted, "|")}
	out := make([]Selector, len(all))
	for i, s := range all {
		metric, matchers, err := slo.Matchers(s.Text)
		if err != nil {
			return nil // it had no Form
		}
		p := parts{metric, matchers}
		out[i] = Selector{p.with(slices.Index(matchers, slo.Matcher{Label: f.Label, Op: "=", Value: f.Value}), any), s.Role}
	}
	return out
}
