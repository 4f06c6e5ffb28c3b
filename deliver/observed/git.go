package observed

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/giturl"
)

var (
	commitID  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	commitBeg = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
	version   = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`)
	number2   = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)?$`)
	wildcard  = regexp.MustCompile(`^v?([0-9]+\.){0,2}[xX](\.[xX])?$`)
)

// argoGit reads a revision as Argo CD writes it: a branch, a tag, a commit or a
// range of versions, without saying which. A version in full is a tag; what
// could be one thing or another is an error.
func argoGit(address, revision string) (*v1alpha1.GitSource, error) {
	g := &v1alpha1.GitSource{URL: address}
	if err := reachable(address); err != nil {
		return nil, err
	}
	switch {
	case revision == "" || revision == "HEAD":
	case commitID.MatchString(revision):
		g.Commit = revision
	case strings.HasPrefix(revision, "refs/"):
		return g, named(g, revision)
	case strings.ContainsAny(revision, "*^~<>=|, ") || wildcard.MatchString(revision):
		g.Semver = revision
	case version.MatchString(revision):
		g.Tag = revision
	case number2.MatchString(revision):
		return nil, errors.New("its revision may be a branch or a tag: refs/heads/… or refs/tags/… would say which")
	case commitBeg.MatchString(revision):
		return nil, errors.New("its revision is the beginning of a commit's id only")
	default:
		g.Branch = revision
	}
	return g, nil
}

// named reads a reference in full.
func named(g *v1alpha1.GitSource, ref string) error {
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	tag, isTag := strings.CutPrefix(ref, "refs/tags/")
	switch {
	case isBranch && branch != "":
		g.Branch = branch
	case isTag && tag != "":
		g.Tag = tag
	default:
		return errors.New("it follows a reference that is neither a branch nor a tag")
	}
	return nil
}

func reachable(address string) error {
	switch _, err := giturl.Parse(address); {
	case address == "":
		return errors.New("it names no repository")
	case strings.HasPrefix(address, "oci://"):
		return errors.New("it comes from a registry")
	case err != nil:
		return errors.New("the address of its repository is none that is followed here")
	}
	return nil
}

// Complete fills in the repository from its GitRepository object. home is the
// namespace whose Secrets may be used.
func (o *Origin) Complete(body map[string]any, home string) error {
	if err := foreign(body, []setting{
		{"spec.ignore", "its GitRepository leaves out files by a pattern"},
		{"spec.include", "its GitRepository includes others"},
		{"spec.recurseSubmodules", "its GitRepository has submodules"},
		{"spec.sparseCheckout", "its GitRepository takes some folders only"},
		{"spec.proxySecretRef", "its GitRepository is reached through a proxy"},
	}); err != nil {
		return err
	}
	if p := text(body, "spec", "provider"); p != "" && p != "generic" {
		return errors.New("its GitRepository has its credentials from " + word(p))
	}
	g := &v1alpha1.GitSource{URL: text(body, "spec", "url")}
	if err := reachable(g.URL); err != nil {
		return err
	}
	ref, _ := field(body, "spec", "ref").(map[string]any)
	switch commit := text(ref, "commit"); {
	case commit != "" && !commitID.MatchString(commit):
		return errors.New("the commit of its GitRepository is no commit's id")
	case commit != "":
		g.Commit = commit
	case text(ref, "name") != "":
		if err := named(g, text(ref, "name")); err != nil {
			return err
		}
	case text(ref, "semver") != "":
		g.Semver = text(ref, "semver")
	case text(ref, "tag") != "":
		g.Tag = text(ref, "tag")
	case text(ref, "branch") != "":
		g.Branch = text(ref, "branch")
	default:
		g.Branch = "master" // what Flux takes
	}
	if name := text(body, "spec", "secretRef", "name"); name != "" {
		if o.Repository.Namespace != home {
			return errors.New("the credentials of its GitRepository are in another namespace")
		}
		g.Secret = &v1alpha1.LocalReference{Name: name}
	}
	o.Source.Git, o.Repository = g, Repository{}
	return nil
}

// Lend has the Secret of the forge used for the repository too, if it is the
// very repository that the forge's settings name: whoever wrote the other tool's
// object says where the repository is, and must not be sent credentials of
// others.
func (o *Origin) Lend(r *v1alpha1.RevertRequest) {
	g := o.Source.Git
	if r == nil || g == nil || g.Secret != nil || o.layout.kind != argo {
		return
	}
	a, err := giturl.Parse(g.URL)
	if err != nil || a.Host != hostOf(r) || !strings.EqualFold(strings.TrimSuffix(strings.Trim(a.Path, "/"), ".git"), r.Repository) {
		return
	}
	g.Secret = &v1alpha1.LocalReference{Name: r.Secret.Name}
}

// hostOf is the host of a forge's repositories.
func hostOf(r *v1alpha1.RevertRequest) string {
	if r.URL == "" {
		return r.Forge + ".com"
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	if host := strings.ToLower(u.Hostname()); host != "api.github.com" {
		return host
	}
	return "github.com"
}
