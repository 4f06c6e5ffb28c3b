package image_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/autoecoops/autoecoops/test/cluster/image"
)

// static builds a small static program called name.
func static(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, name)
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, source)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func TestWrite(t *testing.T) {
	program := static(t, "shop")
	recipe := image.Recipe{
		Name: "localhost/shop:1", Program: program, Args: []string{"--port", "80"}, Env: []string{"A=b"},
		Files: map[string][]byte{"etc/shop/a": []byte("1"), "/etc/b": []byte("22")}, Labels: map[string]string{"l": "v"},
	}
	dir := t.TempDir()
	digest := func(file string) string {
		t.Helper()
		path := filepath.Join(dir, file)
		if err := image.Write(path, recipe); err != nil {
			t.Fatal(err)
		}
		img, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := img.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	if digest("a") != digest("b") {
		t.Error("the same recipe makes two images")
	}
	img, err := tarball.ImageFromPath(filepath.Join(dir, "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil || config.OS != "linux" || config.Config.User != "65532:65532" || config.Config.Entrypoint[0] != "/shop" ||
		!slices.Equal(config.Config.Cmd, recipe.Args) || !slices.Equal(config.Config.Env, recipe.Env) || config.Config.Labels["l"] != "v" {
		t.Errorf("the configuration is %+v, error %v", config, err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, error %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var names []string
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "shop" && h.Mode != 0o755 {
			t.Errorf("the program has the mode %o", h.Mode)
		}
	}
	if want := []string{"tmp/", "shop", "etc/", "etc/b", "etc/shop/", "etc/shop/a"}; !slices.Equal(names, want) {
		t.Errorf("the layer holds %q", names)
	}
}

func TestWriteRefuses(t *testing.T) {
	program, dir := static(t, "shop"), t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		recipe image.Recipe
		want   string
	}{
		"a name without a tag":           {image.Recipe{Name: "localhost/shop", Program: program}, "with a tag"},
		"no name":                        {image.Recipe{Program: program}, "with a tag"},
		"a script":                       {image.Recipe{Name: "localhost/shop:1", Program: text}, "built for Linux"},
		"a program that needs a loader":  {image.Recipe{Name: "localhost/shop:1", Program: "/bin/sh"}, "CGO_ENABLED=0"},
		"a program that does not exist":  {image.Recipe{Name: "localhost/shop:1", Program: "/nowhere"}, "no such file"},
		"a file in place of the program": {image.Recipe{Name: "localhost/shop:1", Program: program, Files: map[string][]byte{"../shop": nil}}, "where the program"},
	} {
		archive := filepath.Join(dir, "out.tar")
		if err := image.Write(archive, c.recipe); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "out*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	if err := image.Write(filepath.Join(dir, "missing", "out.tar"), image.Recipe{Name: "localhost/shop:1", Program: program}); err == nil {
		t.Error("an archive is written to a folder that does not exist")
	}
}
