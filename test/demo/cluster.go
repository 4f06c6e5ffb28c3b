package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/autoecoops/autoecoops/internal/image"
)

// cluster is the one of test/cluster's command, under the name "demo".
type cluster struct {
	kubeconfig  string
	real        bool
	description string
}

const clusterName = "demo"

// clusterCommand runs the command of test/cluster, which is a module of its own.
func clusterCommand(ctx context.Context, show bool, args ...string) ([]byte, error) {
	exe, err := clusterProgram(ctx)
	if err != nil {
		return nil, err
	}
	if !show {
		return command(ctx, exe, args...)
	}
	c := exec.CommandContext(ctx, exe, args...)
	c.Stderr = os.Stderr // its progress
	return c.Output()
}

func clusterProgram(ctx context.Context) (string, error) {
	exe, err := filepath.Abs("bin/aeo-cluster")
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, "go", "build", "-o", exe, "./cmd/cluster")
	c.Dir = filepath.Join("test", "cluster")
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the cluster's command: %w\n%s", err, text)
	}
	return exe, nil
}

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	if _, err := clusterCommand(ctx, true, "up", "--name", clusterName); err != nil {
		return nil, fmt.Errorf("start the cluster: %w", err)
	}
	text, err := clusterCommand(ctx, false, "kubeconfig", "--name", clusterName)
	if err != nil {
		return nil, err
	}
	config, err := os.ReadFile(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	c := &cluster{kubeconfig: filepath.Join(dir, "kubeconfig")}
	if err := os.WriteFile(c.kubeconfig, config, 0o600); err != nil {
		return nil, err
	}
	api, err := newClient(c.kubeconfig)
	if err != nil {
		return nil, err
	}
	nodes, err := api.do(ctx, "GET", "/api/v1/nodes", "", nil)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Metadata struct {
				Name        string
				Annotations map[string]string
			}
			Status struct {
				NodeInfo struct{ KubeletVersion string }
			}
		}
	}
	if err := json.Unmarshal(nodes, &list); err != nil {
		return nil, err
	}
	var names []string
	for _, n := range list.Items {
		kind := "a real node"
		if n.Metadata.Annotations["kwok.x-k8s.io/node"] != "" {
			kind = "a simulated node"
		} else {
			c.real = true
		}
		names = append(names, kind+", "+n.Metadata.Name)
	}
	c.description = strings.Join(names, "; ")
	return c, nil
}

func stopCluster(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "kubeconfig")); err != nil {
		return nil //nolint:nilerr // it was never started
	}
	_, err := clusterCommand(ctx, false, "down", "--name", clusterName)
	return err
}

// loadShop builds the shop's program into an image and puts it on the node.
func (c *cluster) loadShop(ctx context.Context, dir, version string) error {
	binary := filepath.Join(dir, "shop-"+version)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+version, "-o", binary, "./examples/shop/services/shop")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the shop: %w\n%s", err, text)
	}
	archive := filepath.Join(dir, "shop-"+version+".tar")
	err := image.Write(image.Spec{Tag: "shop.example.com/shop:" + version, Program: binary, Name: "shop", User: "10001:10001", Ports: []string{"8080/tcp"}}, archive)
	if err != nil {
		return err
	}
	_, err = clusterCommand(ctx, false, "load-image", "--name", clusterName, archive)
	return err
}
