// Package cause ranks the probable causes of trouble: which component it comes
// from, how much of the belief it deserves, and why, in sentences with the
// evidence named.
//
// A Case is what was seen around the moment at which the trouble was noticed:
// series of components, who depends on whom, what was changed, log templates,
// costs of calls. Rank judges it: when each series began to differ is found in
// the series itself, so that a late alert spoils nothing; a deviation is measured
// against what the series did before, with floors so that a constant one does not
// win by a trifle; what happens inside of a component counts more than what its
// callers see of it; who waits for a component that was in trouble no later is a
// victim; a change just before is a reason to believe, and none by itself.
//
// The invariants:
//
//   - The same case gives the same answer, whatever the order of its parts.
//   - Scores are shares of one belief: with what remains for causes that nothing
//     was measured of, they add up to one.
//   - Where nothing can be said, the answer says so and why. It never ranks
//     components of which nothing is known by their names.
//   - The work is bounded, and what was left out is counted.
//
// What it refuses: reading clocks or networks, learning from past cases, and
// finding out who depends on whom by correlation.
package cause
