// Package scorecard says of each practice of the seeds whether a repository
// follows it: implemented, partly, missing, unknown, not applicable or not
// evaluated, with the places that show it.
//
// Evidence comes from three sides: what the checks said (Outcome), what the
// objects of the graphs are, and what a look at all files found (Scan). A
// practice is never called more than what was seen: where a part of it can
// only be seen in the Git host, the ledger or a cluster, the reason says so.
package scorecard
