//go:build !linux

package gitmirror

import (
	"os/exec"
	"syscall"
)

// isolate gives a program a process group of its own, which is killed as a whole.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func supervised(cmd *exec.Cmd, started func()) error { return runToEnd(cmd, started) }
