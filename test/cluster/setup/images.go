package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/autoecoops/autoecoops/test/cluster/image"
	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/node"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// archives returns the archives of the images that a real node starts with,
// and makes those that the cache lacks.
func archives(ctx context.Context, builder programs.Builder, spec keeper.Spec) ([]string, error) {
	pause, err := builder.Own(ctx, "pause")
	if err != nil {
		return nil, err
	}
	dir, err := programs.CacheDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "images"), 0o755); err != nil {
		return nil, fmt.Errorf("make the cache of images: %w", err)
	}
	var all []string
	for _, r := range []image.Recipe{
		{Name: node.PauseImage, Program: pause},
		{Name: keeper.DNSImage, Program: spec.Programs[programs.CoreDNS]},
	} {
		digest, err := digestOf(r.Program)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, "images", filepath.Base(r.Program)+"-"+digest+".tar")
		if _, err := os.Stat(path); err != nil {
			if err := image.Write(path, r); err != nil {
				return nil, err
			}
		}
		all = append(all, path)
	}
	return append(all, spec.Archives...), nil
}

func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read a program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read a program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}
