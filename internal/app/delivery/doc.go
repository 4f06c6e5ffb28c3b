// Package delivery wires the sources, renderers and the gate of DELIVER, for
// the daemon and for the commands that show what it would do.
package delivery
