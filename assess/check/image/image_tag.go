package image

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var imageTag = &check.Check{
	ID: "k8s-image-tag", Name: "image-tag", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K54"},
	Practices: immutable,
	Facts:     pinned,
	Container: func(p *check.Pass, c *graph.Container) {
		at := c.Node.Get("image")
		if at.Text() == "" || later(p, c) {
			return
		}
		img, ok := c.Image()
		switch {
		case !ok:
			p.Fail(at, "", "container %q has the image %q, which is no reference: nothing can be pulled by it", c.Name, at.Text()).As(ops.High)
		case !img.Moving():
		case img.Tag == "" && builtHere(p, at.Text()):
			p.Unknown(at, "", "container %q names no version of %s, which Skaffold builds and puts its own tag to: what is deployed is not in the repository", c.Name, at.Text())
		case img.Tag == "":
			p.Fail(at, "", "container %q names no version of %s: it runs whatever was pushed last", c.Name, at.Text()).Ask("image tag")
		case img.Tag == "latest":
			p.Fail(at, "", "container %q runs the latest %s, whatever was pushed last", c.Name, img.Short()).Ask("image tag")
		default:
			p.Fail(at, "", "container %q follows %q of %s, a tag that moves with each release", c.Name, img.Tag, img.Short()).As(ops.Low).Ask("image tag")
		}
	},
}
