// Package control says which requirements of six frameworks a collected fact
// bears on: SOC 2, ISO/IEC 27001:2022, PCI DSS 4.0.1, GDPR, HIPAA and NIST
// SP 800-53 r5.
//
// It is one table: a Fact is something that can be collected from files, a
// cluster, a Git host or the ledger, and its Refs are the ids that it
// supports. A check names the facts that it gives evidence for; its controls
// follow from here.
//
// A fact supports a control, it does not meet it: most controls also ask for
// things that no program can see. So nothing here ever says "compliant".
//
// The package holds ids and labels of our own only. The text of ISO, AICPA,
// PCI SSC and CIS is theirs and is never shipped. No table is derived from a
// mapping whose licence forbids it.
package control
