package openslo

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// counted reads the text of a query of a counter.
func (r *reader) counted(n tree.Node, isCounter bool, mark string) slo.Query {
	if !n.Exists() {
		return slo.Query{}
	}
	q, err := slo.ParseQuery(n.Text())
	switch {
	case err != nil:
		r.fail(n, "the query cannot be counted: %v", err)
	case q.Selector != "" && !strings.Contains(n.Text(), "[") && !isCounter:
		r.fail(n, "a value that goes up and down is no count of events: set counter: true if it only grows, or count it with increase(...[%s])", mark)
	}
	return q
}

// compared reads the text of a query whose value is compared.
func (r *reader) compared(n tree.Node) slo.Query {
	text := strings.TrimSpace(n.Text())
	switch {
	case !n.Exists():
		return slo.Query{}
	case slo.CheckSelector(text) == nil:
		return slo.Query{Selector: text}
	}
	return slo.Query{Template: text}
}
