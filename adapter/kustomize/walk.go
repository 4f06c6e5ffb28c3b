package kustomize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// graph is a root and everything that it includes.
type graph struct {
	files fs.FS
	nodes map[string]*node
	order []*node
	root  *node
	// read lists the files that the walk read or found to be read.
	read     map[string]bool
	contents map[string][]byte
	parsed   map[string]*parsed
	problems []assess.Problem
	// unsafe means that the library must not see the tree: an alias bomb.
	unsafe bool
	// custom means that some kustomization sets the OpenAPI schema.
	custom bool
	// configured means that some kustomization changes field specifications.
	configured bool
	charts     []*chart
	sources    *memo
}

// node is one kustomization.
type node struct {
	dir  string
	file string
	doc  *yaml.Node
	k    *types.Kustomization
	// kids are the kustomizations that this one includes, in build order:
	// resources, then components.
	kids []edge
	// drop holds what is kept from the library, by field and value.
	drop map[string]map[string]bool
	// lost means that something in this kustomization or below it is missing.
	lost bool
	// walking is set while the node is on the walk's stack.
	walking bool
}

type edge struct {
	to        *node
	pos       ops.Position
	component bool
	// plugin means that the included objects configure a plugin of this one.
	plugin bool
}

func (k *node) component() bool { return k.k != nil && k.k.Kind == types.ComponentKind }

// walk reads the graph of the kustomization in folder root.
func walk(files fs.FS, root string, sources *memo) *graph {
	g := &graph{files: files, sources: sources, nodes: map[string]*node{}, read: map[string]bool{},
		contents: map[string][]byte{}, parsed: map[string]*parsed{}}
	real, err := resolve(files, path.Clean(root))
	if err != nil {
		g.problem(ops.Position{File: root}, "", "cannot open the kustomization's folder: "+reason(err))
		return g
	}
	g.root = g.enter(real, ops.Position{File: root}, nil)
	return g
}

func (g *graph) problem(at ops.Position, missing, reason string) {
	g.problems = append(g.problems, assess.Problem{Position: at, Missing: missing, Reason: reason})
}

// load reads a file once; the error tells why it cannot be used.
func (g *graph) load(p string) ([]byte, error) {
	if data, ok := g.contents[p]; ok {
		return data, nil
	}
	data, err := readBounded(g.files, p)
	if err != nil {
		return nil, err
	}
	g.contents[p] = data
	g.read[p] = true
	return data, nil
}

// docs parses a file once.
func (g *graph) docs(p string) ([]*yaml.Node, error) {
	if known, ok := g.parsed[p]; ok {
		return known.docs, known.err
	}
	data, err := g.load(p)
	if err != nil {
		return nil, err
	}
	known := g.sources.parse(data)
	g.parsed[p] = known
	return known.docs, known.err
}

// forget drops what can be read again.
func (g *graph) forget() {
	g.contents, g.parsed = map[string][]byte{}, map[string]*parsed{}
}

// enter visits the kustomization in folder dir; pos is where it is named.
func (g *graph) enter(dir string, pos ops.Position, stack []*node) *node {
	if n, ok := g.nodes[dir]; ok {
		return n
	}
	n := &node{dir: dir, drop: map[string]map[string]bool{}}
	g.nodes[dir] = n
	g.order = append(g.order, n)
	if !g.open(n, pos) {
		// The library must not read what was not understood here.
		delete(g.contents, n.file)
		return n
	}
	n.walking = true
	g.includes(n, append(slices.Clip(stack), n))
	g.filesOf(n)
	n.walking = false
	for _, e := range n.kids {
		n.lost = n.lost || e.to.lost
	}
	return n
}

