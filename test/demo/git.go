package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// repository is the shop's, as somebody works in it, and as it is served.
type repository struct{ dir string }

func (r *repository) served() string { return filepath.Join(r.dir, "served") }
func (r *repository) work() string   { return filepath.Join(r.dir, "work") }
func (r *repository) url() string    { return "http://" + gitAddress + "/shop.git" }

// newRepository makes a repository of a folder's files.
func newRepository(ctx context.Context, dir, from string) (*repository, error) {
	r := &repository{dir}
	if err := os.MkdirAll(r.served(), 0o755); err != nil {
		return nil, err
	}
	bare := filepath.Join(r.served(), "shop.git")
	if _, err := command(ctx, "git", "init", "-q", "--bare", "-b", "main", bare); err != nil {
		return nil, err
	}
	if err := os.CopyFS(r.work(), os.DirFS(from)); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"remote", "add", "origin", bare}, {"add", "-A"}, {"commit", "-q", "-m", "shop: as it is"}, {"push", "-q", "origin", "main"},
	} {
		if _, err := r.git(ctx, args...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *repository) git(ctx context.Context, args ...string) ([]byte, error) {
	return command(ctx, "git", append([]string{"-C", r.work(), "-c", "user.name=A Developer", "-c", "user.email=dev@shop.example.com"}, args...)...)
}

// head is the newest revision.
func (r *repository) head(ctx context.Context) string {
	text, err := r.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// change replaces a text in a file, commits and pushes, and returns the revision.
func (r *repository) change(ctx context.Context, file, old, new, message string) (string, error) {
	path := filepath.Join(r.work(), file)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), old) {
		return "", fmt.Errorf("%s does not contain %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"commit", "-q", "-a", "-m", message}, {"push", "-q", "origin", "main"}} {
		if _, err := r.git(ctx, args...); err != nil {
			return "", err
		}
	}
	return r.head(ctx), nil
}

// serveGit serves the repositories of a folder for reading, as git does over
// HTTP.
func serveGit(ctx context.Context, dir, address string) error {
	path, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	s := &http.Server{
		Addr: address, ReadHeaderTimeout: 5 * time.Second,
		Handler: &cgi.Handler{Path: path, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1"}},
	}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
