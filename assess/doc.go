// Package assess answers: is this repository, change or cluster built to best
// practice?
//
// It takes files and rendered objects as values, builds one graph over them,
// evaluates the catalogue of checks on it and returns findings at the line a
// person must edit, a scorecard of practices and an account of every input.
//
// Invariants:
//   - Every input is accounted for: evaluated, skipped with a reason, or
//     unknown with the missing input named.
//   - Unknown is never a pass and never a fail.
//   - A finding is reported once, however many overlays bring it out.
//   - The same input gives the same bytes of output.
//
// It refuses to read files, the network or the clock: those come through the
// ports in ports.go and through Options.
package assess
