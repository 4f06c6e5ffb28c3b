package app

import (
	"context"
	"errors"
	"io/fs"

	"github.com/autoecoops/autoecoops/adapter/git"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// Assess implements cli.Backend.
func (b backend) Assess(ctx context.Context, req cli.Request) (*cli.Outcome, error) {
	opts, err := options(req, b.now())
	if err != nil {
		return nil, err
	}
	if req.Live != nil {
		return b.assessCluster(ctx, req, opts)
	}
	src, err := b.open(ctx, req.Path)
	if err != nil {
		return nil, err
	}
	a := &assessment{req: req, opts: opts, src: src}
	if err := a.compareWith(req.ChangedSince); err != nil {
		return nil, errors.Join(err, src.close())
	}
	out := &cli.Outcome{Judge: a.judge, Files: src, Close: src.close}
	if a.cache = openCache(ctx, src, a.req, opts, a.earlier); a.cache != nil {
		out.Memory, out.Files = a.cache, a.cache.witness
		out.Close = func() error {
			a.cache.close()
			return src.close()
		}
	}
	return out, nil
}

// assessment is one request with what was opened for it.
type assessment struct {
	req  cli.Request
	opts assess.Options
	src  *opened
	// before is the tree that is compared with, nil if there is none; earlier
	// is the identity of its content.
	before  *opened
	earlier string
	cache   *resultCache
}

// compareWith opens an earlier revision, "" for none.
func (a *assessment) compareWith(revision string) error {
	if revision == "" {
		return nil
	}
	files, _, err := git.Revision(folder(a.req.Path), revision)
	if err != nil {
		return err
	}
	a.before = &opened{Source: worktree.Over(files, revision)}
	info, err := fs.Stat(files, ".")
	if err != nil {
		return fault.Wrap(fault.Unavailable, "read revision", revision, err, "the repository may be damaged: git fsck")
	}
	var known bool
	if a.earlier, known = info.Sys().(string); !known {
		a.req.NoCache = true
	}
	return nil
}

// complete returns a tree known by its hash, so that an assessment of it is not
// remembered if a part cannot be read: a clone may get its objects later.
func (a *assessment) complete(src assess.Source) assess.Source {
	if a.cache == nil {
		return src
	}
	return completeSource{src, a.cache.witness}
}

type completeSource struct {
	assess.Source
	witness *witness
}

// Open implements fs.FS.
func (c completeSource) Open(name string) (fs.File, error) {
	f, err := c.Source.Open(name)
	c.must(err)
	return f, err
}

// ReadFile implements fs.ReadFileFS.
func (c completeSource) ReadFile(name string) ([]byte, error) {
	text, err := c.Source.ReadFile(name)
	c.must(err)
	return text, err
}

func (c completeSource) must(err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		c.witness.tear()
	}
}

// judge returns the report: the remembered one, or one that is made now.
func (a *assessment) judge(ctx context.Context) (*assess.Report, error) {
	src := assess.Source(a.src)
	if a.cache != nil {
		if rep := a.cache.load(); rep != nil {
			return rep, nil
		}
		src = a.cache.begin()
	}
	engine := engineAt(a.opts.Now, a.req.Settings.KubeVersion, servedByAll...)
	rep, err := engine.Assess(ctx, src, a.src.target, a.opts)
	if err != nil {
		return nil, err
	}
	if a.before != nil {
		// The earlier revision is judged whole too, graph and all: what it
		// already had is not this change's doing.
		old, err := engine.Assess(ctx, a.complete(a.before), assess.Target{}, a.opts)
		if err != nil {
			return nil, err
		}
		rep.Without(old.Fingerprints())
	}
	if a.opts.Deviations {
		if err := fillEdits(ctx, rep, src); err != nil {
			return nil, err
		}
	}
	if a.cache != nil {
		a.cache.store(rep)
	}
	return rep, nil
}
