// Package script holds the command line's scripts: its tests run each archive
// in testdata against the real program.
package script
