package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
)

// item is one entry of a folder: its name, the type bits of its mode, and a
// file's stamp if it was asked for.
type item struct {
	name  string
	mode  fs.FileMode
	stamp Stamp
}

// listSlowly lists a folder as fs.FS does.
func (t *Tree) listSlowly(dir string) ([]item, error) {
	list, err := fs.ReadDir(t, dir)
	if err != nil {
		return nil, err
	}
	out := make([]item, len(list))
	for i, d := range list {
		out[i] = item{name: d.Name(), mode: d.Type()}
	}
	return out, nil
}

// walk finds the tree's entries, with the stamps of those on device.
func (t *Tree) walk(ctx context.Context, device uint64) ([]stamped, error) {
	if t.only != "" {
		if _, err := fs.Stat(t, t.only); err != nil {
			return nil, openError(t.only, err)
		}
		return []stamped{{Entry: assess.Entry{Path: t.only}}}, nil
	}
	w := &walk{ctx: ctx, tree: t, device: device, todo: []folder{{path: "."}}}
	w.more.L = &w.mu
	// Files that are no disk's need not be safe for concurrent use.
	workers := 1
	if t.root != nil {
		workers = runtime.GOMAXPROCS(0)
	}
	outs := make([][]stamped, workers)
	var wg sync.WaitGroup
	for i := range outs {
		wg.Go(func() { outs[i] = w.work() })
	}
	wg.Wait()
	if w.err != nil {
		return nil, w.err
	}
	out := slices.Concat(outs...)
	sortByPath(out)
	return out, nil
}

// folder is a folder that is to be listed, with the rules of those above it.
type folder struct {
	path  string
	rules *rules
}

// walk is the state that the workers of one walk share.
type walk struct {
	ctx  context.Context
	tree *Tree
	// device is the one whose files are stamped, 0 for none.
	device uint64
	// found counts the entries of all workers.
	found atomic.Int64

	mu   sync.Mutex
	more sync.Cond
	// todo are the folders that are known and not yet listed, busy is how many
	// workers list one now.
	todo []folder
	busy int
	err  error
}

// next takes a folder, waiting for the others to find one; ok is false at the end.
func (w *walk) next() (f folder, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.todo) == 0 && w.busy > 0 && w.err == nil {
		w.more.Wait()
	}
	if len(w.todo) == 0 || w.err != nil {
		return f, false
	}
	f = w.todo[len(w.todo)-1]
	w.todo = w.todo[:len(w.todo)-1]
	w.busy++
	return f, true
}

// done hands in what a folder led to.
func (w *walk) done(folders []folder, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	w.todo = append(w.todo, folders...)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.more.Broadcast()
}

// work lists folders until there are no more.
func (w *walk) work() []stamped {
	l := &lister{walk: w, buf: make([]byte, 32<<10)}
	for {
		f, ok := w.next()
		if !ok {
			return l.out
		}
		l.folders = l.folders[:0]
		before := len(l.out)
		err := l.list(f)
		w.found.Add(int64(len(l.out) - before))
		w.done(l.folders, err)
	}
}

// lister is one worker of a walk.
type lister struct {
	*walk
	buf     []byte
	out     []stamped
	folders []folder
}

func (l *lister) list(f folder) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	items, err := l.tree.list(f.path, l.buf, l.device)
	if err != nil {
		if f.path == "." {
			return openError(l.tree.name, err)
		}
		l.out = append(l.out, stamped{Entry: assess.Entry{Path: f.path, Unreadable: reason(err)}})
		return nil
	}
	if l.found.Load()+int64(len(items)) > MaxFiles {
		return fault.New(fault.Invalid, "read", l.tree.name, fmt.Sprintf("it has more than %d files", MaxFiles), "assess a folder below it, or leave folders out with .aeoignore")
	}
	ignored := f.rules.read(l.tree, f.path, items)
	for _, it := range items {
		if it.name == ".git" {
			continue
		}
		p := it.name
		if f.path != "." {
			p = f.path + "/" + it.name
		}
		if by := ignored.match(p, it.mode.IsDir()); by != "" {
			l.skip(p, "ignored by "+by)
			continue
		}
		switch {
		case it.mode.IsDir():
			l.folders = append(l.folders, folder{p, ignored})
		case it.mode&fs.ModeSymlink != 0:
			l.link(p)
		case !it.mode.IsRegular():
			l.skip(p, "not a regular file ("+it.mode.String()+")")
		default:
			l.out = append(l.out, stamped{assess.Entry{Path: p}, it.stamp})
		}
	}
	return nil
}

func (l *lister) skip(p, why string) {
	l.out = append(l.out, stamped{Entry: assess.Entry{Path: p, Skip: why}})
}

// link accounts for a symbolic link. A link to a file inside of the tree is
// skipped, since the file itself is read; links to folders are not followed,
// which also ends loops.
func (l *lister) link(p string) {
	info, err := fs.Stat(l.tree, p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.skip(p, "a symbolic link to nothing")
	case err != nil:
		l.skip(p, "a symbolic link that leaves the tree or loops; it is not followed")
	case info.IsDir():
		l.skip(p, "a symbolic link to a folder; links are not followed, the folder itself is read where it lies")
	default:
		l.skip(p, "a symbolic link; the file that it names is read where it lies")
	}
}

// reason says why something cannot be read.
func reason(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "you may not read it: change its permissions"
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return "it cannot be read: " + pe.Err.Error()
	}
	return "it cannot be read: " + err.Error()
}
