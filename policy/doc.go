// Package policy evaluates expressions that people write, in CEL (the Common
// Expression Language), over objects: input → verdict.
//
// Invariants:
//
//   - An expression is compiled once and then evaluated by many goroutines. One
//     that cannot be true or false is refused when it is compiled.
//   - What could not be evaluated is Unknown, with the reason; it is never true
//     and never false. A missing field, a wrong type, a spent budget and an input
//     that is too large are Unknown. Whoever wants a missing field to mean false
//     says so with has().
//   - The same input gives the same verdict on every machine and on every day:
//     there is no clock, no randomness, no time zone of the host, no I/O.
//   - Time and memory are bounded by the cost limit, by the size of expression
//     and input, and by limits on what one function may make.
//
// Reasons name fields, never values: the input may be a Secret.
package policy
