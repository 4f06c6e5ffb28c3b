package promql

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxSteps is at how many moments a part of a query is evaluated at most. Within one series
// the engine does not look at the time that is left, so that a subquery over a century in
// steps of a millisecond would keep a turn for hours, though one series answers it.
const maxSteps = 1_000_000

// subqueryStep is that of subqueries that say none.
const subqueryStep = time.Minute

// tooManySteps says why a query is not evaluated, "" if it may be.
func tooManySteps(q promql.Query) string {
	s, ok := q.Statement().(*parser.EvalStmt)
	if !ok {
		return ""
	}
	why := ""
	parser.Inspect(s.Expr, func(node parser.Node, path []parser.Node) error {
		n, ok := node.(*parser.SubqueryExpr)
		if !ok {
			return nil
		}
		// A subquery is evaluated over its own range before each moment of what is around it.
		over, step := float64(s.End.Sub(s.Start))+float64(n.Range), n.Step
		for _, around := range path {
			if sub, ok := around.(*parser.SubqueryExpr); ok {
				over += float64(sub.Range)
			}
		}
		if step <= 0 {
			step = subqueryStep
		}
		if over/float64(step) > maxSteps && why == "" {
			why = fmt.Sprintf("the subquery [%s:%s] is evaluated at more than 1,000,000 moments. Try a longer step", n.Range, step)
		}
		return nil
	})
	return why
}
