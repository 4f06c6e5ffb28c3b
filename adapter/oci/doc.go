// Package oci reads desired state from artifacts in OCI registries: those that
// Flux pushes, those that ORAS pushes, and plain tar archives.
//
// An artifact is known by its digest: tags and ranges are only ways to find
// one. What a registry sends is checked against the digest, unpacked once into a
// single file in the cache, and read out of that: no path of an archive
// ever becomes a path on the disk. Archives are hostile input; their names,
// links, sizes and numbers are bounded.
//
// Who reads an artifact has proven with own credentials, in this process, that
// the registry lets them have it; or has kept it.
package oci
