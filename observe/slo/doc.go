// Package slo decides on service level objectives: how much of the error
// budget is left, how fast it burns, and whether a person must be told.
//
// A Monitor follows one Objective. It is fed with samples of counters, keeps
// good and bad counts of the whole period in bounded memory, and answers at any
// moment with a Status. Everything is a function of what was observed and of
// the clock that the caller hands in: the same story gives the same alerts.
//
// The invariants:
//
//   - Counts are kept and divided once. Ratios are never averaged, and NaN is
//     never stored.
//   - The increase is taken of each series first and summed then. A value that
//     drops, or a newer created timestamp, is a reset.
//   - No information is not good news: no traffic spends nothing and covers
//     nothing, and an objective that cannot be measured freezes its alerts. They
//     neither fire nor resolve, and after a while it is said to be blind.
//   - An objective has at most one incident, whose tier rises and falls.
//
// What it refuses: reading clocks, files or networks, and guessing what
// happened while nobody looked. Counts that a gap hides are spread over the gap
// only when the counter proves them.
package slo
