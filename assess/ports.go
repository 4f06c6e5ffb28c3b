package assess

import (
	"context"
	"errors"
	"io/fs"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Tool names what turned files into objects.
type Tool string

// The tools. Plain means that objects were read as they stand.
const (
	Plain     Tool = "manifest"
	Kustomize Tool = "kustomize"
	Helm      Tool = "helm"
)

// A Renderer turns one root (a folder with a kustomization or a chart) into
// objects. Implementations MUST read through files only (slash-separated paths
// relative to its root), MUST NOT follow a path outside of it, use the network
// or run a program, and MUST be safe for concurrent use. A root that cannot
// be rendered is not an error but a Render with Problems.
type Renderer interface {
	// Render renders root once for every variant of it (a chart's defaults and
	// each of its values files; a kustomization has one variant).
	Render(ctx context.Context, files fs.FS, root string) []*Render
}

// Render is one rendering of one root.
type Render struct {
	Tool Tool
	// Root is the folder of the kustomization or chart, "." for the top.
	Root string
	// Variant is the values file that was used on top of a chart's defaults,
	// "" for the defaults and for kustomizations.
	Variant string
	// Chunks are the rendered documents in output order. Joined they are what
	// the tool's own command line prints.
	Chunks []Chunk
	// Read lists the files that were read, sorted.
	Read []string
	// Problems are what kept the root or a part of it from being rendered.
	Problems []Problem
}

// Chunk is rendered text of one or more YAML documents.
type Chunk struct {
	Text []byte
	// Tracer leads from the text back to the files; nil if it cannot.
	Tracer Tracer
	// File is the file that the text stands in as it is, for text that was not
	// rendered; "" for text that was.
	File string
	// Extra marks text that the tool's command line leaves out unless asked:
	// the custom resource definitions in a chart's crds folder. It is part of
	// what gets installed, so it is evaluated like the rest.
	Extra bool
}

// Problem is why an input could not be (wholly) evaluated.
type Problem struct {
	ops.Position
	// Missing names the input that would be needed: a remote base's address,
	// a chart dependency, a value.
	Missing string
	// Reason is one sentence for a person: what, why, how to fix.
	Reason string
	// Partial means that the rest of the root was rendered all the same.
	Partial bool
}

// Origin is where a rendered value was written.
type Origin struct {
	ops.Position
	// Kind is manifest, base, patch, generator, transformer, template or values.
	Kind string
	// Via lists the kustomizations or values files between the place and the
	// rendered object, outermost first.
	Via []string
}

// A Tracer finds the place that a person must edit to change a rendered value.
type Tracer interface {
	// Trace returns the origin of the value at path in the document whose
	// root is doc (a document of the chunk's text, with the text's line
	// numbers). When path does not exist in doc, the origin is that of the
	// place where it would be added. ok is false if nothing is known.
	Trace(doc tree.Node, path tree.Path) (origin Origin, ok bool)
}

// Entry is one file of a tree.
type Entry struct {
	// Path is slash-separated and relative to the tree's root.
	Path string
	// Skip says why the file (or folder) is not to be read, "" if it is.
	Skip string
	// Unreadable says why the file cannot be read, "" if it can.
	Unreadable string
}

// A Source is a tree of files: a folder, one file, standard input, or a commit.
type Source interface {
	// ReadFile MUST NOT wait for a pipe or a device: what is no regular file
	// is an error.
	fs.ReadFileFS
	// Entries lists every file once, sorted by path. Folders that are left
	// out whole are one entry. It MUST NOT follow links out of the tree.
	Entries(ctx context.Context) ([]Entry, error)
}

// ErrTooLarge is what a Source answers for a file larger than MaxFile.
var ErrTooLarge = errors.New("the file is larger than the limit of 256 MiB; split it")

// A Parser reads text into positioned trees, part by part.
type Parser interface {
	// Split cuts a text into parts that can be parsed independently.
	Split(text []byte) []Part
	// Parse reads a part's documents; empty ones are left out.
	Parse(Part) []tree.Document
}

// Part is a part of a file's text.
type Part struct {
	Text []byte
	// Line is the line of the file at which the part begins, from 1.
	Line int
}
