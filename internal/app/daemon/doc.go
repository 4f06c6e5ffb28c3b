// Package daemon wires aeod, the operator: the custom resources, the engine of
// DELIVER, the ledger, and the pages for probes, metrics and webhooks.
package daemon
