package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/autoecoops/autoecoops/test/cluster/image"
	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
	"github.com/autoecoops/autoecoops/test/cluster/setup"
)

// command runs the built command and returns what it printed.
type command struct {
	exe  string
	name string
}

func newCommand(t *testing.T) command {
	t.Helper()
	exe, err := programs.Builder{}.Own(t.Context(), "cluster")
	if err != nil {
		t.Fatal(err)
	}
	c := command{exe, fmt.Sprintf("test-%d", os.Getpid())}
	t.Cleanup(func() {
		if out, err := exec.Command(c.exe, "down", "--name", c.name).CombinedOutput(); err != nil {
			t.Errorf("down: %v: %s", err, out)
		}
	})
	return c
}

func (c command) run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.exe, append(args, "--name", c.name)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return string(out), err
}

func (c command) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.run(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

func (c command) status(t *testing.T) keeper.Status {
	t.Helper()
	var s keeper.Status
	if err := json.Unmarshal([]byte(c.must(t, "status", "-o", "json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func pids(s keeper.Status) map[string]int {
	all := map[string]int{}
	for _, p := range s.Servers {
		all[p.Name] = p.PID
	}
	return all
}

func TestUpIsIdempotent(t *testing.T) {
	c := newCommand(t)
	if _, err := c.run(t, "status"); err == nil || !strings.Contains(err.Error(), "is not up") {
		t.Errorf("status before up: %v", err)
	}
	if _, err := c.run(t, "kubeconfig"); err == nil || !strings.Contains(err.Error(), "cluster up --name") {
		t.Errorf("kubeconfig before up: %v", err)
	}
	c.must(t, "down") // of nothing

	// Two at once: one starts it, the other waits for that.
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if out, err := c.run(t, "up", "--nodes", "simulated", "--simulated", "2"); err != nil || !strings.Contains(out, "is up at") {
				t.Errorf("up: %q, %v", out, err)
			}
		})
	}
	both.Wait()
	first := c.status(t)
	if !first.Ready || first.Nodes != keeper.NodesSimulated || first.Simulated != 2 || len(first.Servers) != 5 {
		t.Fatalf("status %+v", first)
	}
	path := strings.TrimSpace(c.must(t, "kubeconfig"))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	c.must(t, "up")
	if now := pids(c.status(t)); fmt.Sprint(now) != fmt.Sprint(pids(first)) {
		t.Errorf("a second up replaced programs: %v, before %v", now, pids(first))
	}

	// A program that has ended is started again, and only that.
	client := keeper.NewClient(filepath.Dir(path))
	if err := client.Stop(t.Context(), programs.Scheduler); err != nil {
		t.Fatal(err)
	}
	c.must(t, "up")
	mended := pids(c.status(t))
	for name, pid := range pids(first) {
		if (mended[name] == pid) != (name != programs.Scheduler) || mended[name] == 0 {
			t.Errorf("%s: process %d, before %d", name, mended[name], pid)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the kubeconfig changed: %v", err)
	}
	if table := c.must(t, "status"); !strings.Contains(table, "kube-apiserver") || !strings.Contains(table, "running") {
		t.Errorf("the table is\n%s", table)
	}

	c.must(t, "down")
	c.must(t, "down")
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run directory is left: %v", err)
	}
	for name, pid := range mended {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("%s, process %d, is left", name, pid)
		}
	}
}

func TestLoadImage(t *testing.T) {
	c := newCommand(t)
	if _, err := c.run(t, "up", "--nodes", "real"); err != nil {
		if strings.Contains(err.Error(), setup.ErrNoRealNode.Error()) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	pause, err := programs.Builder{}.Own(t.Context(), "pause")
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "a.tar")
	if err := image.Write(archive, image.Recipe{Name: "localhost/loaded:1", Program: pause}); err != nil {
		t.Fatal(err)
	}
	c.must(t, "load-image", archive)
	c.must(t, "load-image", archive) // again is no error
	broken := filepath.Join(t.TempDir(), "broken.tar")
	if err := os.WriteFile(broken, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.run(t, "load-image", broken); err == nil || !strings.Contains(err.Error(), "broken.tar") {
		t.Errorf("a broken archive: %v", err)
	}
	if _, err := c.run(t, "load-image", "/nowhere.tar"); err == nil || !strings.Contains(err.Error(), "/nowhere.tar") {
		t.Errorf("a missing archive: %v", err)
	}
}

func TestBadArguments(t *testing.T) {
	c := newCommand(t)
	for _, args := range [][]string{
		{"up", "--nodes", "imaginary"}, {"up", "--nodes", "none", "extra"}, {"up", "--nodes", "simulated", "--simulated", "-1"},
		{"up", "--nodes", "simulated", "--simulated", "1000000"}, {"status", "-o", "xml", "extra"}, {"load-image"}, {"no-such-command"},
	} {
		if out, err := c.run(t, args...); err == nil {
			t.Errorf("%v: no error but %q", args, out)
		}
	}
	for _, verb := range []string{"up", "down", "status", "kubeconfig"} {
		if _, err := (command{c.exe, "Not/A/Name"}).run(t, verb); err == nil || !strings.Contains(err.Error(), "lower-case") {
			t.Errorf("%s of a bad name: %v", verb, err)
		}
	}
}
