// Package keeper runs the servers of one cluster, for as long as somebody
// wants it, and clears everything away afterwards.
//
// Each cluster has one keeper, a process of its own. Everything else is a
// child of it that the kernel kills with it, and its own life hangs on a pipe
// to the one who started it: when a test is killed, the pipe breaks and the
// keeper tears the cluster down. Only a keeper that was told to stay outlives
// its starter.
package keeper

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// Nodes says what runs pods.
type Nodes string

// The kinds of nodes.
const (
	// NodesNone means a control plane alone: pods stay pending.
	NodesNone Nodes = "none"
	// NodesSimulated means kwok's: pods become ready, nothing runs.
	NodesSimulated Nodes = "simulated"
	// NodesReal means one real node: containerd and a kubelet.
	NodesReal Nodes = "real"
)

// Spec says what a keeper keeps.
type Spec struct {
	// Name is the cluster's; it names the context of its kubeconfig.
	Name string `json:"name"`
	// Dir is the run directory. It exists; the keeper removes it in the end.
	Dir string `json:"dir"`
	// Programs are the paths of the programs by their names.
	Programs map[string]string `json:"programs"`
	// Real adds one real node.
	Real bool `json:"real,omitempty"`
	// Simulated is the number of simulated nodes.
	Simulated int `json:"simulated,omitempty"`
	// Why says why the nodes are other than was wished for, "" if they are not.
	Why string `json:"why,omitempty"`
	// AuditPolicy is an audit policy in YAML; "" logs every change with who,
	// what and how it ended, and nothing of its content.
	AuditPolicy string `json:"auditPolicy,omitempty"`
	// Arguments are further arguments for programs, by their names.
	Arguments map[string][]string `json:"arguments,omitempty"`
	// Archives are the image archives that a real node starts with.
	Archives []string `json:"archives,omitempty"`
}

// namePattern is what a cluster's name must match: it becomes part of file
// names, of a cgroup and of a node's name.
var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ValidateName says what is wrong with the name of a cluster.
func ValidateName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("the name %q is not 1 to 40 lower-case letters, digits and inner dashes", name)
	}
	return nil
}

// Validate returns everything that is wrong with the spec.
func (s Spec) Validate() error {
	all := []error{s.Check()}
	for _, name := range s.needed() {
		if s.Programs[name] == "" {
			all = append(all, fmt.Errorf("the path of %s is missing", name))
		}
	}
	return errors.Join(all...)
}

// Check is Validate before the programs are known.
func (s Spec) Check() error {
	all := []error{ValidateName(s.Name)}
	if !filepath.IsAbs(s.Dir) {
		all = append(all, fmt.Errorf("the run directory %q is not an absolute path", s.Dir))
	}
	if s.Simulated < 0 || s.Simulated > MaxSimulated {
		all = append(all, fmt.Errorf("%d simulated nodes: from 0 to %d are possible", s.Simulated, MaxSimulated))
	}
	return errors.Join(all...)
}

// MaxSimulated is the most simulated nodes that one kwok is asked to keep.
const MaxSimulated = 5000

// needed lists the programs that the spec cannot do without.
func (s Spec) needed() []string {
	all := programs.ControlPlane()
	if s.Real {
		all = append(all, programs.Node()...)
	}
	if s.Simulated > 0 {
		all = append(all, programs.Kwok)
	}
	return all
}

// Nodes is the kind of nodes that the spec asks for; real ones go first.
func (s Spec) Nodes() Nodes {
	switch {
	case s.Real:
		return NodesReal
	case s.Simulated > 0:
		return NodesSimulated
	}
	return NodesNone
}

// files of a run directory.
type layout struct{ dir string }

func (l layout) at(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}
func (l layout) log(program string) string { return l.at("log", program+".log") }
func (l layout) pki(file string) string    { return l.at("pki", file) }
func (l layout) lock() string              { return l.at("lock") }
func (l layout) identity() string          { return l.at("keeper.json") }

// Socket is the control socket of the keeper of the run directory dir.
func Socket(dir string) string { return filepath.Join(dir, "keeper.sock") }

// KubeconfigPath is the administrator's kubeconfig in the run directory dir.
func KubeconfigPath(dir string) string { return filepath.Join(dir, "kubeconfig") }

// AuditLogPath is the API server's audit log in the run directory dir: one
// JSON event a line.
func AuditLogPath(dir string) string { return filepath.Join(dir, "audit.log") }

// PKIDir is the folder of the authorities "ca" and "front" in the run
// directory dir.
func PKIDir(dir string) string { return filepath.Join(dir, "pki") }
