package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var pdbBlocksEviction = &check.Check{
	ID: "k8s-pdb-blocks-eviction", Name: "pdb-blocks-eviction", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K51"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"PodDisruptionBudget"},
	Object: func(p *check.Pass, o *graph.Object) {
		b := newBudget(o)
		field := b.at.Key().Text()
		switch {
		case !b.at.Exists():
			p.Skip()
		case graph.Placeholder(b.at.Text()):
			p.Unknown(b.at, "", "%s is filled in elsewhere", field)
		case b.never():
			b.allowOne(p.Fail(b.at, "", "%s: %s allows no eviction ever: every node drain hangs", field, b.at.Text()).Fix("Set maxUnavailable: 1."), b.high)
		case len(b.workloads) == 0:
			p.Skip()
		case !b.known:
			p.Unknown(b.at, "", "the number of pods that the budget is for is not in the files")
		default:
			// Where an autoscaler may grow the workload out of the block, it
			// is for pdb-hpa to say so.
			if spare, ok := b.spare(b.high); ok && spare == 0 && b.high > 0 {
				r := p.Fail(b.at, "", "%s: %s of %d pods of %s%s allows no eviction: every node drain hangs", field, b.at.Text(), b.high, b.workloads[0], rounded(b.at)).
					Fix("Set maxUnavailable: 1 and run at least two replicas of %s.", b.workloads[0])
				b.allowOne(r, b.high)
			}
		}
	},
}

// rounded explains a percentage that asks for more than it seems to.
func rounded(at tree.Node) string {
	t := at.Text()
	if !strings.HasSuffix(t, "%") || at.Key().Text() != "minAvailable" {
		return ""
	}
	return ", rounded up to whole pods,"
}
