//go:build !linux

package daemon

// dropProgram does nothing where it isn't known how.
func dropProgram() {}
