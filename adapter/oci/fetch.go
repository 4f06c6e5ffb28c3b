package oci

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/autoecoops/autoecoops/fault"
)

// Fetch returns the files of an artifact. One that is already here costs no
// exchange with the registry, if these credentials were ever let in. The error
// has the code CodeUnfit if the artifact itself is what is wrong.
func (s *Store) Fetch(ctx context.Context, repo Repo, a Artifact) (*Tree, error) {
	r, err := s.repository(repo.URL)
	if err != nil {
		return nil, err
	}
	if !digestForm().MatchString(a.Digest) {
		return nil, fault.New(fault.Invalid, "fetch artifact", r.String(), "this is no digest", "resolve the artifact first")
	}
	who := s.who(r, repo.Auth)
	if s.has(a.Digest) && s.granted(who, a.Digest) {
		return s.tree(a.Digest)
	}
	_, err = s.fetches.Do(ctx, who+a.Digest, s.opts.Now(), s.opts.Now, func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
		defer cancel()
		known := s.has(a.Digest)
		if known && s.granted(who, a.Digest) {
			return struct{}{}, nil // somebody else was quicker
		}
		err := s.fetch(ctx, r, repo.Auth, a.Digest, known)
		if err == nil {
			s.grant(who, a.Digest)
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	return s.tree(a.Digest)
}

func (s *Store) has(digest string) bool {
	_, err := s.load(digest)
	return err == nil
}

func (s *Store) tree(digest string) (*Tree, error) {
	x, err := s.load(digest)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read artifact", digest, err, "the cache may be damaged or the disk full")
	}
	s.touch(digest)
	return &Tree{store: s, index: x}, nil
}

// fetch brings an artifact into the cache, or only asks whether it may be had
// if it is known.
func (s *Store) fetch(ctx context.Context, r name.Repository, auth Auth, digest string, known bool) error {
	options, err := s.remote(ctx, r, auth)
	if err != nil {
		return err
	}
	ref := r.Digest(digest)
	if known {
		if _, err := remote.Head(ref, options...); err != nil {
			return failure(r, err)
		}
		return nil
	}
	d, err := remote.Get(ref, options...)
	if err != nil {
		return failure(r, err)
	}
	if d.MediaType.IsIndex() {
		return refused(r, "it is an index of several artifacts, of which none is the one to deploy", "push a single artifact, or name the digest of one of them")
	}
	img, err := d.Image()
	if err != nil {
		return failure(r, err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		return refused(r, "its manifest cannot be read", "push it again with a current tool")
	}
	return s.unpack(r, img, manifest, digest)
}

// CodeUnfit marks a refusal of what an artifact has in it: it is the same for
// this digest at every try.
const CodeUnfit = "ArtifactUnfit"

func refused(r name.Repository, why, hint string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "unpack artifact", Subject: r.String(), Public: why, Hint: hint, Code: CodeUnfit}
}

// maxLayers bounds an artifact's layers.
const maxLayers = 128

func (s *Store) unpack(r name.Repository, img v1.Image, manifest *v1.Manifest, digest string) error {
	layers := chosen(manifest)
	if len(layers) == 0 || len(layers) > maxLayers {
		return refused(r, "it has no layer, or too many", "push it with flux push artifact or oras push")
	}
	pack, discard, err := temporary(s.dir)
	if err != nil {
		return disk(r, err)
	}
	defer discard()
	u := &unpacking{opts: s.opts, out: bufio.NewWriterSize(pack, 256<<10), records: map[string]record{}}
	for _, l := range layers {
		if err := u.remoteLayer(r, img, l); err != nil {
			return err
		}
	}
	if err := errors.Join(u.out.Flush(), pack.Close()); err != nil {
		return disk(r, err)
	}
	l := &list{Info: infoOf(manifest, digest)}
	for _, rec := range u.records {
		l.Records = append(l.Records, rec)
	}
	slices.SortFunc(l.Records, func(a, b record) int { return cmp.Compare(a.Path, b.Path) })
	if _, err := newIndex(l); err != nil {
		return refused(r, err.Error(), "pack it again")
	}
	return s.commit(r, pack.Name(), l)
}

// remoteLayer unpacks one layer, whose digest is checked while it is read.
func (u *unpacking) remoteLayer(r name.Repository, img v1.Image, d v1.Descriptor) error {
	if len(d.URLs) > 0 {
		return refused(r, "a layer of it lies somewhere else than in the registry", "push the layer itself")
	}
	layer, err := img.LayerByDigest(d.Digest)
	if err != nil {
		return failure(r, err)
	}
	content, err := layer.Compressed()
	if err != nil {
		return failure(r, err)
	}
	err = errors.Join(u.layer(d, content), content.Close())
	if bad, ok := errors.AsType[hostile](err); ok {
		return refused(r, bad.why, "pack it again")
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return disk(r, pathErr)
	}
	if err != nil {
		return failure(r, err)
	}
	return nil
}

func disk(r name.Repository, err error) error {
	return fault.Wrap(fault.Unavailable, "unpack artifact", r.String(), err, "the cache's folder must be writable and have space")
}

// commit puts an artifact's two files in their places. It is there once the
// second one is.
func (s *Store) commit(r name.Repository, pack string, l *list) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fault.Wrap(fault.Internal, "unpack artifact", r.String(), err, "")
	}
	f, discard, err := temporary(s.dir)
	if err != nil {
		return disk(r, err)
	}
	defer discard()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = errors.Join(os.Rename(pack, s.file(l.Info.Digest, ".pack")), os.Rename(f.Name(), s.file(l.Info.Digest, ".json")))
	}
	if err != nil {
		return disk(r, err)
	}
	return nil
}

// infoOf reads the annotations that Flux and others write.
func infoOf(m *v1.Manifest, digest string) Info {
	short := func(key string) string {
		v := m.Annotations[key]
		if len(v) > 512 {
			return ""
		}
		return v
	}
	return Info{Digest: digest, Revision: short("org.opencontainers.image.revision"), Source: short("org.opencontainers.image.source"), Created: short("org.opencontainers.image.created")}
}
