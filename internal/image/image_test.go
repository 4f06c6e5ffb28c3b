package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/autoecoops/autoecoops/internal/image"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	err := errors.Join(
		os.MkdirAll(filepath.Join(root, "etc"), 0o755), os.WriteFile(filepath.Join(root, "etc", "passwd"), []byte("x"), 0o644),
		os.Symlink("etc/passwd", filepath.Join(root, "link")), os.Mkdir(filepath.Join(root, "tmp"), 0o777), os.Chmod(filepath.Join(root, "tmp"), 0o777|os.ModeSticky),
		os.WriteFile(filepath.Join(dir, "prog"), []byte("#!"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	spec := image.Spec{Tag: "example.com/x:1", Folder: root, Program: filepath.Join(dir, "prog"), Name: "prog", User: "1:1", Ports: []string{"80/tcp"}}
	a, b := filepath.Join(dir, "a.tar"), filepath.Join(dir, "b.tar")
	if err := errors.Join(image.Write(spec, a), image.Write(spec, b)); err != nil {
		t.Fatal(err)
	}
	x, _ := os.ReadFile(a)
	y, _ := os.ReadFile(b)
	if !bytes.Equal(x, y) || len(x) == 0 {
		t.Error("the same input gives other bytes")
	}
	img, err := tarball.ImageFromPath(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil || config.Config.User != "1:1" || config.Config.Entrypoint[0] != "/prog" {
		t.Errorf("%+v %v", config, err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for tr := tar.NewReader(r); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			modes[h.Name] = h.Mode
		}
	}
	if got := slices.Sorted(maps.Keys(modes)); !slices.Equal(got, []string{"etc/", "etc/passwd", "link", "prog", "tmp/"}) || modes["prog"] != 0o755 || modes["tmp/"] != 0o1777 {
		t.Errorf("%v", modes)
	}
	spec.Tag = "NOT A TAG"
	if image.Write(spec, a) == nil {
		t.Error("not a tag is a tag")
	}
	spec.Tag, spec.Program = "x:1", "/nowhere"
	if image.Write(spec, a) == nil {
		t.Error("nothing is a program")
	}
}