// open finds, reads and decodes n's kustomization file.
func (g *graph) open(n *node, pos ops.Position) bool {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		p := path.Join(n.dir, name)
		if real, err := resolve(g.files, p); err == nil && below(real, n.dir) {
			if info, err := fs.Stat(g.files, real); err == nil && !info.IsDir() {
				found = append(found, p)
			}
		}
	}
	switch len(found) {
	case 0:
		g.problem(pos, path.Join(n.dir, "kustomization.yaml"), "folder "+n.dir+" has no kustomization file: add kustomization.yaml or correct the path")
		return false
	case 1:
		n.file = found[0]
	default:
		n.file = found[0]
		g.problem(ops.Position{File: n.file}, "", fmt.Sprintf("folder %s has %d kustomization files (%s): keep one", n.dir, len(found), strings.Join(found, ", ")))
		return false
	}
	data, err := g.load(n.file)
	if err != nil {
		g.problem(ops.Position{File: n.file}, "", "cannot read the kustomization: "+reason(err))
		return false
	}
	docs, err := g.docs(n.file)
	if err != nil {
		g.bad(n.file, "the kustomization", err)
		return false
	}
	if len(docs) == 0 || docs[0] == nil || docs[0].Tag == "!!null" {
		g.problem(ops.Position{File: n.file, Line: 1}, "", emptyText)
		return false
	}
	n.doc = docs[0]
	return g.decode(n, data)
}

const emptyText = "the kustomization is empty: list at least one of resources, components or generators"

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// decode reads the kustomization as the library does, and explains refusals.
func (g *graph) decode(n *node, data []byte) bool {
	var k types.Kustomization
	err := k.Unmarshal(data)
	if err == nil {
		k.FixKustomization()
		if k.CheckEmpty() != nil {
			g.problem(ops.Position{File: n.file, Line: 1}, "", emptyText)
			return false
		}
		if errs := k.EnforceFields(); len(errs) > 0 {
			key, value := field(n.doc, "apiVersion")
			if strings.HasPrefix(errs[0], "kind") {
				key, value = field(n.doc, "kind")
			}
			g.problem(at(n.file, key, value), "", "the kustomization is not valid: "+strings.Join(errs, "; "))
			return false
		}
		if key := otherCase(n.doc); key != nil {
			g.problem(at(n.file, key, nil), "", fmt.Sprintf("field %q of the kustomization is known in another spelling only: mind upper and lower case", key.Value))
			return false
		}
		n.k = &k
		g.custom = g.custom || len(k.OpenAPI) > 0
		g.configured = g.configured || len(k.Configurations) > 0 || len(k.Crds) > 0
		return true
	}
	pos := ops.Position{File: n.file, Line: 1}
	why := "the kustomization is not valid: " + reason(err)
	var wrong *json.UnmarshalTypeError
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		why = fmt.Sprintf("the kustomization has an unknown field %q: kustomize refuses it; correct or remove it", m[1])
		if key := findKey(n.doc, m[1], 0); key != nil {
			pos = at(n.file, key, nil)
		}
	} else if errors.As(err, &wrong) {
		keys := strings.Split(wrong.Field, ".")
		why = fmt.Sprintf("field %q of the kustomization must not be a %s", wrong.Field, wrong.Value)
		if key := findKey(n.doc, keys[len(keys)-1], 0); key != nil {
			pos = at(n.file, key, nil)
		}
	}
	g.problem(pos, "", why)
	return false
}

// otherCase finds a field that is only known by ignoring case, as the library
// does. What it names could not be found here.
func otherCase(doc *yaml.Node) *yaml.Node {
	known := map[string]bool{}
	fields := reflect.TypeFor[types.Kustomization]()
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		known[name] = true
	}
	known["apiVersion"], known["kind"] = true, true
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if k := doc.Content[i]; k.Tag != "!!merge" && !known[k.Value] {
			return k
		}
	}
	return nil
}

// findKey finds the first key of that name, outermost first.
func findKey(n *yaml.Node, name string, depth int) *yaml.Node {
	if n == nil || depth > maxDepth {
		return nil
	}
	if k, _ := field(n, name); k != nil {
		return k
	}
	for _, c := range n.Content {
		if k := findKey(c, name, depth+1); k != nil {
			return k
		}
	}
	return nil
}

