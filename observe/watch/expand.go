package watch

import (
	"slices"
	"strings"
)

// expand fills a template in.
func (c *convention) expand(expr string, o Options) string {
	expr = strings.ReplaceAll(expr, "[W]", "["+seconds(o.Window)+"]")
	if !strings.Contains(expr, " by (") {
		return c.within(expr, o.Namespace)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(expr, " by (")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		kept, rest, _ := strings.Cut(rest, ") (")
		inside, after := enclosed(rest)
		labels := c.labels()
		if kept != "" {
			labels = append([]string{kept}, labels...)
		}
		b.WriteString(" by (" + strings.Join(labels, ", ") + ") (" + c.owned(c.within(inside, o.Namespace)) + ")")
		expr = after
	}
}

// labels are those that tell signals apart.
func (c *convention) labels() []string {
	if c.others {
		return append(slices.Clone(c.by), environments...)
	}
	return append(slices.Clone(c.by), usual...)
}

// owned sets the labels that the metric itself tells, and counts what is told twice once.
func (c *convention) owned(expr string) string {
	for _, r := range c.own {
		expr = r.apply(expr)
	}
	if len(c.once) > 0 {
		expr = "max by (" + strings.Join(append(slices.Clone(c.once), environments...), ", ") + ") (" + expr + ")"
	}
	for _, r := range c.names {
		expr = r.apply(expr)
	}
	return expr
}

// within fills in the matchers of selectors. Matchers know no "or": where there are
// several there is one form of it all for each. No series is in two.
func (c *convention) within(expr, namespace string) string {
	if expr == "" {
		return ""
	}
	all := c.matchers(namespace)
	if len(all) == 1 {
		return fill(expr, all[0])
	}
	forms := make([]string, len(all))
	for i, m := range all {
		forms[i] = "(" + fill(expr, m) + ")"
	}
	return strings.Join(forms, " or ")
}

// matchers pick the series of a convention in a namespace, "" for all.
func (c *convention) matchers(namespace string) []string {
	only, places := c.only, c.places
	if only == nil {
		only = []string{""}
	}
	if namespace == "" {
		return only
	}
	if places == nil {
		places = usualPlaces
	}
	var all []string
	for _, matchers := range only {
		for _, p := range places {
			all = append(all, joined(matchers, p.matcher(namespace)))
			matchers = joined(matchers, p.label+`=""`)
		}
	}
	return all
}

// fill puts matchers into the braces of a template.
func fill(expr, matchers string) string {
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		switch {
		case expr[i] == '"':
			end := quoted(expr, i)
			b.WriteString(expr[i : end+1])
			i = end
		case strings.HasPrefix(expr[i:], "{}"):
			if matchers != "" {
				b.WriteString("{" + matchers + "}")
			}
			i++
		case expr[i] == '{' && matchers != "":
			b.WriteString("{" + matchers + ",")
		default:
			b.WriteByte(expr[i])
		}
	}
	return b.String()
}

// enclosed splits after the parenthesis that closes one opened before.
func enclosed(expr string) (inside, after string) {
	depth := 1
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '"':
			i = quoted(expr, i)
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return expr[:i], expr[i+1:]
			}
		}
	}
	return expr, ""
}

// quoted is where a text that begins at i ends; none of a template has a quote inside.
func quoted(expr string, i int) int { return i + 1 + strings.IndexByte(expr[i+1:], '"') }

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}
