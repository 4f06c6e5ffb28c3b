// Package deliver is the plane that makes production exactly what Git says.
//
// Engine looks at one Application at a time, level-triggered: it gathers what
// is wanted (a verified render of a known commit), what there is (the watches'
// view of managed objects) and what was recorded (the status), decides the next
// step and takes it. A crash between any two steps loses nothing and repeats
// nothing that matters.
//
// Invariants:
//
//   - No mutating call without an intent in the ledger before it.
//   - An error is never "empty": objects are deleted only when a complete render
//     of a known commit no longer contains them, in two phases, under a limit,
//     and only while they still are the objects that were applied (UID).
//   - A refused or failed revision is quarantined: it is not tried again until
//     Git changes or a person asks for it.
//   - Waiting is never a lock: a newer commit pre-empts it.
//   - An unchanged application costs no call to the API server: drift is seen by
//     comparing digests of the fields that we own (see OwnedDigest).
package deliver
