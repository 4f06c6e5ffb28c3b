package node

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddresses checks that what the addresses of a number say of each other
// is so.
func TestAddresses(t *testing.T) {
	for _, n := range []Number{firstNumber, lastNumber} {
		whole := netip.MustParsePrefix(n.Network())
		pods, services := netip.MustParsePrefix(n.Pods()), netip.MustParsePrefix(n.Services())
		if pods.Overlaps(services) || !whole.Overlaps(pods) || !whole.Overlaps(services) || !pods.Overlaps(netip.MustParsePrefix(n.NodePods())) {
			t.Errorf("number %d: pods %s, services %s of %s", n, pods, services, whole)
		}
		for _, a := range []string{n.Host(), n.Node()} {
			if at := netip.MustParseAddr(a); !whole.Contains(at) || pods.Contains(at) || services.Contains(at) {
				t.Errorf("number %d: %s lies wrong", n, a)
			}
		}
		for _, a := range []string{n.KubeService(), n.DNS()} {
			if !services.Contains(netip.MustParseAddr(a)) {
				t.Errorf("number %d: %s is no service", n, a)
			}
		}
		if len(n.link()) > 15 {
			t.Errorf("the name %s is too long for a link", n.link())
		}
	}
}

func TestFiles(t *testing.T) {
	p := Plan{Name: "c-node", Dir: t.TempDir(), Number: 130, Kubelet: "/k", Proxy: "/p", Plugins: "/cni", Overlay: true}
	if err := p.writeFiles(); err != nil {
		t.Fatal(err)
	}
	for place, file := range guarded {
		if text, err := os.ReadFile(p.at("sysctl", file)); err != nil || len(text) == 0 {
			t.Errorf("nothing guards %s: %v", place, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(p.Files(), "kubelet.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		CgroupRoot string
		ClusterDNS []string
	}
	if err := json.Unmarshal(text, &config); err != nil || config.CgroupRoot != "/aeo-cluster-130" || config.ClusterDNS[0] != "10.130.128.10" {
		t.Errorf("the kubelet's configuration has %+v, error %v", config, err)
	}
	if !strings.Contains(p.containerdConfig(), `snapshotter = "overlayfs"`) {
		t.Error("containerd does not use overlays")
	}
	p.Overlay = false
	if !strings.Contains(p.containerdConfig(), `snapshotter = "native"`) {
		t.Error("containerd uses overlays where there can be none")
	}
	for _, program := range p.programs() {
		if !strings.Contains(strings.Join(program.args, " "), p.Dir) {
			t.Errorf("%s does not stay in the run directory: %v", program.name, program.args)
		}
	}
}
