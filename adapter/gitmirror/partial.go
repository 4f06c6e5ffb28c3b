package gitmirror

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// A mirror whose first reader named folders is partial: of each commit only
// the folders' structure is fetched, and the files that are asked for follow
// in one batch. It stays so, since a server takes it that whoever has a commit
// has its files, too.

// partialMark is the file that makes a mirror partial.
const partialMark = "aeo-partial"

// mixedMark is the file of a mirror that was partial once: what it has says
// nothing about the rest of the files.
const mixedMark = "aeo-mixed"

func (r *mirror) marked(mark string) bool {
	_, err := os.Stat(filepath.Join(r.dir, mark))
	return err == nil
}

func (r *mirror) partial() bool { return r.marked(partialMark) }

// makeWhole ends that a mirror is partial. The commits in it, which lack
// files, have to be fetched again.
func (r *mirror) makeWhole() error {
	if err := os.RemoveAll(filepath.Join(r.dir, filepath.FromSlash(seenRefs))); err != nil {
		return err
	}
	return os.Rename(filepath.Join(r.dir, partialMark), filepath.Join(r.dir, mixedMark))
}

// promisor tells git, in one call only, that files may be missing. It is not
// part of the mirror's configuration, so that nothing else in git goes and
// fetches by itself.
func promisor(url string) [][2]string {
	return [][2]string{{"remote." + url + ".promisor", "true"}, {"remote." + url + ".partialclonefilter", "blob:none"}}
}

// noNegotiation makes git not tell the server what the mirror has.
var noNegotiation = [][2]string{{"fetch.negotiationAlgorithm", "noop"}}

// maxComplete bounds how many folders are remembered to be complete.
const maxComplete = 100_000

func (r *mirror) isComplete(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.complete[id]
}

func (r *mirror) setComplete(ids map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.complete)+len(ids) > maxComplete {
		clear(r.complete)
	}
	for id := range ids {
		r.complete[id] = true
	}
}

// ensure fetches the files below folders (or files) that are not here yet. A
// path that doesn't exist is none to fetch for: reading it says so.
func (t *Tree) ensure(ctx context.Context, paths []string) error {
	for _, p := range paths {
		if !fs.ValidPath(p) {
			return fault.New(fault.Invalid, "fetch files of a commit", p, "the path leads out of the repository", "write it relative to the repository's root")
		}
	}
	t.r.ask(paths)
	tops, err := t.entries(paths)
	if err != nil {
		return err
	}
	return t.complete(ctx, tops)
}

// entries are what paths name, without those that don't exist.
func (t *Tree) entries(paths []string) (tops []entry, err error) {
	for _, p := range paths {
		e, _, _, err := t.walk(p, true)
		if err == nil {
			tops = append(tops, e)
		} else if isBroken(err) {
			return nil, err
		}
	}
	return tops, nil
}

// maxAsked bounds how many paths of a repository are remembered.
const maxAsked = 10_000

// ask notes which paths somebody reads: their files are fetched together, as
// whoever reads one of them is seldom alone.
func (r *mirror) ask(paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil || len(r.asked)+len(paths) > maxAsked {
		r.asked = map[string]bool{}
	}
	for _, p := range paths {
		r.asked[p] = true
	}
}

func (r *mirror) allAsked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.asked))
}

// isBroken tells errors of reading from answers.
func isBroken(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Unavailable || k == fault.TimedOut || k == fault.Denied
}

// complete fetches what is missing below entries.
func (t *Tree) complete(ctx context.Context, tops []entry) error {
	g, lacking, err := t.lacking(tops)
	if err != nil {
		return err
	}
	if len(lacking) == 0 {
		t.r.setComplete(g.folders)
		return nil
	}
	return t.m.fetchBlobs(ctx, t, tops)
}

// lacking returns the files below entries that are not here, and what was looked
// at to find out.
func (t *Tree) lacking(tops []entry) (*gathering, []string, error) {
	g := &gathering{tree: t, files: map[string]bool{}, folders: map[string]bool{}}
	for _, e := range tops {
		if err := g.gather(e, 0); err != nil {
			return nil, nil, err
		}
	}
	lacking, err := t.m.lacking(t.r.dir, g.files)
	if err != nil {
		return nil, nil, t.blobError(err)
	}
	return g, lacking, nil
}

// together returns what is missing below entries and below all that others read
// of the repository; if that is too much, or broken, below the entries alone.
func (t *Tree) together(tops []entry) (*gathering, []string, error) {
	if others, err := t.entries(t.r.allAsked()); err == nil {
		if g, lacking, err := t.lacking(append(slices.Clip(tops), others...)); err == nil {
			return g, lacking, nil
		}
	}
	return t.lacking(tops)
}

