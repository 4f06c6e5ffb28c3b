// Package privilege finds the ways on which an identity of a cluster can become
// its administrator, hop by hop, from roles and bindings as they are written.
//
// An identity reaches another when a role lets it run pods beside it, take its
// token, act in its name or give itself its rights. A path ends where the
// whole cluster is reached: at the rights of cluster-admin, or at every node.
// The search is breadth-first, so the path it returns is a shortest one.
//
// What is known only from outside of the repository is not assumed: a hop that
// needs a namespace without enforced pod standard is certain only if the
// Namespace is in the graph; otherwise the path says what it assumes.
//
// Rights that two identities on the way hold only together are not combined,
// so a path may be missed, but every path found can be walked step by step.
package privilege