// bad reports a file whose YAML cannot be used.
func (g *graph) bad(file, what string, err error) {
	pos := ops.Position{File: file}
	var b *badYAML
	if errors.As(err, &b) {
		pos.Line = b.line
		switch b.err {
		case errBomb, errLoop, errDeep, errMany:
			g.unsafe = true
		}
	}
	g.problem(pos, "", what+" is not usable YAML: "+reason(err))
}

// reason is an error's text for a person: without the view's mount point.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		switch {
		case errors.Is(p.Err, fs.ErrNotExist):
			return p.Path + " does not exist"
		case errors.Is(p.Err, fs.ErrPermission):
			return p.Path + " may not be read"
		}
		return p.Path + ": " + p.Err.Error()
	}
	return clean(err.Error())
}

// stanza is a list field of a kustomization whose entries name folders.
type stanza struct {
	field     string
	folders   bool
	component bool
	plugin    bool
}

// stanzas are visited in the order in which a build uses them.
func stanzas() []stanza {
	return []stanza{
		{field: "resources"}, {field: "bases"},
		{field: "generators", plugin: true},
		{field: "components", folders: true, component: true},
		{field: "transformers", plugin: true}, {field: "validators", plugin: true},
	}
}

// includes visits everything that n names which may be a kustomization.
func (g *graph) includes(n *node, stack []*node) {
	for _, s := range stanzas() {
		for _, item := range items(get(n.doc, s.field)) {
			if item = follow(item); item == nil || item.Kind != yaml.ScalarNode {
				continue
			}
			if s.plugin && g.inline(n, item, true) {
				continue
			}
			g.include(n, s, item, stack)
		}
	}
}

func (g *graph) include(n *node, s stanza, item *yaml.Node, stack []*node) {
	ref, pos := item.Value, at(n.file, item, item)
	if isRemote(ref) {
		g.refuse(n, s.field, ref, pos)
		return
	}
	real, info, ok := g.lookup(n, s.field, ref, pos)
	if !ok {
		return
	}
	if !info.IsDir() {
		if s.folders {
			g.problem(pos, "", ref+" is a file: components names folders")
			return
		}
		if !below(real, n.dir) {
			g.problem(pos, "", fmt.Sprintf("%s is outside of %s: kustomize reads files only in or below the kustomization's folder; include its folder instead", real, n.dir))
			return
		}
		if g.manifest(n, s, real); s.field == "generators" {
			g.chartPlugins(n, ref, real)
		}
		return
	}
	for _, above := range stack {
		if below(above.dir, real) {
			g.problem(pos, "", cycleText(stack, real))
			return
		}
	}
	to := g.enter(real, pos, stack)
	switch {
	case to.k == nil:
		// What is wrong with it has been reported there.
	case s.component && !to.component():
		g.problem(pos, "", fmt.Sprintf("%s is not a Component: name it under resources, or set its kind to Component", ref))
	case !s.component && to.component():
		g.problem(pos, "", fmt.Sprintf("%s is a Component: name it under components", ref))
	case s.plugin && !plainPlugins(to):
		g.problem(pos, "", fmt.Sprintf("%s transforms the %s that it lists; that is not supported: list the files themselves", ref, s.field))
		g.unsafe = true
	}
	if s.plugin && to.k != nil {
		g.pluginTree(n, to)
	}
	n.kids = append(n.kids, edge{to: to, pos: pos, component: s.component, plugin: s.plugin})
}

// pluginTree checks the plugin configurations that folder to lists for n.
func (g *graph) pluginTree(n, to *node) {
	for _, ref := range to.k.Resources {
		p, _ := join(to.dir, ref)
		if real, err := resolve(g.files, p); err == nil && !g.isDir(real) {
			g.manifest(n, stanza{plugin: true}, real)
		}
	}
	for _, e := range to.kids {
		if e.to.k != nil {
			g.pluginTree(n, e.to)
		}
	}
}

