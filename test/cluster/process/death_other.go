//go:build !linux

package process

import "syscall"

// dieWithParent can do nothing here: this system has no such signal. The
// keeper of a cluster ends its programs itself unless it is killed.
func dieWithParent(*syscall.SysProcAttr) {}
