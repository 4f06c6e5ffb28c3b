package cluster_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/autoecoops/autoecoops/test/cluster"
)

// traces looks everywhere on this machine for something of the cluster with
// the run directory dir and, if it has a real node, the number of that.
func traces(t *testing.T, dir, number string) (found []string) {
	t.Helper()
	mine := func(text []byte) bool {
		return bytes.Contains(text, []byte(dir)) || number != "" && (bytes.Contains(text, []byte("aeo-cluster-"+number+"/")) || bytes.Contains(text, []byte("aeo-cluster-"+number+"\n")))
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		for _, file := range []string{"cmdline", "cgroup", "environ", "mountinfo"} {
			if text, err := os.ReadFile(filepath.Join(p, file)); err == nil && mine(text) {
				name, _ := os.ReadFile(filepath.Join(p, "comm")) // it may have ended meanwhile
				found = append(found, fmt.Sprintf("process %s %q, by its %s", filepath.Base(p), bytes.TrimSpace(name), file))
			}
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		found = append(found, "the run directory "+dir)
	}
	if number == "" {
		return found
	}
	cgroups := exec.Command("find", "/sys/fs/cgroup", "-name", "aeo-cluster-"+number)
	out, err := cgroups.Output()
	if err != nil {
		t.Log(err) // cgroups of others come and go while it looks
	}
	found = append(found, strings.Fields(string(out))...)
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.Name == "aeo-c"+number {
			found = append(found, "the link "+l.Name)
		}
	}
	routes, err := exec.Command("ip", "route").Output()
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(routes)); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "10."+number+".") {
			found = append(found, "the route "+lines.Text())
		}
	}
	return found
}

// untraced waits until nothing is left: what a killed process leaves, the
// kernel clears away a little later.
func untraced(t *testing.T, dir, number string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		found := traces(t, dir, number)
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(found, "\n"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// surroundings is what a node must not touch: packet filter rules, and the
// folders in which its programs keep state on machines that are nodes.
func surroundings(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, command := range []string{"iptables-save", "ip6tables-save"} {
		if out, err := exec.Command(command).Output(); err == nil {
			for line := range strings.Lines(string(out)) {
				if strings.HasPrefix(line, "-A") {
					b.WriteString(line)
				}
			}
		}
	}
	for _, dir := range []string{"/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods", "/var/log/containers", "/run/containerd", "/run/netns", "/etc/cni", "/opt/cni"} {
		entries, err := os.ReadDir(dir)
		fmt.Fprintln(&b, dir, errors.Is(err, fs.ErrNotExist))
		for _, e := range entries {
			fmt.Fprintln(&b, " ", e.Name())
		}
	}
	for _, file := range []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet"} {
		value, err := os.ReadFile("/proc/sys/" + file)
		fmt.Fprintln(&b, file, string(value), err)
	}
	return b.String()
}

// number is the second byte of the address of this machine for pods.
func number(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	host, err := c.Host(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(host, ".")[1]
}

func TestNothingIsLeft(t *testing.T) {
	before := surroundings(t)
	var dir, n string
	t.Run("while it lives", func(t *testing.T) {
		c := cluster.Start(t, cluster.WithNode(), cluster.WithImages(probeArchive(t)))
		dir, n = c.RunDir(), number(t, c)
		run(t, clientOf(t, c), "probe", "serve", ready)
		if found := traces(t, dir, n); len(found) < 10 { // else the search finds nothing that is there
			t.Errorf("of a living cluster only this is found: %v", found)
		}
		if now := surroundings(t); now != before {
			t.Errorf("the node changed the machine:\n%s", difference(before, now))
		}
	})
	if t.Skipped() || dir == "" {
		return
	}
	if found := traces(t, dir, n); len(found) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(found, "\n"))
	}
	if after := surroundings(t); after != before {
		t.Errorf("the machine is not as before:\n%s", difference(before, after))
	}
}

func difference(a, b string) string {
	had, has := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	for _, l := range had {
		if !slices.Contains(has, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range has {
		if !slices.Contains(had, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}

// hang is set in the environment of a copy of this test program that only
// starts a cluster and then hangs.
const hang = "AEO_CLUSTER_TEST_HANG"

func TestKilledStarter(t *testing.T) {
	if nodes := os.Getenv(hang); nodes != "" {
		var options []cluster.Option
		if nodes == "real" {
			options = append(options, cluster.WithNode(), cluster.WithImages(os.Getenv(hang+"_IMAGE")))
		}
		c := cluster.Start(t, options...)
		if nodes == "real" {
			run(t, clientOf(t, c), "probe", "serve", ready)
			fmt.Printf("\nstarted %s %s\n", c.RunDir(), number(t, c))
		} else {
			fmt.Printf("\nstarted %s\n", c.RunDir())
		}
		select {}
	}
	t.Run("a control plane", func(t *testing.T) {
		killStarter(t, hang+"=none")
	})
	t.Run("a real node", func(t *testing.T) {
		killStarter(t, hang+"=real", hang+"_IMAGE="+probeArchive(t))
	})
}

func killStarter(t *testing.T, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledStarter$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir, n string
	var said []string
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		said = append(said, lines.Text())
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "started" {
			dir, n = f[1], strings.Join(f[2:], "")
		}
	}
	if dir == "" {
		err := cmd.Wait()
		if text := strings.Join(said, "\n"); strings.Contains(text, "--- SKIP") {
			t.Skip(text)
		}
		t.Fatalf("the copy did not start a cluster: %v\n%s\n%s", err, strings.Join(said, "\n"), stderr.String())
	}
	if len(traces(t, dir, n)) == 0 {
		t.Error("of a living cluster nothing is found")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	untraced(t, dir, n)
}

// keeperOf is the process id of the keeper of a run directory.
func keeperOf(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "keeper.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(string(text), `{"pid":%d,`, &pid); err != nil || pid < 2 {
		t.Fatalf("%s: %v", text, err)
	}
	return pid
}

func TestKilledKeeper(t *testing.T) {
	for name, options := range map[string][]cluster.Option{
		"a control plane": nil,
		"a real node":     {cluster.WithNode(), cluster.WithImages(probeArchive(t))},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := cluster.Up(within(t), "killed", options...)
			if errors.Is(err, cluster.ErrNoRealNode) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			dir, n := c.RunDir(), ""
			if len(options) > 0 {
				n = number(t, c)
				run(t, clientOf(t, c), "probe", "serve", func(s corev1.PodStatus) bool { return ready(s) })
			}
			p, err := os.FindProcess(keeperOf(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := c.Down(); err != nil { // it clears away what the keeper could not
				t.Error(err)
			}
			untraced(t, dir, n)
		})
	}
}