// gathering collects what lies below entries, each object once: a folder that
// contains another a million times costs no more than one that does it once.
type gathering struct {
	tree    *Tree
	files   map[string]bool // object ids in hexadecimal
	folders map[string]bool // object ids
}

// gather collects the files below e, but for folders that were completed
// before.
func (g *gathering) gather(e entry, depth int) error {
	t := g.tree
	switch {
	case e.mode == modeSubmodule || e.mode == modeDir && (g.folders[e.id] || t.r.isComplete(e.id)):
		return nil
	case e.mode != modeDir:
		g.files[e.hex()] = true
		return nil
	case depth > maxDepth:
		return fault.New(fault.Invalid, "read folder of a commit", t.info.SHA, errDepth.Error(), "fetch a folder below it")
	}
	f, err := t.folder(e.id)
	if err != nil {
		return err
	}
	g.folders[e.id] = true
	for _, sub := range f.entries {
		if err := g.gather(sub, depth+1); err != nil {
			return err
		}
	}
	if len(g.folders) > maxEntries || len(g.files) > maxEntries {
		return fault.New(fault.Invalid, "fetch files of a commit", t.info.SHA, "it has more files than allowed", "name the folder that is needed")
	}
	return nil
}

// maxEntries bounds how many files are fetched at once.
const maxEntries = 1_000_000

// lacking returns the objects that are not in a mirror.
func (m *Mirrors) lacking(dir string, ids map[string]bool) (missing []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = m.pool.with(dir, func(rd *reader) error {
		order := make([]string, 0, len(ids))
		for id := range ids {
			order = append(order, id)
		}
		// Questions and answers run at the same time: either pipe alone would
		// fill up.
		sent := make(chan error, 1)
		go func() {
			w := bufio.NewWriter(rd.in)
			for _, id := range order {
				if _, err := w.WriteString("info " + id + "\n"); err != nil {
					sent <- err
					return
				}
			}
			sent <- w.Flush()
		}()
		for _, id := range order {
			switch _, _, err := rd.header(id); err {
			case nil:
			case errMissing:
				missing = append(missing, id)
			default:
				return err
			}
		}
		return <-sent
	})
	return missing, err
}

// fetchBlobs brings the files below entries into the mirror, all in one exchange.
func (m *Mirrors) fetchBlobs(ctx context.Context, t *Tree, tops []entry) error {
	if t.repo.URL == "" {
		return fault.New(fault.Unavailable, "read file of a commit", t.info.SHA, "the file was not kept", "fetch the commit from its server")
	}
	lock, unlock, err := t.r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.prepare(ctx, t.r, lock, len(t.info.SHA), true); err != nil {
		return err
	}
	// Somebody may have fetched them while this one waited.
	g, ids, err := t.together(tops)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		t.r.setComplete(g.folders)
		return nil
	}
	err = m.reach(ctx, t.r, exchange{address: t.address, auth: t.repo.Auth, dir: t.r.dir, lock: lock,
		// Without negotiation the server takes nothing for granted.
		settings: noNegotiation,
		partial:  true,
		args:     []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--filter=blob:none", "--stdin", "--", urlArgument},
		stdin:    strings.NewReader(strings.Join(ids, "\n") + "\n"),
	})
	if err == nil {
		t.r.setComplete(g.folders)
	}
	if !errors.Is(err, errUnadvertised) {
		return err
	}
	// A server that leaves files out, but doesn't hand them out later.
	if err := t.r.makeWhole(); err != nil {
		return fault.Wrap(fault.Unavailable, "fetch files of a commit", t.info.SHA, err, "the cache's folder must be writable")
	}
	return m.download(ctx, t.r, lock, t.address, t.repo.Auth, t.commit, true)
}

// load fetches the files of a folder after one of them was found missing.
func (t *Tree) load(parent entry) error {
	m := t.m
	if err := m.begin(); err != nil {
		return err
	}
	defer m.work.Done()
	// fs.FS has no context to pass on; what bounds this is the timeout.
	ctx, cancel := m.detach(context.Background())
	defer cancel()
	_, err := t.r.fetches.Do(ctx, m.digest(t.address, t.repo.Auth)+" below "+parent.hex(), m.opts.Now(), m.opts.Now, func() (struct{}, error) {
		t.r.forget(parent.id)
		return struct{}{}, t.complete(ctx, []entry{parent})
	})
	return err
}

// forget makes a folder be looked at again.
func (r *mirror) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.complete, id)
}
