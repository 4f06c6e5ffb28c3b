//go:build !linux

package node

import (
	"context"
	"errors"
	"io"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

var errNotLinux = errors.New("only Linux can run a real node")

// Host is what a machine offers to a node.
type Host struct {
	// Plugins is the folder of the CNI plugins.
	Plugins string
	// Overlay says whether a run directory can hold the layers of overlays.
	Overlay bool
}

// MissingError lists the Debian packages that a machine would have to have.
type MissingError struct {
	// Packages are the names.
	Packages []string
}

// Error implements error.
func (*MissingError) Error() string { return errNotLinux.Error() }

// Check says that this system cannot run a node.
func Check(context.Context, string) (Host, error) { return Host{}, errNotLinux }

// Install says that this system cannot run a node.
func Install(context.Context, []string) error { return errNotLinux }

// Reserve says that this system cannot run a node.
func Reserve(string) (Number, error) { return 0, errNotLinux }

// Release has nothing to remove.
func Release(string) error { return nil }

// Node is a running node, of which there are none here.
type Node struct{}

// Start says that this system cannot run a node.
func Start(context.Context, *process.Launcher, Plan, func(error)) (*Node, error) {
	return nil, errNotLinux
}

// Order says that this system cannot run a node.
func (*Node) Order(context.Context, string, string) error { return errNotLinux }

// Import says that this system cannot run a node.
func (*Node) Import(context.Context, string) error { return errNotLinux }

// State knows of no program.
func (*Node) State(string) string { return "" }

// Kill has nothing to end.
func (*Node) Kill() {}

// Programs are the names of the programs that run in a node.
func Programs() []string { return nil }

// Init says that this system cannot run a node.
func Init() error { return errNotLinux }

// Inside says that this system cannot run a node.
func Inside(io.Reader, io.Writer) error { return errNotLinux }
