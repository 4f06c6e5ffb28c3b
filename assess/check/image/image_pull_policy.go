package image

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var imagePullPolicy = &check.Check{
	ID: "k8s-image-pull-policy", Name: "image-pull-policy", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K54"},
	Practices: immutable,
	Facts:     pinned,
	Container: func(p *check.Pass, c *graph.Container) {
		// Where no policy is set it is Always for latest and for no tag, and
		// IfNotPresent for all else.
		at := c.Node.Get("imagePullPolicy")
		img, ok := c.Image()
		switch {
		case at.Text() == "Always":
		case at.IsNull():
			if ok && img.Moving() && img.Tag != "" && img.Tag != "latest" {
				p.Fail(c.Node, "imagePullPolicy", "container %q follows the tag %q, but nodes that have some image of that name never look for a newer one", c.Name, img.Tag).Set("Always").As(ops.Low)
			}
		case at.Text() == "IfNotPresent":
			if ok && img.Moving() {
				p.Fail(at, "", "container %q runs whichever %s its node happened to pull first: replicas may run different code", c.Name, c.Node.Get("image").Text()).Set("Always")
			}
		case at.Text() == "Never":
			p.Fail(at, "", "container %q starts only on nodes where somebody has put its image, of whatever origin", c.Name).Set("IfNotPresent")
		case graph.Placeholder(at.Text()):
			p.Unknown(at, "", "the pull policy of container %q is %q: the value that is put in there is not in the repository", c.Name, at.Text())
		default:
			p.Fail(at, "", "container %q has the pull policy %q: the API server accepts Always, IfNotPresent and Never", c.Name, at.Text()).As(ops.High).Ask("image pull policy")
		}
	},
}
