// Package programs builds the programs of a cluster from pinned Go modules
// and keeps them in the user's cache directory, so that each version is built
// once on a machine.
//
// The pins are the go.mod and go.sum files in the folders kubernetes, etcd,
// coredns and kwok beside this package. They are modules of their own, so that
// a program that starts clusters does not itself depend on Kubernetes.
package programs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// The programs of a cluster.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
	KubeProxy         = "kube-proxy"
	CoreDNS           = "coredns"
	Kwok              = "kwok"
)

// ControlPlane lists the programs of a control plane.
func ControlPlane() []string { return []string{Etcd, APIServer, ControllerManager, Scheduler} }

// Node lists the programs that a real node adds to a control plane.
func Node() []string { return []string{Kubelet, KubeProxy, CoreDNS} }

// recipe says how a program is built.
type recipe struct {
	pin      string // the folder with the module that pins it
	module   string // the module whose version counts
	pkg      string // the package of its main function
	versions string // the package that holds the version it reports, if linked in
	minutes  string // roughly how long a cold build takes on two cores
}

const kubernetes = "k8s.io/kubernetes"

func kube(name string) recipe {
	return recipe{"kubernetes", kubernetes, kubernetes + "/cmd/" + name, "k8s.io/component-base/version", "15 minutes for all of Kubernetes"}
}

// recipeOf returns how to build the program name.
func recipeOf(name string) (recipe, error) {
	switch name {
	case APIServer, ControllerManager, Scheduler, Kubelet, KubeProxy:
		return kube(name), nil
	case Etcd:
		return recipe{"etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", "", "2 minutes"}, nil
	case CoreDNS:
		return recipe{"coredns", "github.com/coredns/coredns", "github.com/coredns/coredns", "", "4 minutes"}, nil
	case Kwok:
		return recipe{"kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", "", "2 minutes"}, nil
	}
	return recipe{}, fmt.Errorf("build %q: no such program is known", name)
}

// plan is one program, resolved: what to build it from and where it belongs.
type plan struct {
	recipe
	name    string
	dir     string // the folder of its pin, where the go command runs
	ldflags string
	target  string // the program in the cache
}

// resolve reads the pin of a program. The place in the cache is named for
// everything that goes into the build.
func resolve(name, module, cache, goVersion string) (plan, error) {
	r, err := recipeOf(name)
	if err != nil {
		return plan{}, err
	}
	dir := filepath.Join(module, r.pin)
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return plan{}, fmt.Errorf("read the pin of %s: %w", name, err)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return plan{}, fmt.Errorf("read the pin of %s: %w", name, err)
	}
	version, err := versionOf(string(mod), r.module)
	if err != nil {
		return plan{}, fmt.Errorf("read the pin of %s: %w", name, err)
	}
	p := plan{recipe: r, name: name, dir: dir, ldflags: linkerFlags(r, version)}
	from := key(string(mod), string(sum), p.ldflags, goVersion, runtime.GOOS, runtime.GOARCH)
	p.target = filepath.Join(cache, r.pin+"-"+version+"-"+from, name)
	return p, nil
}

// key is short and different for different parts.
func key(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// versionOf finds the version that a go.mod file requires of module.
func versionOf(mod, module string) (string, error) {
	m := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + ` (v[0-9]+\.[0-9]+\.\S+)`).FindStringSubmatch(mod)
	if m == nil {
		return "", fmt.Errorf("its go.mod does not require %s", module)
	}
	return m[1], nil
}

// linkerFlags strip symbols, and tell Kubernetes its version: without it
// clients see version 0.
func linkerFlags(r recipe, version string) string {
	flags := "-s -w"
	if r.versions != "" {
		major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
		minor, _, _ := strings.Cut(rest, ".")
		for _, f := range [][2]string{{"gitVersion", version}, {"gitMajor", major}, {"gitMinor", minor}} {
			flags += " -X " + r.versions + "." + f[0] + "=" + f[1]
		}
	}
	return flags
}
