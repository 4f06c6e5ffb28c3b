package slo

import (
	"fmt"
	"strconv"
	"strings"
)

// Matcher is what a selector says of a label. Op is =, !=, =~ or !~.
type Matcher struct{ Label, Op, Value string }

// String writes it as PromQL does.
func (m Matcher) String() string { return m.Label + m.Op + strconv.Quote(m.Value) }

// Matchers takes a selector apart: the name of the metric, "" if it is given by
// none or by a matcher of __name__, and the matchers as they are written. The error
// is that of CheckSelector.
func Matchers(selector string) (metric string, all []Matcher, err error) {
	if err := CheckSelector(selector); err != nil {
		return "", nil, err
	}
	s := strings.TrimSpace(selector)
	metric = metricForm.FindString(s)
	s = strings.TrimLeft(s[len(metric):], " \t\r\n")
	s = strings.TrimLeft(strings.TrimPrefix(s, "{"), " \t\r\n,")
	for s != "" && s[0] != '}' {
		m := matcherForm.FindStringSubmatch(s)
		if m == nil {
			return "", nil, fmt.Errorf("a matcher such as label=\"value\" is expected at %q", head(s))
		}
		value, rest, err := cutString(s[len(m[0]):])
		if err != nil {
			return "", nil, err
		}
		all = append(all, Matcher{m[1], m[2], value})
		s = strings.TrimLeft(rest, " \t\r\n,")
	}
	return metric, all, nil
}
