// Package ledgertest tests stores of ledgers: one suite that every Store must
// pass, and made-up histories to fill ledgers with.
package ledgertest
