// Package helm renders charts in process, as `helm template` does, and leads
// every rendered value back to the template line or the values key that a
// person must edit.
//
// Loading, dependency handling, value coalescing and manifest sorting are
// Helm's own packages. Executing the templates is ours, on the standard
// library's text/template, for three reasons that Helm's engine cannot serve:
//
//   - Bounds. A chart is somebody else's program. Every loop, every nested
//     template and every write passes a meter, so that an endless loop, an
//     endless recursion or a 10 GB output ends as a Problem.
//   - Origins. The parse trees carry extra, silent calls that tell a recorder
//     which node is about to write. The text is not touched, so that recording
//     cannot change what helpers compute from text (lengths, hashes, YAML).
//   - Speed. Templates are parsed once and executed for every values file.
//
// A test renders every sample chart with Helm's engine as well and compares
// the bytes.
//
// Invariants: nothing is read but through the given fs.FS; no network, no
// program, no disk; the same input gives the same bytes, so that the chart
// functions which are random by nature (passwords, certificates, UUIDs) give
// stable stand-ins of the same shape; no panic leaves the package.
package helm
