// Package bubble runs tests in bubbles of testing/synctest, in which time stands
// still until everybody waits, and which the race detector of Go 1.26 bears.
//
// A bubble has one record of the race detector for all of its timers, and nothing
// keeps two processors from writing to it at once: one goroutine finds a timer due in
// a select while another runs one. The detector then ends the process with "CHECK
// failed: tsan_rtl.cpp" or a segmentation fault, in three of four runs of the
// controller's tests (https://go.dev/issue/78156). With one processor there is
// nobody else. The detector compares clocks of goroutines, not moments, so it sees
// races with one processor, too.
package bubble

import (
	"runtime"
	"testing"
	"testing/synctest"
)

// Test runs f in a bubble, as synctest.Test does; where the race detector watches, it
// leaves the program one processor meanwhile. Tests that call it must not run in
// parallel with others.
func Test(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if raced {
		// Setenv refuses a parallel test, which would get the number of another back.
		t.Setenv("GOMAXPROCS", "1")
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	synctest.Test(t, f)
}
