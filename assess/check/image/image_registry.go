package image

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var imageRegistry = &check.Check{
	ID: "k8s-image-registry", Name: "image-registry", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K54"},
	Practices: immutable,
	Facts:     byDigest,
	Container: func(p *check.Pass, c *graph.Container) {
		at := c.Node.Get("image")
		img, ok := c.Image()
		if !ok {
			if len(p.Settings.Registries) > 0 && at.Text() != "" {
				later(p, c)
			}
			return
		}
		if !allowed(p.Settings.Registries, img) {
			p.Fail(at, "", "container %q takes its image from %s, which is not among the allowed registries", c.Name, img.Registry)
			return
		}
		r := retiredOf(img)
		if r == nil {
			return
		}
		f := p.Fail(at, "", "container %q takes its image from %s: %s", c.Name, r.prefix, r.why).As(ops.Medium)
		if r.instead != "" {
			// Only the registry changes; path, tag and digest stay.
			f.Set(strings.Replace(at.Text(), r.prefix, r.instead, 1))
		}
	},
}

// retired is a registry, or a part of one, that is no longer kept up.
type retired struct {
	prefix string
	why    string
	// instead is what takes its place with the same paths and tags, "" if
	// nothing does.
	instead string
}

var retirements = []retired{
	{"k8s.gcr.io", "frozen since April 2023, new versions are only in registry.k8s.io", "registry.k8s.io"},
	{"gcr.io/google-containers", "given up for registry.k8s.io years ago", ""},
	{"gcr.io/google_containers", "given up for registry.k8s.io years ago", ""},
	{"quay.io/kubernetes-ingress-controller", "given up for registry.k8s.io in 2020", ""},
	{"gcr.io/kubernetes-helm", "given up with Helm 2", ""},
	{"docker.pkg.github.com", "closed in favour of ghcr.io", ""},
	{"docker.io/bitnamilegacy", "an archive that gets no security fixes", ""},
}

// bitnami's public images exist as latest alone since September 2025.
var bitnami = retired{prefix: "docker.io/bitnami", why: "its versioned images were taken away in September 2025, so a node that lacks this one may find nothing to pull"}

func retiredOf(img graph.Image) *retired {
	name := img.Name()
	if below(name, "docker.io/bitnami") && img.Tag != "" && img.Tag != "latest" {
		return &bitnami
	}
	for i := range retirements {
		if below(name, retirements[i].prefix) {
			return &retirements[i]
		}
	}
	return nil
}

// below reports whether an image's name is prefix or lies in it.
func below(name, prefix string) bool {
	return strings.HasPrefix(name, prefix) && (len(name) == len(prefix) || name[len(prefix)] == '/')
}

// allowed reports whether an image comes from one of the registries: a host,
// a host with the start of a path, or "*." and the end of a host's name.
func allowed(registries []string, img graph.Image) bool {
	if len(registries) == 0 {
		return true
	}
	for _, r := range registries {
		r = strings.TrimSuffix(r, "/")
		if suffix, ok := strings.CutPrefix(r, "*"); ok {
			host, path, _ := strings.Cut(suffix, "/")
			if strings.HasSuffix(img.Registry, host) && len(img.Registry) > len(host) && (path == "" || below(img.Repository, path)) {
				return true
			}
			continue
		}
		if below(img.Name(), r) {
			return true
		}
	}
	return false
}
