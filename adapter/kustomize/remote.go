package kustomize

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// userHost begins an address in the style of scp: git@host:path.
var userHost = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote reports whether the library would fetch ref with HTTP or clone it
// with git. It says yes rather too often than once too seldom, because a yes
// keeps ref away from the library.
func isRemote(ref string) bool {
	ref = strings.TrimSpace(ref)
	if u, err := url.Parse(ref); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return true
	}
	low := strings.TrimPrefix(strings.ToLower(ref), "git::")
	for _, scheme := range []string{"ssh://", "https://", "http://", "file://", "git://", "oci://", "s3://", "gs://"} {
		if strings.HasPrefix(low, scheme) {
			return true
		}
	}
	host := low
	if m := userHost.FindString(low); m != "" {
		host = low[len(m):]
		// As with scp: a host, then ":" or "/", then a path.
		return strings.ContainsAny(host, ":/")
	}
	return strings.HasPrefix(host, "github.com/") || strings.HasPrefix(host, "github.com:")
}

// below reports whether p is folder dir or in it; both are clean.
func below(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// join resolves ref from folder dir; ok is false when it leaves the tree.
func join(dir, ref string) (p string, ok bool) {
	p = path.Join(dir, ref)
	return p, p != ".." && !strings.HasPrefix(p, "../") && !path.IsAbs(ref)
}
