package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// maxCached is the size of a tree, in bytes, beyond which hashing it all would
// cost more than it saves.
const maxCached = 1 << 30

// resultCache remembers reports by everything that they depend on: the
// program, the options, the day (exceptions expire), and every file's path and
// content. Cross-object findings depend on all of the tree, so the whole tree
// is the key and an answer can never be stale.
type resultCache struct {
	dir *cachedir.Dir
	key cachedir.Key
	// again makes the key anew.
	again func() (cachedir.Key, bool)
	// outside is set when something is read that the key does not cover: what
	// is ignored, or lies behind a symbolic link.
	outside atomic.Bool
	skipped []string
}

// openCache returns the cache entry for a request, nil if it is not to be
// cached.
func openCache(ctx context.Context, src assess.Source, req cli.Request, opts assess.Options, since string) *resultCache {
	if req.NoCache {
		return nil
	}
	dir, err := cachedir.Open("assess")
	if err != nil {
		return nil
	}
	c := &resultCache{dir: dir}
	c.again = func() (key cachedir.Key, ok bool) {
		h := sha256.New()
		if !identify(h, req, opts, since) {
			return key, false
		}
		skipped, ok := hashTree(ctx, h, src)
		c.skipped = skipped
		return cachedir.Key(h.Sum(nil)), ok
	}
	key, ok := c.again()
	if !ok {
		return nil
	}
	c.key = key
	return c
}

// watch returns src so that the cache notices what is read of it besides the
// files that are part of the key.
func (c *resultCache) watch(src assess.Source) assess.Source {
	if c == nil {
		return src
	}
	return watchedSource{src, c}
}

type watchedSource struct {
	assess.Source
	cache *resultCache
}

// Open implements fs.FS.
func (w watchedSource) Open(name string) (fs.File, error) {
	w.cache.note(name)
	return w.Source.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (w watchedSource) ReadFile(name string) ([]byte, error) {
	w.cache.note(name)
	return fs.ReadFile(w.Source, name)
}

// note remembers whether a path is, or lies below, an entry that is skipped,
// or in Git's own folder, which is no entry.
func (c *resultCache) note(name string) {
	for p := name; p != "." && p != "/"; p = path.Dir(p) {
		if _, found := slices.BinarySearch(c.skipped, p); found || path.Base(p) == ".git" {
			c.outside.Store(true)
			return
		}
	}
}

// identify hashes the program and the options.
func identify(h hash.Hash, req cli.Request, opts assess.Options, since string) bool {
	exe, err := os.Executable()
	if err != nil {
		return false
	}
	info, err := os.Stat(exe)
	if err != nil {
		return false
	}
	var ids []string
	for _, c := range opts.Checks {
		ids = append(ids, string(c.ID))
	}
	settings := req.Settings
	settings.Origin = nil
	text, err := json.Marshal([]any{build(), info.Size(), info.ModTime().UnixNano(), opts.Now.Format("2006-01-02"), settings, opts.KeepPassed, opts.Deviations, opts.ExceptionsName, string(opts.Exceptions), since, place(req, since), ids})
	if err != nil {
		return false
	}
	h.Write(text)
	return true
}

// place is the folder that is compared with an earlier revision: two folders of
// the same content may have been different then.
func place(req cli.Request, since string) string {
	if since == "" {
		return ""
	}
	abs, err := filepath.Abs(req.Path)
	if err != nil {
		return req.Path
	}
	return abs
}

// hashTree hashes every entry and returns, sorted, those that it leaves out; it
// gives up when a file cannot be read.
func hashTree(ctx context.Context, h hash.Hash, src assess.Source) (skipped []string, ok bool) {
	entries, err := src.Entries(ctx)
	if err != nil {
		return nil, false
	}
	var total atomic.Int64
	sums := make([][sha256.Size]byte, len(entries))
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(entries) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if e := entries[i]; e.Skip == "" && e.Unreadable == "" {
					text, err := fs.ReadFile(src, e.Path)
					if err != nil {
						failed.Store(true)
						return
					}
					if total.Add(int64(len(text))) > maxCached {
						failed.Store(true)
						return
					}
					sums[i] = sha256.Sum256(text)
				}
			}
		})
	}
	wg.Wait()
	for i, e := range entries {
		if e.Skip != "" || e.Unreadable != "" {
			skipped = append(skipped, e.Path)
		}
		fmt.Fprintf(h, "%q %q %q ", e.Path, e.Skip, e.Unreadable)
		h.Write(sums[i][:])
	}
	return skipped, !failed.Load() && ctx.Err() == nil
}

// load returns the remembered report, nil if there is none.
func (c *resultCache) load(target assess.Target) *assess.Report {
	if c == nil {
		return nil
	}
	text, ok := c.dir.Get(c.key)
	if !ok {
		return nil
	}
	var rep assess.Report
	if err := json.Unmarshal(text, &rep); err != nil {
		return nil
	}
	rep.Target = target
	return &rep
}

// store remembers a report. A cache that cannot be written is no failure of
// the assessment.
//
// It is not remembered if it rests on files that are not part of the key, or
// if a file changed since the key was made: it may have been read before or
// after.
func (c *resultCache) store(rep *assess.Report) {
	if c == nil || c.outside.Load() {
		return
	}
	if key, ok := c.again(); !ok || key != c.key {
		return
	}
	if text, err := json.Marshal(rep); err == nil {
		_ = c.dir.Put(c.key, text)
	}
}
