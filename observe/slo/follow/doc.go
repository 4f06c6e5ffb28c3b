// Package follow decides what has to be asked to follow an objective, feeds what
// comes back to its slo.Monitor, and says which alerts there are to send.
//
// The invariants:
//
//   - What was not answered is lost, and never an empty answer.
//   - What is known twice counts once: a sample by its series and time, an alert
//     by its labels.
//   - An alert that fired is resolved once, and only by an evaluation that was
//     not frozen, or because its objective is gone.
//
// What it refuses: asking, sending and reading clocks. Times are handed in.
package follow
