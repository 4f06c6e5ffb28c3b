package pki

import (
	"encoding/json"
	"fmt"
	"os"
)

// Kubeconfig returns a kubeconfig in which user, who is proven by pair, talks
// to server, which is proven by authority ca (PEM). The context bears the
// cluster's name. JSON is YAML too.
func Kubeconfig(cluster, server, user string, ca []byte, pair Pair) ([]byte, error) {
	type named map[string]any
	text, err := json.MarshalIndent(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": cluster,
		"clusters": []named{{"name": cluster, "cluster": map[string]any{"server": server, "certificate-authority-data": ca}}},
		"users":    []named{{"name": user, "user": map[string]any{"client-certificate-data": pair.Cert, "client-key-data": pair.Key}}},
		"contexts": []named{{"name": cluster, "context": map[string]any{"cluster": cluster, "user": user}}},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return append(text, '\n'), nil
}

// SaveKubeconfig writes what Kubeconfig returns to path, readable by its owner
// only: it holds a key.
func SaveKubeconfig(path, cluster, server, user string, ca []byte, pair Pair) error {
	text, err := Kubeconfig(cluster, server, user, ca, pair)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	return nil
}
