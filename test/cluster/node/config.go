package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// writeFiles writes the configuration of the node's programs.
func (p Plan) writeFiles() error {
	kubelet, err := json.MarshalIndent(p.kubeletConfig(), "", "  ")
	if err != nil {
		return fmt.Errorf("write the kubelet's configuration: %w", err)
	}
	network, err := json.MarshalIndent(p.cniConfig(), "", "  ")
	if err != nil {
		return fmt.Errorf("write the network's configuration: %w", err)
	}
	for path, text := range map[string]string{
		"etc/containerd.toml":  p.containerdConfig(),
		"etc/kubelet.json":     string(kubelet),
		"cni/10-pods.conflist": string(network),
		"etc/resolv.conf":      "nameserver 127.0.0.1\n", // nothing answers: pods outside the cluster's DNS resolve nothing
		"sysctl/vm.overcommit": "1\n",
		"sysctl/vm.panic":      "0\n",
		"sysctl/kernel.panic":  "10\n",
		"sysctl/kernel.oops":   "1\n",
		"sysctl/keys.maxkeys":  "1000000\n",
		"sysctl/keys.maxbytes": "25000000\n",
		"containerd/.keep":     "",
		"kubelet/.keep":        "",
		"pod-logs/.keep":       "",
		"volume-plugins/.keep": "",
		"network-leases/.keep": "",
		"small/.keep":          "",
		"certificates/.keep":   "",
	} {
		if err := os.MkdirAll(filepath.Dir(p.at(path)), 0o755); err != nil {
			return fmt.Errorf("make the node's folders: %w", err)
		}
		if err := os.WriteFile(p.at(path), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the node's configuration: %w", err)
		}
	}
	return nil
}

// guarded are the sysctls that a kubelet sets for the whole machine, with the
// files that it finds in their place: they hold what it would set, so it sees
// no need to.
var guarded = map[string]string{
	"/proc/sys/vm/overcommit_memory":      "vm.overcommit",
	"/proc/sys/vm/panic_on_oom":           "vm.panic",
	"/proc/sys/kernel/panic":              "kernel.panic",
	"/proc/sys/kernel/panic_on_oops":      "kernel.oops",
	"/proc/sys/kernel/keys/root_maxkeys":  "keys.maxkeys",
	"/proc/sys/kernel/keys/root_maxbytes": "keys.maxbytes",
}

func (p Plan) containerdConfig() string {
	snapshotter := "native"
	if p.Overlay {
		snapshotter = "overlayfs"
	}
	return fmt.Sprintf(`version = 2
root = %q
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  # Without CAP_SYS_RESOURCE nothing may be made less likely to be killed than
  # its parent is, and starting it would fail.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %q
    conf_dir = %q
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = %q
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`, p.at("containerd"), socket, PauseImage, p.Plugins, p.at("cni"), snapshotter)
}

// cniConfig gives each pod a link of its own to the node, without a bridge:
// everything between pods is routed, so that kube-proxy sees it.
func (p Plan) cniConfig() map[string]any {
	return map[string]any{
		"cniVersion": "0.4.0", "name": "pods",
		"plugins": []map[string]any{
			{
				"type": "ptp", "ipMasq": false, "mtu": 1500,
				"ipam": map[string]any{
					"type": "host-local", "dataDir": p.at("network-leases"),
					"ranges": [][]map[string]string{{{"subnet": p.Number.NodePods()}}},
					"routes": []map[string]string{{"dst": "0.0.0.0/0"}},
				},
			},
			{"type": "portmap", "capabilities": map[string]bool{"portMappings": true}},
		},
	}
}

func (p Plan) kubeletConfig() map[string]any {
	etc := func(file string) string { return filepath.Join(p.Files(), file) }
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": etc(CAFile)},
		},
		"authorization":            map[string]any{"mode": "Webhook"},
		"tlsCertFile":              etc(ServingCert),
		"tlsPrivateKeyFile":        etc(ServingKey),
		"clusterDomain":            "cluster.local",
		"clusterDNS":               []string{p.Number.DNS()},
		"resolvConf":               etc("resolv.conf"),
		"containerRuntimeEndpoint": "unix://" + socket,
		"cgroupDriver":             "cgroupfs",
		"cgroupRoot":               "/" + p.Number.cgroup(),
		"failCgroupV1":             false,
		"failSwapOn":               false,
		"oomScoreAdj":              0,
		"maxPods":                  220, // of 254 addresses
		"podLogsDir":               p.at("pod-logs"),
		"volumePluginDir":          p.at("volume-plugins"),
		// The disk is the developer's: that it is nearly full is no reason to
		// evict pods, or to remove images that nobody can pull again.
		"evictionHard":                map[string]string{"memory.available": "50Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%"},
		"imageGCHighThresholdPercent": 100,
		"imageGCLowThresholdPercent":  99,
		"nodeStatusReportFrequency":   "1m",
	}
}

// programs are the node's, in the order in which they start.
func (p Plan) programs() []program {
	return []program{
		{"containerd", "containerd", []string{"--config", filepath.Join(p.Files(), "containerd.toml")}},
		{"kubelet", p.Kubelet, []string{
			"--config=" + filepath.Join(p.Files(), "kubelet.json"),
			"--kubeconfig=" + filepath.Join(p.Files(), KubeletConfig),
			"--root-dir=" + p.at("kubelet"), "--cert-dir=" + p.at("certificates"),
			"--hostname-override=" + p.Name, "--node-ip=" + p.Number.Node(),
		}},
		{"kube-proxy", p.Proxy, []string{
			"--kubeconfig=" + filepath.Join(p.Files(), ProxyConfig),
			"--proxy-mode=iptables", "--detect-local-mode=ClusterCIDR", "--cluster-cidr=" + p.Number.Pods(),
			"--hostname-override=" + p.Name,
			"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
			"--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
			"--iptables-min-sync-period=200ms",
		}},
	}
}

// program is one that runs in the node.
type program struct {
	name string
	path string
	args []string
}
