// Package postgres keeps a ledger in PostgreSQL: it fills ledger.Store.
//
// Several programs may write to one ledger: each transaction begins by locking
// the ledger's row, and so they follow one another. A transaction is durable
// when it returns, whatever the server's own setting of synchronous_commit. A
// connection that is lost at the commit is reported as such: the ledger then
// finds out by the records' keys whether they were written.
//
// The tables are made in the first schema of the connection's search_path.
package postgres
