// Package controller turns the custom resources into calls of the planes and
// their answers into statuses. It decides nothing: it keeps the queue, the
// clocks of the sources, and who has to be woken by what.
package controller
