package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// need is a program that a node is made of, and the Debian package it is in.
type need struct{ program, pkg string }

func needs() []need {
	return []need{
		{"containerd", "containerd"}, {"containerd-shim-runc-v2", "containerd"}, {"ctr", "containerd"},
		{"runc", "runc"}, {"iptables", "iptables"}, {"conntrack", "conntrack"}, {"ip", "iproute2"}, {"mount", "mount"},
	}
}

// pluginPackage has the CNI plugins, pluginFolders are where they may lie.
const pluginPackage = "containernetworking-plugins"

func pluginFolders() []string { return []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"} }

// Host is what a machine offers to a node.
type Host struct {
	// Plugins is the folder of the CNI plugins.
	Plugins string
	// Overlay says whether the file system of a run directory can hold the
	// layers of overlays.
	Overlay bool
}

// MissingError lists the Debian packages that a machine would have to have.
type MissingError struct {
	// Packages are the names.
	Packages []string
}

// Error implements error.
func (e *MissingError) Error() string {
	return "programs are missing; as root: apt-get install --no-install-recommends " + strings.Join(e.Packages, " ")
}

// Check finds out whether this machine allows a real node whose run directory
// is dir. The error says what it lacks; it is a MissingError if packages are
// all.
func Check(ctx context.Context, dir string) (Host, error) {
	if os.Geteuid() != 0 {
		return Host{}, errors.New("only root can make the namespaces of a node")
	}
	if _, err := os.Stat("/dev/kmsg"); err != nil {
		return Host{}, errors.New("there is no /dev/kmsg, which a kubelet reads")
	}
	if err := checkCgroups(); err != nil {
		return Host{}, err
	}
	host, missing := find()
	if len(missing) > 0 {
		return Host{}, &MissingError{missing}
	}
	if err := try(ctx, `mount -t tmpfs tmpfs /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/o && mount -t overlay overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/o && ip link set lo up`); err != nil {
		return Host{}, fmt.Errorf("namespaces of its own for a node are not possible: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Host{}, fmt.Errorf("make the run directory: %w", err)
	}
	trial, err := os.MkdirTemp(dir, "overlay-")
	if err != nil {
		return Host{}, fmt.Errorf("use the run directory: %w", err)
	}
	defer os.RemoveAll(trial)
	host.Overlay = try(ctx, `cd "$0" && mkdir l u w o && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w o`, trial) == nil
	return host, nil
}

// find looks for the programs and returns the packages of those that are
// missing.
func find() (Host, []string) {
	var missing []string
	for _, n := range needs() {
		if _, err := exec.LookPath(n.program); err != nil && !inSbin(n.program) {
			missing = append(missing, n.pkg)
		}
	}
	var host Host
	for _, folder := range pluginFolders() {
		if _, err := os.Stat(filepath.Join(folder, "ptp")); err == nil {
			host.Plugins = folder
			break
		}
	}
	if host.Plugins == "" {
		missing = append(missing, pluginPackage)
	}
	slices.Sort(missing)
	return host, slices.Compact(missing)
}

// inSbin looks where a user's PATH may not lead.
func inSbin(program string) bool {
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
			return true
		}
	}
	return false
}

// checkCgroups finds out whether cgroups can be made, and have a limit of
// memory.
func checkCgroups() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	memory := false
	for _, root := range roots {
		trial := filepath.Join(root, fmt.Sprintf("aeo-trial-%d", os.Getpid()))
		if err := os.Mkdir(trial, 0o755); err != nil {
			return fmt.Errorf("cgroups cannot be made: %w", err)
		}
		controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
		if err == nil {
			memory = memory || slices.Contains(strings.Fields(string(controllers)), "memory")
		} else if _, err := os.Stat(filepath.Join(trial, "memory.limit_in_bytes")); err == nil {
			memory = true
		}
		if err := os.Remove(trial); err != nil {
			return fmt.Errorf("cgroups cannot be removed: %w", err)
		}
	}
	if !memory {
		return errors.New("the cgroups cannot limit memory")
	}
	return nil
}

// try runs a shell script in namespaces like a node's.
func try(ctx context.Context, script string, args ...string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", "mount --make-rprivate / && " + script}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Install installs the packages that Check found missing. It needs root and a
// system with apt-get.
func Install(ctx context.Context, packages []string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install %s: this system has no apt-get; install them its own way", strings.Join(packages, " "))
	}
	install := append([]string{"install", "--yes", "--quiet", "--no-install-recommends"}, packages...)
	var said []byte
	for _, args := range [][]string{{"update", "--quiet"}, install} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=180"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		var err error
		if said, err = cmd.CombinedOutput(); err != nil && args[0] == "install" {
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			return fmt.Errorf("install %s: %w: %s", strings.Join(packages, " "), err, strings.Join(lines[max(0, len(lines)-4):], "\n"))
		}
	}
	return nil
}
