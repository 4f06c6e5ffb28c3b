package secret

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceAccountTokenSecret = &check.Check{
	ID: "k8s-service-account-token-secret", Name: "service-account-token-secret", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K57"},
	Practices: []string{"secrets-managed-outside-git", "rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 8, Strength: check.Direct}},
	Kinds:     []string{"Secret"},
	Object: func(p *check.Pass, s *graph.Object) {
		kind := s.Body.Get("type")
		if kind.Text() != tokenType {
			return
		}
		account := s.Annotation("kubernetes.io/service-account.name")
		for _, list := range [...]string{"data", "stringData"} {
			if n := s.Body.At(list, "token"); n.Text() != "" && !filledLater(n.Text()+"   ") {
				p.Fail(n, "", "a token of ServiceAccount %q that never expires lies readable in Git", account).As(ops.Critical)
				return
			}
		}
		p.Fail(kind, "", "the control plane writes a token of ServiceAccount %q into this Secret that never expires: whoever reads the Secret is that account until it is deleted", account)
	},
}
