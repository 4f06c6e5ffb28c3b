package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dropPackets has a pod lose a share of what comes to its port, 0 for none: in its own
// network, so that nobody else loses any.
func dropPackets(ctx context.Context, uid string, share float64) error {
	pid, err := processOf(uid)
	if err != nil {
		return err
	}
	in := func(args ...string) ([]byte, error) {
		return command(ctx, "nsenter", append([]string{"-t", strconv.Itoa(pid), "-n", "iptables", "-w"}, args...)...)
	}
	if share == 0 {
		_, err := in("-F", "INPUT")
		return err
	}
	if text, err := in("-S", "INPUT"); err != nil || strings.Contains(string(text), "--probability") {
		return err
	}
	_, err = in("-A", "INPUT", "-p", "tcp", "--dport", "8080", "-m", "statistic", "--mode", "random", "--probability", fmt.Sprintf("%.3f", share), "-j", "DROP")
	return err
}

// processOf finds a process of a pod by its cgroup.
func processOf(uid string) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(text), "pod"+uid) {
			continue // it may have ended since
		}
		return strconv.Atoi(filepath.Base(filepath.Dir(f)))
	}
	return 0, fmt.Errorf("no process of the pod %s is known on this machine", uid)
}
