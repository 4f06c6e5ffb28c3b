package audit

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// OpenExport implements cli.Auditor: it reads the files of a folder, and no
// link in it leads outside.
func (Ledgers) OpenExport(dir string) (ledger.Source, func() error, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		kind := fault.Unavailable
		if errors.Is(err, fs.ErrNotExist) {
			kind = fault.NotFound
		}
		return nil, nil, fault.Wrap(kind, "open the export", dir, err, "name the folder that `aeo audit export` wrote")
	}
	return ledger.FromFS(root.FS()), root.Close, nil
}

// NewExport implements cli.Auditor: it makes a folder, or takes an empty one.
func (Ledgers) NewExport(dir string) (ledger.Folder, func() error, error) {
	failed := func(err error) error {
		return fault.Wrap(fault.Unavailable, "make the folder", dir, err, "check that you may write there")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, failed(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, failed(err)
	}
	d, err := root.Open(".")
	if err != nil {
		return nil, nil, errors.Join(failed(err), root.Close())
	}
	names, err := d.Readdirnames(1)
	if cerr := d.Close(); cerr != nil {
		return nil, nil, errors.Join(failed(cerr), root.Close())
	}
	switch {
	case len(names) > 0:
		return nil, nil, errors.Join(fault.New(fault.Invalid, "export to", dir, "the folder is not empty", "name a new folder: an export is never mixed with what was there"), root.Close())
	case err != nil && !errors.Is(err, io.EOF):
		return nil, nil, errors.Join(failed(err), root.Close())
	}
	return &folder{root: root, made: map[string]bool{}}, root.Close, nil
}

// folder implements ledger.Folder.
type folder struct {
	root *os.Root
	made map[string]bool
}

// Write implements ledger.Folder.
func (f *folder) Write(ctx context.Context, name string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Interrupted, "write", name, err, "")
	}
	if dir := path.Dir(name); !f.made[dir] {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return fault.Wrap(fault.Unavailable, "write", name, err, "is the disk full?")
		}
		f.made[dir] = true
	}
	if err := f.root.WriteFile(name, data, 0o644); err != nil {
		return fault.Wrap(fault.Unavailable, "write", name, err, "is the disk full?")
	}
	return nil
}
