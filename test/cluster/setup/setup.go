// Package setup makes ready what a cluster needs before its keeper starts: it
// decides what kind of node this machine allows, has the programs built and
// makes the run directory.
package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/node"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// Auto asks for a real node where the machine allows one, else for simulated
// nodes.
const Auto keeper.Nodes = "auto"

// ErrNoRealNode says that this machine does not allow a real node. What it lacks
// is in the text of the error that holds it.
var ErrNoRealNode = errors.New("a real node is not possible on this machine")

// DefaultSimulated is how many nodes are simulated when nobody says.
const DefaultSimulated = 3

// Request says what cluster is wanted.
type Request struct {
	// Spec is passed on to the keeper; its directory and programs are filled
	// in, and Real and Simulated according to Nodes.
	Spec keeper.Spec
	// Nodes is what runs pods; Auto decides. "" leaves Real and Simulated as
	// they are.
	Nodes keeper.Nodes
	// Progress is told, a line at a time, what takes long and what was decided.
	Progress func(string)
}

// Prepare returns the complete spec of a cluster that can be launched.
func Prepare(ctx context.Context, r Request) (keeper.Spec, error) {
	say := r.Progress
	if say == nil {
		say = func(string) {}
	}
	spec, err := decide(r, func() error { return allow(ctx, r.Spec.Dir, say) })
	if err == nil {
		err = spec.Check()
	}
	if err != nil {
		return spec, err
	}
	if spec.Why != "" {
		say("simulated nodes, on which no container runs; " + spec.Why)
	}
	names := programs.ControlPlane()
	if spec.Real {
		names = append(names, programs.Node()...)
	}
	if spec.Simulated > 0 {
		names = append(names, programs.Kwok)
	}
	builder := programs.Builder{Progress: say}
	if spec.Programs, err = builder.Ensure(ctx, names...); err != nil {
		return spec, err
	}
	if spec.Real {
		if spec.Archives, err = archives(ctx, builder, spec); err != nil {
			return spec, err
		}
	}
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return spec, fmt.Errorf("make the run directory: %w", err)
	}
	return spec, spec.Validate()
}

// decide fills in what kind of nodes there will be. allow says what this
// machine lacks for a real one; it is asked only where that matters.
func decide(r Request, allow func() error) (keeper.Spec, error) {
	spec := r.Spec
	switch r.Nodes {
	case "":
	case keeper.NodesNone:
		spec.Real, spec.Simulated = false, 0
	case keeper.NodesSimulated:
		spec.Real = false
		spec.Simulated = cmp.Or(spec.Simulated, DefaultSimulated)
	case keeper.NodesReal:
		spec.Real = true
	case Auto:
		err := allow()
		spec.Real = err == nil
		if err != nil {
			spec.Why = fmt.Sprintf("%v: %v", ErrNoRealNode, err)
			spec.Simulated = cmp.Or(spec.Simulated, DefaultSimulated)
		}
		return spec, nil
	default:
		return spec, fmt.Errorf("nodes %q: choose auto, real, simulated or none", r.Nodes)
	}
	if spec.Real {
		if err := allow(); err != nil {
			return spec, fmt.Errorf("%w: %w", ErrNoRealNode, err)
		}
	}
	return spec, nil
}

// allow makes sure that this machine allows a real node, if need be by
// installing packages. The error says what is lacking.
func allow(ctx context.Context, dir string, say func(string)) error {
	_, err := node.Check(ctx, dir)
	missing, ok := errors.AsType[*node.MissingError](err)
	if !ok {
		return err
	}
	say("installing " + strings.Join(missing.Packages, ", "))
	if err := node.Install(ctx, missing.Packages); err != nil {
		return err
	}
	_, err = node.Check(ctx, dir)
	return err
}

// NamedDir is the run directory of the cluster name, which outlives the
// process that starts it.
func NamedDir(name string) (string, error) {
	if err := keeper.ValidateName(name); err != nil {
		return "", err
	}
	dir, err := namedBase()
	return filepath.Join(dir, name), err
}

func namedBase() (string, error) {
	dir, err := programs.CacheDir()
	return filepath.Join(dir, "run"), err
}

// Named lists the clusters that have a run directory.
func Named() ([]string, error) {
	dir, err := namedBase()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the clusters: %w", err)
	}
	var names []string
	for _, e := range entries {
		if keeper.ValidateName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// TempDir makes the run directory of a cluster that ends with its starter, and
// clears away what killed keepers left beside it. The path is short: sockets
// are opened in it.
func TempDir() (string, error) {
	base := filepath.Join(os.TempDir(), "aeo-cluster-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("make the run directory: %w", err)
	}
	if info, err := os.Lstat(base); err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("make the run directory: %s is not ours alone; remove it, or set TMPDIR", base)
	}
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		return "", fmt.Errorf("make the run directory: %w", err)
	}
	entries, err := os.ReadDir(base)
	if err != nil {
		return "", fmt.Errorf("look for leftovers: %w", err)
	}
	for _, e := range entries {
		old := filepath.Join(base, e.Name())
		if err := keeper.SweepDead(old); err != nil && !errors.Is(err, keeper.ErrKept) {
			return "", fmt.Errorf("clear %s, which a killed keeper left: %w", old, err)
		}
	}
	return dir, nil
}

// NameOf makes a valid cluster name of any text, such as a test's name.
func NameOf(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 {
			b.WriteByte('-')
		}
	}
	name := b.String()
	return strings.Trim(name[:min(len(name), 40)], "-")
}
