package image

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var imageDigest = &check.Check{
	ID: "k8s-image-digest", Name: "image-digest", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K54"},
	Practices: immutable,
	Facts:     byDigest,
	OptIn:     true,
	Container: func(p *check.Pass, c *graph.Container) {
		at := c.Node.Get("image")
		if at.Text() == "" || later(p, c) {
			return
		}
		if img, ok := c.Image(); ok && img.Digest == "" {
			p.Fail(at, "", "container %q names %s by its tag alone, which can be pushed again", c.Name, at.Text()).Ask("image digest")
		}
	},
}
