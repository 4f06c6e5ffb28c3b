package image

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/ops"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }

func TestRobust(t *testing.T) { checktest.Robust(t, Checks()) }

func TestAllowedRegistries(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: %IMAGE%}]}\n"
	allowed := []string{"ghcr.io/acme", "registry.example.com", "docker.io/library/", "*.dkr.ecr.eu-west-1.amazonaws.com"}
	for image, want := range map[string]bool{
		"ghcr.io/acme/web:1":                      true,
		"ghcr.io/acme":                            true,
		"ghcr.io/acme-evil/web:1":                 false,
		"registry.example.com/x/y:1":              true,
		"registry.example.com.evil/x:1":           false,
		"nginx:1":                                 true,
		"bitnami/x":                               false,
		"quay.io/acme/x":                          false,
		"123.dkr.ecr.eu-west-1.amazonaws.com/x:1": true,
		"ecr.eu-west-1.amazonaws.com/x:1":         false,
	} {
		text := []byte(strings.Replace(manifest, "%IMAGE%", image, 1))
		g, err := checktest.Graph([]check.SampleFile{{Name: "p.yaml", Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		s := checktest.Settings()
		s.Registries = allowed
		p := check.NewPass(s, g, nil)
		high := false
		for _, o := range g.Objects {
			check.NewIndex([]*check.Check{imageRegistry}).Object(p, o, func(rs []*check.Result) {
				for _, r := range rs {
					high = high || (r.Status == ops.Fail && r.Severity == ops.High)
				}
			})
		}
		if high == want {
			t.Errorf("%s: allowed = %v, want %v", image, !high, want)
		}
	}
}
