// Package audit wires ledgers: it finds the store of a location, the signing
// key that belongs to it, and the folders of exports.
//
// A location is the path of a file, a postgres:// address or, for reading, the
// folder of an export.
package audit
