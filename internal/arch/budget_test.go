package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The budgets of size.
const (
	maxFunction  = 120 // lines, signature to brace
	longFunction = 80  // at most 1 % of functions may be longer
	maxFile      = 700
	maxFields    = 15
	maxMethods   = 5
)

// source is one parsed file of the module.
type source struct {
	path string
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T, tests bool) []source {
	t.Helper()
	var all []source
	root := "../.."
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(p) != ".go" || !tests && strings.HasSuffix(p, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		all = append(all, source{rel, f, fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSize(t *testing.T) {
	functions, long := 0, []string{}
	for _, s := range sources(t, false) {
		if strings.HasPrefix(filepath.Base(s.path), "zz_generated") {
			continue
		}
		if n := s.fset.File(s.file.Pos()).LineCount(); n > maxFile {
			t.Errorf("%s has %d lines, more than %d: split it by concept", s.path, n, maxFile)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch d := n.(type) {
			case *ast.FuncDecl:
				functions++
				lines := s.fset.Position(d.End()).Line - s.fset.Position(d.Pos()).Line + 1
				if lines > maxFunction {
					t.Errorf("%s: %s has %d lines, more than %d", s.path, d.Name.Name, lines, maxFunction)
				}
				if lines > longFunction {
					long = append(long, s.path+": "+d.Name.Name)
				}
			case *ast.TypeSpec:
				checkType(t, s, d)
			}
			return true
		})
	}
	if len(long)*100 > functions {
		t.Errorf("%d of %d functions are longer than %d lines, more than 1 %%:\n%s", len(long), functions, longFunction, strings.Join(long, "\n"))
	}
}

func checkType(t *testing.T, s source, d *ast.TypeSpec) {
	switch x := d.Type.(type) {
	case *ast.StructType:
		fields := 0
		for _, f := range x.Fields.List {
			fields += max(1, len(f.Names))
		}
		if fields > maxFields && !slices.Contains(recordTypes, s.path+":"+d.Name.Name) {
			t.Errorf("%s: struct %s has %d fields, more than %d", s.path, d.Name.Name, fields, maxFields)
		}
	case *ast.InterfaceType:
		if n := len(x.Methods.List); n > maxMethods {
			t.Errorf("%s: interface %s has %d methods, more than %d", s.path, d.Name.Name, n, maxMethods)
		}
	}
}

// recordTypes are wide because they are records of an outside contract or
// pure data, not because they do much.
var recordTypes = []string{
	"ops/finding.go:Finding",        // the JSON contract's fields
	"ops/record.go:Record",          // the ledger's fields
	"assess/check/check.go:Check",   // a check is data: one field a property
	"assess/engine.go:run",          // the state of one assessment, private to the engine
	"internal/cli/checks.go:listed", // the JSON of checks list
}

func TestDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && p.Name != "main" {
			t.Errorf("package %s has no package comment", p.ImportPath)
		}
	}
	for _, s := range sources(t, false) {
		if s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			checkDoc(t, s, d)
		}
	}
}

func checkDoc(t *testing.T, s source, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%s: %s has no comment", s.path, d.Name.Name)
		}
		if d.Name.Name == "init" && d.Recv == nil {
			t.Errorf("%s: there is an init function; make the effect explicit", s.path)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && ts.Doc == nil && d.Doc == nil {
				t.Errorf("%s: type %s has no comment", s.path, ts.Name.Name)
			}
		}
	}
}

// exportedReceiver reports whether a function is none of a type that only its
// own package can name.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func TestMainsAreShort(t *testing.T) {
	mains, err := filepath.Glob("../../cmd/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("no mains found: %v", err)
	}
	for _, m := range mains {
		text, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 40 {
			t.Errorf("%s has %d lines, more than 40: move work to internal/app", m, n)
		}
	}
}

func TestNames(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "shared", "types", "misc"}, p.Name) {
			t.Errorf("package %s: a name that says nothing", p.ImportPath)
		}
	}
}

// TestBubbles has every bubble of synctest be one that the race detector bears.
func TestBubbles(t *testing.T) {
	for _, p := range packages(t) {
		tests, err := filepath.Glob(filepath.Join(p.Dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range tests {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "synctest."+"Test(") {
				t.Errorf("%s calls synctest.Test: the race detector crashes there; call bubble.Test of internal/bubble", file)
			}
		}
	}
}
