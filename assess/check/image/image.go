// Package image holds the checks of container images: what their references
// pin down, where they come from, and whether signatures are verified.
package image

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		imageTag,
		imageDigest,
		imagePullPolicy,
		imageRegistry,
		imageVerification,
	}
}

// practices and facts that the checks of this area share.
var (
	immutable = []string{"immutable-images"}
	pinned    = []check.Fact{{Number: 22, Strength: check.Supporting}}
	byDigest  = []check.Fact{{Number: 22, Strength: check.Direct}}
)

// later reports an image whose reference is completed outside the repository.
func later(p *check.Pass, c *graph.Container) bool {
	at := c.Node.Get("image")
	if !graph.Placeholder(at.Text()) {
		return false
	}
	p.Unknown(at, "", "the image of container %q is %q: the value that is put in there is not in the repository", c.Name, at.Text())
	return true
}

// builtHere reports whether Skaffold builds the image: it replaces the bare
// name in the manifests that it deploys.
func builtHere(p *check.Pass, image string) bool {
	if built(p.Graph, image) {
		return true
	}
	for _, g := range p.Others {
		if built(g, image) {
			return true
		}
	}
	return false
}

func built(g *graph.Graph, image string) bool {
	for _, o := range g.Kind("Config") {
		if o.Group() != "skaffold" {
			continue
		}
		for _, a := range o.Body.At("build", "artifacts").Items() {
			if a.Get("image").Text() == image {
				return true
			}
		}
	}
	return false
}
