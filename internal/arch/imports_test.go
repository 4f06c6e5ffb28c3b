package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/autoecoops/autoecoops/"

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
	GoFiles    []string
	Standard   bool
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	var all []pkg
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// room is the first element of a package's path in the module: its plane or
// the part of the house it belongs to.
func room(path string) string {
	rest := strings.TrimPrefix(path, module)
	first, _, _ := strings.Cut(rest, "/")
	return first
}

func ours(path string) bool { return strings.HasPrefix(path, module) }

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// pureLibraries may be imported by planes: they compute, and touch nothing.
var pureLibraries = map[string]string{
	"k8s.io/apimachinery/pkg/labels":                 "label selectors mean what they mean to the API server",
	"k8s.io/apimachinery/pkg/selection":              "the operators of those selectors",
	"k8s.io/apimachinery/pkg/apis/meta/v1":           "LabelSelector as the API defines it",
	"k8s.io/apimachinery/pkg/api/resource":           "quantities such as 500m and 64Mi",
	"golang.org/x/tools/txtar":                       "the samples of checks",
	"golang.org/x/mod/sumdb/tlog":                    "the arithmetic of Merkle trees and their proofs",
	"golang.org/x/mod/sumdb/note":                    "the form of signed notes",
	"golang.org/x/crypto/ssh":                        "the wire forms of SSH keys, certificates and signatures; nothing of it connects",
	"github.com/ProtonMail/go-crypto/openpgp":        "OpenPGP keys and signatures, computed over bytes",
	"github.com/ProtonMail/go-crypto/openpgp/armor":  "their armor",
	"github.com/ProtonMail/go-crypto/openpgp/packet": "their packets",
	module + "api/v1alpha1":                          "the custom resources as data; copies of them here would only drift",
}

// ioPackages are what a plane must not touch.
var ioPackages = []string{"os", "net", "net/http", "os/exec", "database/sql", "syscall", "log"}

var planes = []string{"assess", "deliver", "observe", "remediate", "prove"}

// foundations are the rooms that everything stands on.
var foundations = []string{"ops", "fault", "graph", "policy"}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		for _, imp := range p.Imports {
			if why := forbidden(p, from, imp); why != "" {
				t.Errorf("%s imports %s: %s", strings.TrimPrefix(p.ImportPath, module), imp, why)
			}
		}
	}
}

// forbidden says why a package must not import another, "" if it may.
func forbidden(p pkg, from, imp string) string {
	to := room(imp)
	switch {
	case ours(imp) && to == "cmd":
		return "nothing imports cmd"
	case imp == module+"adapter/rest" && from == "adapter":
		return "" // what the clients of HTTP APIs have in common is no adapter of its own
	case ours(imp) && to == "adapter" && from == "adapter":
		return "an adapter never imports another; internal/app wires them"
	case strings.HasSuffix(p.ImportPath, "test"):
		return "" // conformance suites for tests
	case ours(imp) && to == "adapter" && p.ImportPath != module+"internal/app" && !strings.HasPrefix(p.ImportPath, module+"internal/app/"):
		return "only internal/app imports adapters"
	case slices.Contains(foundations, from):
		return foundation(from, imp)
	case slices.Contains(planes, from):
		return plane(from, imp)
	case from == "adapter" && ours(imp) && !slices.Contains(foundations, to) && !slices.Contains(planes, to) && to != "api":
		return "an adapter imports ops, fault, graph, the types of the API and the plane whose port it fills"
	}
	return ""
}

func foundation(from, imp string) string {
	switch {
	case ours(imp) && !slices.Contains(foundations, room(imp)):
		return from + " is a foundation: it imports none of the house above it"
	case from == "policy" && strings.HasPrefix(imp, "github.com/google/cel-go/"):
		return "" // the language that rules are written in; it computes and touches nothing
	case from == "policy" && imp == "k8s.io/apimachinery/pkg/api/resource":
		return "" // quantities such as 500m mean what they mean to the API server
	case !ours(imp) && !standard(imp):
		return from + " imports the standard library only"
	case slices.Contains(ioPackages, imp):
		return from + " does no input or output"
	}
	return ""
}

func plane(from, imp string) string {
	switch {
	case ours(imp) && room(imp) != from && !slices.Contains(foundations, room(imp)) && pureLibraries[imp] == "":
		return "a plane imports ops, fault, graph and policy, never another plane or an outer room: planes meet in ops values"
	case !ours(imp) && !standard(imp) && pureLibraries[imp] == "":
		return "a plane imports pure libraries of the allow-list only"
	case slices.Contains(ioPackages, imp):
		return "a plane decides on values: input and output come through its ports"
	}
	return ""
}
