// Package ops is the vocabulary that every plane speaks: references to
// objects, positions in files, findings, severities and verdicts.
//
// It holds values and their formatting only. It imports the standard library
// alone, does no I/O and knows no plane.
package ops
