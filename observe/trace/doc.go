// Package trace makes use of spans: it keeps a bounded window of traces, puts
// each together, and tells what every call between two services cost and whose
// failure it was.
//
// A Window takes spans in any order. Once a trace has been quiet for a while it
// is settled: Assemble builds its tree, and what its calls cost goes into Stats,
// by edge (caller, callee, operation) and bucket of time. So two stretches of
// time can be compared long after their traces are gone. Graph puts the edges
// into the one graph.
//
// The invariants:
//
//   - Memory is bounded by bytes and not by what is sent. Each service has its
//     share: a flood of one evicts its own traces first. Slow and failed traces
//     stay longer than others.
//   - Whatever is dropped is counted, by reason and bucket of time. A window that
//     hears nothing is blind, which is not the same as healthy or quiet.
//   - A failure belongs to the deepest span that failed, not to those that only
//     passed it on. Time belongs to the service in which no call was under way.
//   - Assemble has an answer for every set of spans: orphans, cycles, duplicate
//     ids, clocks that differ. What it had to mend, it says.
//
// What it refuses: reading clocks or networks, and guessing a trace's missing
// spans.
package trace
