// Package gitops holds the fault suite of the operator: seeded scenarios in
// which the real aeod, a real Kubernetes API server and real Git repositories
// are made to fail. It has tests only.
//
// After every scenario an oracle that shares no code with the operator decides:
// the cluster equals Git or a condition says precisely why not; nothing was
// deleted that should live; and the ledger accounts for every mutating call in
// the API server's audit log.
package gitops
