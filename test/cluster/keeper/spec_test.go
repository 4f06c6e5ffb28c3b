package keeper

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// whole is a spec that lacks nothing.
func whole() Spec {
	s := Spec{Name: "c", Dir: "/run/c", Programs: map[string]string{}}
	for _, name := range append(programs.ControlPlane(), append(programs.Node(), programs.Kwok)...) {
		s.Programs[name] = "/bin/" + name
	}
	return s
}

func TestValidate(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*Spec)
		want   []string
	}{
		"whole":          {func(*Spec) {}, nil},
		"real":           {func(s *Spec) { s.Real = true }, nil},
		"no name":        {func(s *Spec) { s.Name = "" }, []string{"lower-case"}},
		"a path as name": {func(s *Spec) { s.Name = "../c" }, []string{"lower-case"}},
		"a long name":    {func(s *Spec) { s.Name = strings.Repeat("c", 41) }, []string{"lower-case"}},
		"a relative directory, too many nodes": {
			func(s *Spec) { s.Dir, s.Simulated = "run", MaxSimulated+1 },
			[]string{"absolute", "5001 simulated"},
		},
		"a program is missing": {func(s *Spec) { delete(s.Programs, programs.Etcd) }, []string{"etcd is missing"}},
		"the node's are missing": {
			func(s *Spec) {
				s.Real = true
				maps.DeleteFunc(s.Programs, func(n, _ string) bool { return slices.Contains(programs.Node(), n) })
			},
			[]string{"kubelet is missing", "kube-proxy is missing", "coredns is missing"},
		},
		"kwok is missing": {func(s *Spec) { s.Simulated = 1; delete(s.Programs, programs.Kwok) }, []string{"kwok is missing"}},
	} {
		s := whole()
		c.change(&s)
		err := s.Validate()
		if (err == nil) != (len(c.want) == 0) {
			t.Errorf("%s: %v", what, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", what, err, want)
			}
		}
	}
}

func TestNodes(t *testing.T) {
	for want, s := range map[Nodes]Spec{NodesNone: {}, NodesSimulated: {Simulated: 1}, NodesReal: {Simulated: 1, Real: true}} {
		if got := s.Nodes(); got != want {
			t.Errorf("%+v has nodes %s", s, got)
		}
	}
}

// TestCommands holds what tests and the outside rely on.
func TestCommands(t *testing.T) {
	s := whole()
	s.Simulated = 1
	s.Arguments = map[string][]string{programs.APIServer: {"--v=3"}}
	n := network{address: "127.0.0.1", port: 20001, services: "10.96.0.0/16"}
	lines := map[string]string{}
	for _, c := range controlPlane(layout{s.Dir}, s, n) {
		lines[c.name] = " " + strings.Join(c.args, " ") + " "
	}
	for name, wants := range map[string][]string{
		programs.Etcd:              {" --unsafe-no-fsync ", "=unix:///run/c/etcd.sock "},
		programs.APIServer:         {" --authorization-mode=Node,RBAC ", " --bind-address=127.0.0.1 ", " --secure-port=20001 ", " --audit-log-path=/run/c/audit.log ", " --anonymous-auth=false ", " --v=3 "},
		programs.ControllerManager: {" --leader-elect=false ", " --use-service-account-credentials "},
		programs.Scheduler:         {" --leader-elect=false "},
		programs.Kwok:              {" --manage-all-nodes=false "},
	} {
		for _, want := range wants {
			if !strings.Contains(lines[name], want) {
				t.Errorf("%s is not started with%s", name, want)
			}
		}
		if name != programs.APIServer && strings.Contains(lines[name], "--v=3") {
			t.Errorf("%s has the API server's argument", name)
		}
	}
	if strings.Contains(lines[programs.ControllerManager], "allocate-node-cidrs") {
		t.Error("nodes without pods get addresses")
	}
	if len(lines) != 5 {
		t.Errorf("%d programs are started", len(lines))
	}
}