func (g *graph) isDir(p string) bool {
	info, err := fs.Stat(g.files, p)
	return err == nil && info.IsDir()
}

func cycleText(stack []*node, to string) string {
	var dirs []string
	for _, n := range stack {
		dirs = append(dirs, n.dir)
	}
	return "kustomizations include each other in a circle: " + strings.Join(append(dirs, to), " → ")
}

// plainPlugins reports whether n only lists plugin configurations. If it also
// transformed them, what they read would not be known before the build.
func plainPlugins(n *node) bool {
	plain := types.Kustomization{TypeMeta: n.k.TypeMeta, MetaData: n.k.MetaData, Resources: n.k.Resources}
	a, _ := json.Marshal(plain)
	b, _ := json.Marshal(n.k)
	if !bytes.Equal(a, b) {
		return false
	}
	return !slices.ContainsFunc(n.kids, func(e edge) bool { return e.to.k == nil || !plainPlugins(e.to) })
}

// refuse takes a remote reference out of the build.
func (g *graph) refuse(n *node, field, ref string, pos ops.Position) {
	if n.drop[field] == nil {
		n.drop[field] = map[string]bool{}
	}
	n.drop[field][ref] = true
	n.lost = true
	g.problems = append(g.problems, assess.Problem{Position: pos, Missing: address(ref), Partial: true,
		Reason: "this is not in the tree, and remote references are not fetched: vendor it to have it evaluated; the rest was rendered without it"})
}

// userInfo is what stands before the host of a URL.
var userInfo = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@`)

// address is ref without a password.
func address(ref string) string { return userInfo.ReplaceAllString(ref, "$1") }

// lookup finds a local reference and reports why it cannot be used.
func (g *graph) lookup(n *node, field, ref string, pos ops.Position) (real string, info fs.FileInfo, ok bool) {
	p, inside := join(n.dir, ref)
	switch {
	case strings.TrimSpace(ref) == "":
		g.problem(pos, "", "an entry of "+field+" is empty")
		return "", nil, false
	case path.IsAbs(ref):
		g.problem(pos, "", ref+" is an absolute path: name it relative to the kustomization")
		return "", nil, false
	case !inside:
		g.problem(pos, "", ref+" leaves the repository: only files of the repository are read")
		return "", nil, false
	}
	real, err := resolve(g.files, p)
	if err == nil {
		info, err = fs.Stat(g.files, real)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		g.problem(pos, p, fmt.Sprintf("%s, named under %s, does not exist: add it or correct the path", p, field))
		return "", nil, false
	case errors.Is(err, errOutside):
		g.problem(pos, "", ref+" is, or is below, a symbolic link that leaves the repository")
		return "", nil, false
	case err != nil:
		g.problem(pos, "", "cannot open "+reason(err))
		return "", nil, false
	}
	return real, info, true
}

// manifest checks a YAML file that the library will parse.
func (g *graph) manifest(n *node, s stanza, p string) {
	data, err := g.load(p)
	if err != nil {
		g.problem(ops.Position{File: p}, "", "cannot read "+reason(err))
		g.unsafe = g.unsafe || errors.Is(err, errTooLarge)
		return
	}
	if bytes.IndexByte(data, 0) >= 0 {
		g.problem(ops.Position{File: p, Line: 1}, "", p+" is binary, not YAML")
		g.unsafe = true
		return
	}
	if s.plugin {
		if _, err := g.docs(p); err != nil {
			g.bad(p, p, err)
		} else {
			g.plugins(n, p, data, g.fileDocs(p))
		}
		return
	}
	if harmless(data) {
		return
	}
	if _, err := g.docs(p); err != nil {
		g.bad(p, p, err)
	}
}
