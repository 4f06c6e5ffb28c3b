package programs

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestVersionOf(t *testing.T) {
	mod := "module x\n\nrequire k8s.io/kubernetes v1.36.3\n\nrequire (\n\texample.com/a v1.2.3 // indirect\n\texample.com/ab v0.1.0-rc.1\n)\n"
	for module, want := range map[string]string{"k8s.io/kubernetes": "v1.36.3", "example.com/a": "v1.2.3", "example.com/ab": "v0.1.0-rc.1"} {
		if got, err := versionOf(mod, module); err != nil || got != want {
			t.Errorf("%s is at %q, error %v", module, got, err)
		}
	}
	if got, err := versionOf(mod, "example.com"); err == nil {
		t.Errorf("a module that is not required is at %q", got)
	}
}

func TestLinkerFlags(t *testing.T) {
	want := "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
	if got := linkerFlags(kube(APIServer), "v1.36.3"); got != want {
		t.Errorf("the flags are %s", got)
	}
}

func TestBinaryName(t *testing.T) {
	for pkg, want := range map[string]string{
		"k8s.io/kubernetes/cmd/kubelet": "kubelet", "go.etcd.io/etcd/server/v3": "server", "example.com/v": "v", "example.com/vet": "vet",
	} {
		if got := binaryName(pkg); got != want {
			t.Errorf("%s makes %s", pkg, got)
		}
	}
}

// TestPins resolves every program against its real pin.
func TestPins(t *testing.T) {
	module, err := ModuleDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for _, name := range append(ControlPlane(), append(Node(), Kwok)...) {
		p, err := resolve(name, module, "/cache", "go1")
		if err != nil {
			t.Fatal(err)
		}
		if places[p.target] != "" || filepath.Base(p.target) != name {
			t.Errorf("%s belongs to %s, where %s is", name, p.target, places[p.target])
		}
		places[p.target] = name
		if other, err := resolve(name, module, "/cache", "go2"); err != nil || other.target == p.target {
			t.Errorf("%s is the same for another compiler: %v", name, err)
		}
	}
	if _, err := resolve("toaster", module, "/cache", "go1"); err == nil {
		t.Error("an unknown program is resolved")
	}
	if _, err := resolve(Etcd, t.TempDir(), "/cache", "go1"); err == nil {
		t.Error("a program without a pin is resolved")
	}
}

// TestBuildOnce builds a small program of its own pin, several times at once.
func TestBuildOnce(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module example.com/small\n\ngo 1.26\n", "go.sum": "",
		"main.go": "package main\n\nvar version = \"none\"\n\nfunc main() { print(version) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := plan{recipe: recipe{pkg: "example.com/small", minutes: "a moment"}, name: "small", dir: dir, ldflags: "-X main.version=v7", target: filepath.Join(cache, "small-v7", "small")}
	var mu sync.Mutex
	builds := 0
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			b := Builder{Cache: cache, Progress: func(s string) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(s, "built") {
					builds++
				}
			}}
			unlock, err := b.lock(t.Context(), cache)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if err := b.buildAll(t.Context(), missing([]plan{p})); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if out, err := exec.Command(p.target).CombinedOutput(); err != nil || string(out) != "v7" {
		t.Errorf("the program says %q, error %v", out, err)
	}
	if builds != 1 {
		t.Errorf("it was built %d times", builds)
	}
	broken := p
	broken.pkg, broken.target = "example.com/small/missing", filepath.Join(cache, "other", "small")
	if err := (Builder{}).buildAll(t.Context(), []plan{broken}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a package that does not exist: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "*", ".stage-*")); err != nil || len(left) > 0 {
		t.Errorf("a failed build leaves %v, error %v", left, err)
	}
}

func TestLockGivesUp(t *testing.T) {
	cache := t.TempDir()
	unlock, err := (Builder{}).lock(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var said bytes.Buffer
	if _, err := (Builder{Progress: Lines(&said)}).lock(ctx, cache); err == nil || !strings.Contains(said.String(), "waiting") {
		t.Errorf("a lock that another holds: %v; it said %q", err, said.String())
	}
}

// TestOwn builds a program of this module twice; the second time nothing is
// done.
func TestOwn(t *testing.T) {
	b := Builder{Cache: t.TempDir()}
	path, err := b.Own(t.Context(), "pause")
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Own(t.Context(), "pause"); err != nil {
		t.Fatal(err)
	}
	second, err := os.Stat(path)
	if err != nil || !os.SameFile(first, second) {
		t.Errorf("it was built again: %v", err)
	}
	if _, err := b.Own(t.Context(), "toaster"); err == nil {
		t.Error("a command that does not exist is built")
	}
}

// TestEnsureFindsWhatIsThere gives the cache what it is asked for; nothing is
// built.
func TestEnsureFindsWhatIsThere(t *testing.T) {
	b := Builder{Cache: t.TempDir(), Progress: func(s string) { t.Errorf("it said: %s", s) }}
	plans, err := b.plan(t.Context(), b.Cache, ControlPlane())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		if err := os.MkdirAll(filepath.Dir(p.target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.target, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := b.Ensure(t.Context(), ControlPlane()...)
	if err != nil || len(paths) != 4 || paths[Etcd] != plans[0].target {
		t.Errorf("found %v, error %v", paths, err)
	}
	if _, err := b.Ensure(t.Context(), "toaster"); err == nil {
		t.Error("an unknown program is found")
	}
}
