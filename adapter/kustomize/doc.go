// Package kustomize renders kustomizations in process, equal to
// `kustomize build`, and leads every rendered value back to the line that a
// person must edit.
//
// It fills assess.Renderer. Before the library renders anything, the package
// walks the whole kustomization graph itself: that is how it knows every file
// that is read, and how it can say at which line a remote base, a cycle, a
// missing file or a path outside of the repository is named.
//
// Invariants:
//   - Only the given fs.FS is read. The library sees it through a read-only
//     view; whatever would make it use the network, git or a plugin is taken
//     out of that view first, and becomes a Problem.
//   - Without problems the output is that of `kustomize build`, byte for byte.
//     With a Partial problem it is the output of the same tree without the
//     part that the problem names.
//   - A library's panic, an alias bomb or a build that does not end is a
//     Problem of that root only.
//
// It refuses plugins (functions, exec and Go plugins), remote references of
// every kind and charts that are not in the tree.
package kustomize
