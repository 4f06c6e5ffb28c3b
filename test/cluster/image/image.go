// Package image makes container images of static programs, without a
// container engine: one layer with the program, in an archive that containerd
// and docker import.
package image

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// NobodyID is the user and group that images run as unless they say otherwise.
const NobodyID = 65532

// Recipe says what is in an image.
type Recipe struct {
	// Name is the image's, with its tag: "localhost/shop:1". The host part
	// "localhost" says that no registry has it.
	Name string
	// Program is the path of the static program; in the image it lies in the
	// root folder under its own name.
	Program string
	// Args are the arguments of the program.
	Args []string
	// Env is the environment: NAME=VALUE.
	Env []string
	// User is "uid:gid"; "" is 65532:65532, who is nobody.
	User string
	// Files are further files: their paths in the image and their content.
	Files map[string][]byte
	// Labels are the image's.
	Labels map[string]string
}

// Write writes the archive of the image to path. The same recipe gives the
// same image, down to the digest.
func Write(archive string, r Recipe) error {
	tag, err := name.NewTag(r.Name, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("make image %q: %w; give a name with a tag, such as localhost/shop:1", r.Name, err)
	}
	img, err := build(r)
	if err != nil {
		return fmt.Errorf("make image %s: %w", r.Name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(archive), filepath.Base(archive)+".*")
	if err != nil {
		return fmt.Errorf("make image %s: %w", r.Name, err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err := errors.Join(tarball.Write(tag, img, f), f.Close()); err != nil {
		return fmt.Errorf("make image %s: %w", r.Name, err)
	}
	if err := os.Rename(f.Name(), archive); err != nil {
		return fmt.Errorf("make image %s: %w", r.Name, err)
	}
	return nil
}

func build(r Recipe) (v1.Image, error) {
	if err := static(r.Program); err != nil {
		return nil, err
	}
	content, err := layerTar(r)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("make the configuration: %w", err)
	}
	file = file.DeepCopy()
	file.Architecture, file.OS = runtime.GOARCH, "linux"
	file.Config.Entrypoint = []string{"/" + filepath.Base(r.Program)}
	file.Config.Cmd, file.Config.Env, file.Config.Labels = r.Args, r.Env, r.Labels
	file.Config.User = r.User
	if r.User == "" {
		file.Config.User = fmt.Sprintf("%d:%d", NobodyID, NobodyID)
	}
	return mutate.ConfigFile(img, file)
}

// layerTar is the layer: the program, the files, and the folders they lie in.
// All times are the same, so that equal content is equal.
func layerTar(r Recipe) ([]byte, error) {
	program, err := os.ReadFile(r.Program)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	folders := map[string]bool{".": true}
	add := func(at string, mode int64, content []byte) error {
		if err := addFolders(w, folders, path.Dir(at)); err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: at, Mode: mode, Size: int64(len(content)), ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	// /tmp for everyone, as programs expect it.
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777, ModTime: time.Unix(0, 0)}); err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	folders["tmp"] = true
	if err := add(filepath.Base(r.Program), 0o755, program); err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	for _, at := range slices.Sorted(maps.Keys(r.Files)) {
		clean := path.Clean("/" + at)[1:]
		if clean == "" || clean == filepath.Base(r.Program) {
			return nil, fmt.Errorf("write the layer: the file %q is where the program or the root is", at)
		}
		if err := add(clean, 0o644, r.Files[at]); err != nil {
			return nil, fmt.Errorf("write the layer: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	return out.Bytes(), nil
}

func addFolders(w *tar.Writer, known map[string]bool, dir string) error {
	if known[dir] {
		return nil
	}
	if err := addFolders(w, known, path.Dir(dir)); err != nil {
		return err
	}
	known[dir] = true
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: time.Unix(0, 0)})
}

// static checks that a program needs nothing but the kernel: in an image with
// one file there is no loader and no library.
func static(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("read the program %s: %w; it has to be built for Linux", program, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the program %s is linked dynamically; build it with CGO_ENABLED=0", program)
		}
	}
	return nil
}
