package setup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
)

func TestDecide(t *testing.T) {
	lacks := errors.New("there is no /dev/kmsg")
	for _, c := range []struct {
		nodes     keeper.Nodes
		simulated int
		lacks     error
		real      bool
		want      int
		err       error
		why       string
	}{
		{keeper.NodesNone, 3, nil, false, 0, nil, ""},
		{keeper.NodesSimulated, 0, nil, false, DefaultSimulated, nil, ""},
		{keeper.NodesSimulated, 7, lacks, false, 7, nil, ""},
		{keeper.NodesReal, 0, nil, true, 0, nil, ""},
		{keeper.NodesReal, 2, nil, true, 2, nil, ""},
		{keeper.NodesReal, 0, lacks, true, 0, ErrNoRealNode, ""},
		{Auto, 0, nil, true, 0, nil, ""},
		{Auto, 2, nil, true, 2, nil, ""},
		{Auto, 0, lacks, false, DefaultSimulated, nil, "/dev/kmsg"},
		{Auto, 5, lacks, false, 5, nil, "/dev/kmsg"},
	} {
		asked := Request{Spec: keeper.Spec{Simulated: c.simulated}, Nodes: c.nodes}
		got, err := decide(asked, func() error { return c.lacks })
		if !errors.Is(err, c.err) || got.Real != c.real || got.Simulated != c.want || !strings.Contains(got.Why, c.why) || (got.Why == "") != (c.why == "") {
			t.Errorf("%+v: %+v, error %v", c, got, err)
		}
	}
	refuses := func() error { t.Error("a machine is asked that need not be"); return nil }
	for _, r := range []Request{{Spec: keeper.Spec{Simulated: 1}}, {Nodes: keeper.NodesNone}, {Nodes: keeper.NodesSimulated}} {
		if _, err := decide(r, refuses); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := decide(Request{Spec: keeper.Spec{Real: true}}, func() error { return lacks }); !errors.Is(err, ErrNoRealNode) || !errors.Is(err, lacks) {
		t.Errorf("a real node that is not possible: %v", err)
	}
	if _, err := decide(Request{Nodes: "imaginary"}, refuses); err == nil {
		t.Error("imaginary nodes are possible")
	}
}

func TestNameOf(t *testing.T) {
	for text, want := range map[string]string{
		"TestFaults": "testfaults", "TestA/with_spaces & more": "testa-with-spaces---more", "//x": "x", strings.Repeat("ab/", 30): "ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-ab-a",
		"Test/": "test",
	} {
		got := NameOf(text)
		if got != want {
			t.Errorf("%q is called %q, not %q", text, got, want)
		}
		if err := keeper.ValidateName(got); err != nil {
			t.Error(err)
		}
	}
}

func FuzzNameOf(f *testing.F) {
	f.Add("TestSomething/else")
	f.Fuzz(func(t *testing.T, text string) {
		if got := NameOf(text); got != "" && keeper.ValidateName(got) != nil {
			t.Errorf("%q is called %q", text, got)
		}
	})
}

func TestNamed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if names, err := Named(); err != nil || len(names) != 0 {
		t.Errorf("at first there are %v, error %v", names, err)
	}
	dir, err := NamedDir("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(filepath.Dir(dir), "No Name")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := Named(); err != nil || len(names) != 1 || names[0] != "a" {
		t.Errorf("there are %v, error %v", names, err)
	}
	for _, bad := range []string{"", "..", "a/b", "A"} {
		if dir, err := NamedDir(bad); err == nil {
			t.Errorf("%q lies in %s", bad, dir)
		}
	}
}

func TestTempDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a, err := TempDir()
	if err != nil {
		t.Fatal(err)
	}
	b, err := TempDir()
	if err != nil || a == b {
		t.Fatalf("%s and %s, error %v", a, b, err)
	}
	if _, err := os.Stat(a); err != nil {
		t.Errorf("a directory whose keeper is about to start is gone: %v", err)
	}
	if err := os.WriteFile(filepath.Join(a, "keeper.json"), []byte("{}"), 0o600); err != nil { // as a killed keeper leaves it
		t.Fatal(err)
	}
	if _, err := TempDir(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a); !os.IsNotExist(err) {
		t.Errorf("what a killed keeper left is there: %v", err)
	}
	if err := os.Chmod(filepath.Dir(b), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := TempDir(); err == nil || !strings.Contains(err.Error(), "not ours alone") {
		t.Errorf("a folder that others can write to: %v", err)
	}
}
