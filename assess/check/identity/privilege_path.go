package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/ops"
)

var privilegePath = &check.Check{
	ID: "k8s-privilege-path", Name: "privilege-path", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K27"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Unit:      func(p *check.Pass) {},
}
