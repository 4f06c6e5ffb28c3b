// Package check is what one check is made of: data that describes it, one
// function that evaluates it, its page and its samples.
//
// A check lives in a folder of its area in three files of the same name:
// privileged-container.md is its page (why, how to fix), privileged-container.txtar
// its positive and negative samples, privileged_container.go its data and function.
// Checks are pure: they look at objects and the graph and report on a Pass.
package check
