// Package report writes an assessment's report in the formats that people and
// machines read: a table for terminals, JSON (the contract), SARIF, JUnit,
// Markdown, GitHub workflow commands and a self-contained HTML page.
//
// Every writer is a pure function of the report and its options: the same
// report gives the same bytes. No writer changes the report.
//
// All text of a report comes from files that anyone may have written. So each
// writer first makes control characters visible (see plain) and then escapes
// for its own format; nothing of a report reaches an output in another way.
// An answer that is unknown is never shown as passed, and a writer that leaves
// something out says so and how much.
package report
