// Package casefile keeps a cause.Case in a file, so that it can be judged again:
// after the trouble, elsewhere, and by another version.
//
// A file is compressed JSON: a header with the format's name and version, then the
// case. Kinds are words, values the shortest decimal text that gives the same number,
// NaN and infinite ones included. Reading is bounded in bytes, of each part, too, and by the limits of
// package cause, whatever the file claims.
//
// What it does not keep, because no verdict rests on it: the distributions of
// durations in the costs of calls (their sums are kept), and of series the points
// before the latest cause.MaxPoints.
package casefile
