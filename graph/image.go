package graph

import "strings"

// Image is a container image reference, taken apart.
type Image struct {
	// Registry is the host; it is docker.io where the reference names none.
	Registry string
	// Repository is the path in the registry, with "library/" where Docker
	// Hub's official images leave it out.
	Repository string
	// Tag and Digest are "" where they are not written.
	Tag, Digest string
}

// ParseImage takes an image reference apart. ok is false if it is empty or
// holds what no reference can.
func ParseImage(ref string) (img Image, ok bool) {
	if ref == "" || strings.ContainsAny(ref, " \t\n\"'<>{}$()") {
		return Image{}, false
	}
	rest := ref
	if i := strings.IndexByte(rest, '@'); i >= 0 {
		rest, img.Digest = rest[:i], rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, img.Tag = rest[:i], rest[i+1:]
	}
	host, path, found := strings.Cut(rest, "/")
	if found && (strings.ContainsAny(host, ".:") || host == "localhost") {
		img.Registry, img.Repository = host, path
	} else {
		img.Registry, img.Repository = "docker.io", rest
		if !found {
			img.Repository = "library/" + rest
		}
	}
	if img.Registry == "index.docker.io" || img.Registry == "registry-1.docker.io" {
		img.Registry = "docker.io"
	}
	return img, img.Repository != "" && img.Repository != "library/"
}

// Name returns the registry and the repository.
func (i Image) Name() string { return i.Registry + "/" + i.Repository }

// Short returns the last part of the repository.
func (i Image) Short() string { return i.Repository[strings.LastIndexByte(i.Repository, '/')+1:] }

// Moving reports whether the reference can mean another image tomorrow because
// it has no digest and no tag, the tag latest, or the name of a branch or
// channel for a tag.
func (i Image) Moving() bool {
	if i.Digest != "" {
		return false
	}
	switch i.Tag {
	case "", "latest", "main", "master", "develop", "dev", "head", "HEAD", "edge", "nightly", "stable", "mainline", "rolling", "canary", "current", "snapshot", "SNAPSHOT", "testing", "unstable":
		return true
	}
	return false
}

// Image returns the container's image reference. ok is false if there is none
// or it cannot be read.
func (c *Container) Image() (img Image, ok bool) { return ParseImage(c.Node.Get("image").Text()) }
