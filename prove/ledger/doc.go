// Package ledger keeps the record of everything that was decided and done, so
// that nobody can change it unseen: not a program, not an administrator of the
// database, not we.
//
// Entries are canonical JSON. They are the leaves of a Merkle tree (RFC 6962
// hashing, as in golang.org/x/mod/sumdb/tlog), whose head is signed from time
// to time: a checkpoint. A checkpoint carries the log's signature, the log's
// timestamped cosignature, which says when it was made, and the cosignatures
// of witnesses. The formats are those of C2SP: tlog-checkpoint,
// tlog-cosignature, tlog-tiles, tlog-proof.
//
// What holds at any time, whatever crashes:
//
//   - Append returns when its records are durable. The entries, the tree above
//     them and the data kept aside are written in one transaction of the Store.
//   - Appending the same source and key again changes nothing and gives the
//     first receipt; so a lost answer is asked for again.
//   - A source's records are counted. A gap in the count is seen when the log
//     is verified.
//   - The time of an entry is not before that of the checkpoint before it, nor
//     after that of the checkpoint behind it, by more than Tolerance.
//   - Data about people is not in the log, only salted commitments to it. The
//     data is encrypted beside the log under a key for each person. Erasing the
//     key leaves every proof as it is.
//
// It refuses what it could not give back exactly: text that is no UTF-8, more
// than MaxEntry bytes, a time that was long ago. It does not decide what is
// recorded, and cannot miss what nobody tells it: a source's count and the
// comparison with the Kubernetes audit log are for that.
//
// This package reaches the world through Store, Source and Folder only.
package ledger
