package node

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestRouteOf(t *testing.T) {
	hex := func(a, b, c, d byte) string {
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32([]byte{a, b, c, d}))
	}
	line := func(to, mask string) string { return "eth0 " + to + " 00000000 0001 0 0 0 " + mask + " 0 0 0" }
	for text, want := range map[string]string{
		line(hex(10, 128, 0, 0), hex(255, 255, 0, 0)):       "10.128.0.0/16",
		line(hex(192, 0, 2, 0), hex(255, 255, 255, 0)):      "192.0.2.0/24",
		line(hex(0, 0, 0, 0), hex(0, 0, 0, 0)):              "0.0.0.0/0",
		line(hex(10, 128, 255, 1), hex(255, 255, 255, 255)): "10.128.255.1/32",
	} {
		if got, ok := routeOf(text); !ok || got != netip.MustParsePrefix(want) {
			t.Errorf("%q is %s, %t; want %s", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU", "eth0 0A", "eth0 1FFFFFFFF 0 0 0 0 0 0"} {
		if got, ok := routeOf(bad); ok {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

func TestMountOf(t *testing.T) {
	for line, want := range map[string][2]string{
		"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw":            {"/sys/fs/cgroup", "cgroup2"},
		"32 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu":                      {"/sys/fs/cgroup/cpu", "cgroup"},
		"27 1 8:1 / / rw,relatime shared:1 master:2 propagate_from:2 - ext4 /dev/vda rw": {"/", "ext4"},
	} {
		if place, kind, ok := mountOf(line); !ok || place != want[0] || kind != want[1] {
			t.Errorf("%q is %s at %s, %t", line, kind, place, ok)
		}
	}
	for _, bad := range []string{"", "30 23 0:26 / /sys", "30 23 - cgroup", "a b c d e -"} {
		if place, kind, ok := mountOf(bad); ok {
			t.Errorf("%q is %s at %s", bad, kind, place)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("32 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu")
	f.Add("eth0 0000800A 00000000 0001 0 0 0 0000FFFF 0 0 0")
	f.Fuzz(func(t *testing.T, line string) {
		if p, ok := routeOf(line); ok && !p.IsValid() {
			t.Errorf("%q is the route %v", line, p)
		}
		if place, kind, ok := mountOf(line); ok && (place == "" || kind == "") {
			t.Errorf("%q is %q at %q", line, kind, place)
		}
	})
}

// TestRemoveTree removes folders only: the files of a cgroup are the kernel's.
func TestRemoveTree(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := removeTree(filepath.Join(root, "a")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(root, "a")); !os.IsNotExist(err) {
		t.Errorf("the tree is left: %v", err)
	}
	if err := removeTree(filepath.Join(root, "missing")); err != nil {
		t.Errorf("a tree that is not there: %v", err)
	}
}

// TestReserve takes two numbers and gives them back.
func TestReserve(t *testing.T) {
	if _, err := Check(t.Context(), t.TempDir()); err != nil {
		t.Skipf("this machine allows no real node: %v", err)
	}
	a, b := t.TempDir(), t.TempDir()
	numbers := map[Number]bool{}
	for _, dir := range []string{a, b} {
		n, err := Reserve(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = Release(dir) }) // when the test fails before it does
		numbers[n] = true
	}
	if len(numbers) != 2 {
		t.Errorf("two clusters have the numbers %v", numbers)
	}
	for _, dir := range []string{a, b, b} { // twice is no error
		if err := Release(dir); err != nil {
			t.Error(err)
		}
	}
	roots, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for n := range numbers {
		for _, root := range roots {
			if _, err := os.Stat(filepath.Join(root, n.cgroup())); err == nil {
				t.Errorf("%s is left in %s", n.cgroup(), root)
			}
		}
	}
}

// TestReleaseOfAnotherBoot touches nothing: the number may be another's now.
func TestReleaseOfAnotherBoot(t *testing.T) {
	dir := t.TempDir()
	for text, bad := range map[string]bool{`{"number": 240, "boot": "another"}`: false, `{"number": "x"}`: true, ``: true} {
		if err := os.WriteFile(reservationFile(dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Release(dir); (err != nil) != bad {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.Remove(reservationFile(dir)); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := Release(dir); err != nil {
		t.Errorf("without a node: %v", err)
	}
	if _, err := os.Stat(reservationFile(dir)); !os.IsNotExist(err) && err != fs.ErrNotExist {
		t.Errorf("the release made %s", reservationFile(dir))
	}
}
