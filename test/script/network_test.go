package script

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestNoNetwork runs assess and fix on the example in an empty network
// namespace: they print what they print with a network.
func TestNoNetwork(t *testing.T) {
	if out, err := exec.Command("unshare", "-n", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine permits no network namespace: %v %s", err, out)
	}
	aeo, err := exec.LookPath("aeo") // testscript.Main puts it there
	if err != nil {
		bin := t.TempDir() + "/aeo"
		if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/aeo").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		aeo = bin
	}
	for _, args := range [][]string{
		{"assess", "../../examples/shop", "--fail-on", "never", "--no-cache", "-o", "json"},
		{"fix", "../../examples/shop"},
	} {
		run := func(name string, args ...string) string {
			cmd := exec.Command(name, args...)
			var out, said bytes.Buffer
			cmd.Stdout, cmd.Stderr, cmd.Env = &out, &said, os.Environ()
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s %v: %v\n%s", name, args, err, said.String())
			}
			return out.String()
		}
		with := run(aeo, args...)
		without := run("unshare", append([]string{"-n", aeo}, args...)...)
		if with != without || with == "" {
			t.Errorf("aeo %s prints %d bytes with a network and %d without", args[0], len(with), len(without))
		}
	}
}
