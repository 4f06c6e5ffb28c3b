// Package fix mends findings at the lines where they were written.
//
// A check says what would remove its finding (check.Set), the tracers where
// that was written; this package makes an Op of it, applies all Ops to a copy of
// the tree in memory, and has the copy assessed again. What stays is the largest
// set that it could prove in a bounded number of assessments: every finding that
// was aimed at is gone, no other came up, and everything that could be read and
// rendered still can be. What fails is dropped, with the reason.
//
// It is pure: texts in, texts out. It never invents a value that only a person
// can choose, never edits what a generator or transformer made, and nothing that
// is not a file of the assessed tree.
package fix
