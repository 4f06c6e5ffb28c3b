// Package gitmirror reads desired state from remote Git repositories.
//
// There is one bare mirror on the disk for each repository, shared by all that
// read it. A mirror holds single commits without their history; a commit that
// is there costs no network. Files are read out of the object store: nothing
// is ever checked out, so no filter, hook, attribute or submodule has a place
// to act.
//
// The system's git does the network and the packs; this package decides what
// it may do. Repositories and servers are hostile input: time, disk, memory,
// references and files are bounded, and an address, name or object that could
// mean something else than data is refused.
//
// Invariants:
//   - An error is never an empty tree. A file that exists in the commit but
//     cannot be read answers an error that is not fs.ErrNotExist.
//   - Who reads a commit has proven with own credentials, in this process,
//     that the server lets them list the repository; or has pinned the commit
//     with Keep.
//   - Killing the process, or two processes on one folder, lose nothing: the
//     lock of a mirror is held by whichever git still works on it, and what a
//     killed one leaves behind is swept by the next.
package gitmirror
