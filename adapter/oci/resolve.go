package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/autoecoops/autoecoops/fault"
)

// Ref says which artifact is wanted: at most one field is set. The zero Ref is
// the tag latest.
type Ref struct {
	Tag string
	// Semver is a range such as ">=1.2 <2"; the highest tag in it is meant.
	Semver string
	// Digest is sha256:HEX.
	Digest string
}

// Artifact is what a Ref means at one moment.
type Artifact struct {
	// Digest is that of the manifest, sha256:HEX.
	Digest string
	// Tag led to it, "" for a digest that was named.
	Tag string
	// Version is the version that a semver range chose.
	Version string
}

var digestForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sha256:[0-9a-f]{64}$`) })

// Resolve asks the registry which artifact a ref means. An answer that is at
// most maxAge old is used again; zero asks for one that began after the call.
// Callers who ask the same at the same time share one exchange.
func (s *Store) Resolve(ctx context.Context, repo Repo, ref Ref, maxAge time.Duration) (Artifact, error) {
	const op = "resolve artifact"
	r, err := s.repository(repo.URL)
	if err != nil {
		return Artifact{}, err
	}
	switch n := len(strings.Split(strings.Trim(strings.Join([]string{ref.Tag, ref.Semver, ref.Digest}, "\n"), "\n"), "\n")); {
	case n > 1:
		return Artifact{}, fault.New(fault.Invalid, op, r.String(), "an artifact is one of tag, semver and digest, not several", "set one of them")
	case ref.Digest != "" && !digestForm().MatchString(ref.Digest):
		return Artifact{}, fault.New(fault.Invalid, op, r.String(), "this is no digest", "write sha256: and 64 hexadecimal digits")
	case ref.Digest != "":
		return Artifact{Digest: ref.Digest}, nil
	}
	who := s.who(r, repo.Auth)
	return s.finds.Do(ctx, who+" "+ref.Tag+"\n"+ref.Semver, s.opts.Now().Add(-maxAge), s.opts.Now, func() (Artifact, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
		defer cancel()
		a, err := s.find(ctx, r, repo.Auth, ref)
		if err == nil {
			s.grant(who, a.Digest)
		}
		return a, err
	})
}

func (s *Store) find(ctx context.Context, r name.Repository, auth Auth, ref Ref) (a Artifact, err error) {
	const op = "resolve artifact"
	options, err := s.remote(ctx, r, auth)
	if err != nil {
		return a, err
	}
	a.Tag = ref.Tag
	if ref.Tag == "" {
		a.Tag = name.DefaultTag
	}
	if ref.Semver != "" {
		if a.Tag, a.Version, err = s.highest(ctx, r, options, ref.Semver); err != nil {
			return a, err
		}
	}
	tag, err := name.NewTag(r.String()+":"+a.Tag, name.StrictValidation)
	if err != nil {
		return a, fault.New(fault.Invalid, op, r.String(), "this is no tag", "write its name alone, as in v1.2.3")
	}
	tag.Repository = r
	d, err := remote.Head(tag, options...)
	if err != nil {
		return a, failure(r, err)
	}
	a.Digest = d.Digest.String()
	if !digestForm().MatchString(a.Digest) {
		return a, fault.New(fault.Invalid, op, r.String(), "its digest is not SHA-256", "push it again with a current tool")
	}
	return a, nil
}

// highest finds the highest tag in a range. Tags cannot hold a plus sign, so
// an underscore stands for it. Two tags of one version are decided by their
// names, since a registry says at no cost only what they are called.
func (s *Store) highest(ctx context.Context, r name.Repository, options []remote.Option, want string) (tag, version string, err error) {
	const op = "resolve artifact"
	within, err := semver.NewConstraint(want)
	if err != nil || len(want) > 256 {
		return "", "", fault.New(fault.Invalid, op, r.String(), "this is no semver range", "write a range such as >=1.2 <2 or ~1.4; pre-releases need one in the range, as in >=1.2-0")
	}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return "", "", failure(r, err)
	}
	pages, err := puller.Lister(ctx, r)
	if err != nil {
		return "", "", failure(r, err)
	}
	var best *semver.Version
	for seen := 0; pages.HasNext(); {
		page, err := pages.Next(ctx)
		if err != nil {
			return "", "", failure(r, err)
		}
		if seen += len(page.Tags); seen > s.opts.MaxTags {
			return "", "", fault.New(fault.Blocked, op, r.String(), "it has more tags than allowed", "delete stale ones, or raise the operator's limit")
		}
		for _, t := range page.Tags {
			v, err := semver.StrictNewVersion(strings.ReplaceAll(strings.TrimPrefix(t, "v"), "_", "+"))
			if err != nil || !within.Check(v) {
				continue
			}
			if best == nil || v.GreaterThan(best) || v.Equal(best) && t < tag {
				best, tag = v, t
			}
		}
	}
	if best == nil {
		return "", "", fault.New(fault.NotFound, op, r.String(), "no tag is in the semver range", "tag a release as in v1.2.3, or widen the range")
	}
	return tag, best.String(), nil
}

// failure turns what the library says into a fault.
func failure(r name.Repository, err error) error {
	const op = "read artifact"
	make := func(k fault.Kind, public, hint string) error {
		return &fault.Error{Kind: k, Op: op, Subject: r.String(), Public: public, Hint: hint, Cause: err}
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return make(fault.TimedOut, "the registry took too long", "try again; an artifact that needs longer needs a higher limit")
	}
	text := err.Error()
	for _, sign := range []string{"error verifying", "does not match requested digest", "does not match expected size"} {
		if strings.Contains(text, sign) {
			return make(fault.Blocked, "what the registry sends does not have the digest that was asked for: it was changed", "find out who can change the registry's content; push the artifact again")
		}
	}
	if strings.Contains(text, "x509:") || strings.Contains(text, "tls:") {
		return make(fault.Blocked, "the registry's certificate is not trusted", "put the CA's certificate into the Secret that the source names")
	}
	if e, ok := errors.AsType[*transport.Error](err); ok {
		switch e.StatusCode {
		case http.StatusUnauthorized:
			return make(fault.Denied, "the registry refuses the credentials, or asks for some", "check the Secret that the source names")
		case http.StatusForbidden:
			return make(fault.Denied, "the credentials may not read this repository", "grant the account read access")
		case http.StatusNotFound:
			return make(fault.NotFound, "there is no such artifact, or these credentials may not see it", "check the address, the tag and the credentials")
		}
		return make(fault.Unavailable, fmt.Sprintf("the registry answers with status %d", e.StatusCode), "check the registry; it is tried again")
	}
	return make(fault.Unavailable, "the registry cannot be reached or broke off", "check the address, the network and the registry; it is tried again")
}
