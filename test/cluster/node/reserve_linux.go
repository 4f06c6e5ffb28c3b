package node

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hierarchies returns where cgroups are mounted: one place with version 2; with
// version 1 one for each controller, some without one, and often version 2
// beside them, without controllers. Container runtimes use all of them.
func hierarchies() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("find the cgroups: %w", err)
	}
	defer f.Close()
	var all []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		place, kind, ok := mountOf(lines.Text())
		if ok && (kind == "cgroup" || kind == "cgroup2") {
			all = append(all, place)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("find the cgroups: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("find the cgroups: none are mounted")
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// mountOf reads the place and the type of file system from a line of
// mountinfo.
func mountOf(line string) (place, kind string, ok bool) {
	before, after, found := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !found || len(left) < 5 || len(right) < 1 {
		return "", "", false
	}
	return left[4], right[0], true
}

// reservation is what a run directory remembers of what lies outside of it.
type reservation struct {
	Number Number `json:"number"`
	// Boot is the id of the boot in which it was made: another boot has
	// nothing of it any more.
	Boot string `json:"boot"`
}

func reservationFile(dir string) string { return filepath.Join(dir, "node.json") }

func boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "" // then no two boots differ, and leftovers are looked for in vain
	}
	return strings.TrimSpace(string(id))
}

// Reserve finds a free number for the cluster of the run directory dir and
// takes it by making its cgroups. Release gives it back.
func Reserve(dir string) (Number, error) {
	roots, err := hierarchies()
	if err != nil {
		return 0, err
	}
	for n := Number(firstNumber); n <= lastNumber; n++ {
		if used, err := routed(n.Network()); err != nil {
			return 0, err
		} else if used {
			continue
		}
		// Making the first one is what decides between two who want the number.
		err := os.Mkdir(filepath.Join(roots[0], n.cgroup()), 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("make a cgroup: %w", err)
		}
		text, err := json.Marshal(reservation{n, boot()})
		if err == nil {
			err = os.WriteFile(reservationFile(dir), text, 0o600)
		}
		if err == nil {
			err = makeCgroups(roots, n.cgroup())
		}
		if err != nil {
			return 0, errors.Join(fmt.Errorf("reserve a node's number: %w", err), removeCgroups(n))
		}
		return n, nil
	}
	return 0, fmt.Errorf("reserve a node's number: all from %d to %d are taken; end clusters with: cluster down --all", firstNumber, lastNumber)
}

// routed reports whether this machine has a route to a part of network, other
// than its default route, which goes everywhere.
func routed(network string) (bool, error) {
	wanted, err := netip.ParsePrefix(network)
	if err != nil {
		return false, fmt.Errorf("parse %s: %w", network, err)
	}
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return false, fmt.Errorf("read the routes: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if p, ok := routeOf(line); ok && p.Bits() > 8 && p.Overlaps(wanted) {
			return true, nil
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false, fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && wanted.Contains(p.Addr()) {
			return true, nil
		}
	}
	return false, nil
}

// routeOf reads the destination from a line of /proc/net/route, where it and
// its mask stand as hexadecimal numbers in the machine's order of bytes.
func routeOf(line string) (netip.Prefix, bool) {
	f := strings.Fields(line)
	if len(f) < 8 {
		return netip.Prefix{}, false
	}
	destination, err1 := strconv.ParseUint(f[1], 16, 32)
	mask, err2 := strconv.ParseUint(f[7], 16, 32)
	if err1 != nil || err2 != nil {
		return netip.Prefix{}, false // the heading
	}
	var address [4]byte
	binary.NativeEndian.PutUint32(address[:], uint32(destination))
	return netip.PrefixFrom(netip.AddrFrom4(address), bits.OnesCount32(uint32(mask))), true
}

// makeCgroups makes the cgroup name in every hierarchy. A new cgroup of
// version 1 has no processors and no memory until it is told; of version 2 no
// controllers.
func makeCgroups(roots []string, name string) error {
	for _, root := range roots {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make a cgroup: %w", err)
		}
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				continue // another controller's hierarchy
			}
			if err := os.WriteFile(filepath.Join(dir, file), value, 0o644); err != nil {
				return fmt.Errorf("set up a cgroup: %w", err)
			}
		}
		if len(roots) > 1 {
			continue // version 1 has the controllers
		}
		controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
		if err != nil {
			return fmt.Errorf("set up a cgroup: %w", err)
		}
		for _, c := range strings.Fields(string(controllers)) {
			for _, parent := range []string{root, dir} {
				if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+c), 0o644); err != nil {
					return fmt.Errorf("set up a cgroup: give it %s: %w", c, err)
				}
			}
		}
	}
	return nil
}

// removeCgroups removes the cgroups of a node whose processes have ended. The
// kernel lets go of the last of them a little later.
func removeCgroups(n Number) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		for range 100 {
			if err = removeTree(filepath.Join(root, n.cgroup())); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil {
			return fmt.Errorf("remove the cgroups: %w", err)
		}
	}
	return nil
}

// removeTree removes a cgroup and those below it. Their files are the
// kernel's: only the folders can be removed.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(dir)
}

// Release removes what lies outside the namespaces and the run directory dir
// of a node that has ended: its link and its cgroups. That there was no node
// is no error.
func Release(dir string) error {
	text, err := os.ReadFile(reservationFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clear the node away: %w", err)
	}
	var r reservation
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("clear the node away: read its number: %w", err)
	}
	if r.Boot != boot() {
		return nil
	}
	if _, err := net.InterfaceByName(r.Number.link()); err == nil {
		// The link ends with the namespace, too, only later: that somebody was
		// faster is no failure, that it is still there is one.
		out, err := exec.Command("ip", "link", "delete", r.Number.link()).CombinedOutput()
		if _, still := net.InterfaceByName(r.Number.link()); still == nil {
			return fmt.Errorf("remove the link to the node: %w: %s", err, out)
		}
	}
	if err := removeCgroups(r.Number); err != nil {
		return err
	}
	return os.Remove(reservationFile(dir))
}
