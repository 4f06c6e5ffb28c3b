// Package image writes container images without Docker: a folder and a few
// files as layers, in an archive that every runtime imports. The same input
// gives the same bytes.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Spec says what goes into an image.
type Spec struct {
	// Tag is its name, "host/repository:tag".
	Tag string
	// Folder, if set, is the lower layer: a root file system.
	Folder string
	// Program is a program's file, which becomes /NAME and the entry point.
	Program, Name string
	// User runs it, "uid:gid".
	User string
	// Ports are exposed, as in "8080/tcp".
	Ports []string
	// Labels are those of the image.
	Labels map[string]string
	Env    []string
}

// Write writes the image's archive.
func Write(s Spec, archive string) error {
	ref, err := name.NewTag(s.Tag)
	if err != nil {
		return fmt.Errorf("read the image's name: %w", err)
	}
	// Runtimes leave out images that don't say what they run on.
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return err
	}
	if s.Folder != "" {
		if img, err = add(img, func(w *tar.Writer) error { return folder(w, s.Folder) }); err != nil {
			return fmt.Errorf("pack %s: %w", s.Folder, err)
		}
	}
	img, err = add(img, func(w *tar.Writer) error { return file(w, s.Program, s.Name, 0o755) })
	if err != nil {
		return fmt.Errorf("pack %s: %w", s.Program, err)
	}
	config := v1.Config{Entrypoint: []string{"/" + s.Name}, User: s.User, Labels: s.Labels, Env: s.Env, ExposedPorts: map[string]struct{}{}}
	for _, p := range s.Ports {
		config.ExposedPorts[p] = struct{}{}
	}
	if img, err = mutate.Config(img, config); err != nil {
		return err
	}
	if img, err = mutate.CreatedAt(img, v1.Time{Time: time.Unix(0, 0)}); err != nil {
		return err
	}
	return tarball.WriteToFile(archive, ref, img)
}

// add adds a layer.
func add(img v1.Image, fill func(*tar.Writer) error) (v1.Image, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := fill(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, layer)
}

// folder packs a folder in the order of its names, owned by root.
func folder(w *tar.Writer, dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(rel), Mode: int64(info.Mode().Perm())}
		switch {
		case d.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
			// What is meant for everybody to write to, such as /tmp, stays so.
			if info.Mode()&fs.ModeSticky != 0 {
				h.Mode |= 0o1000
			}
			return w.WriteHeader(h)
		case info.Mode()&fs.ModeSymlink != 0:
			h.Typeflag = tar.TypeSymlink
			if h.Linkname, err = os.Readlink(p); err != nil {
				return err
			}
			return w.WriteHeader(h)
		case info.Mode().IsRegular():
			return file(w, p, h.Name, h.Mode)
		}
		return nil
	})
}

func file(w *tar.Writer, from, to string, mode int64) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: path.Clean(to), Mode: mode, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
