// Package sqlite keeps a ledger in a file: it fills ledger.Store with SQLite.
//
// A transaction is durable when it returns: the write-ahead log is flushed to
// the disk at each commit. Transactions begin as writers, so several processes
// on one file wait for each other. The file must lie on a local disk, not on
// a network share: SQLite's locks do not hold there.
package sqlite
