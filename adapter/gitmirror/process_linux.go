package gitmirror

import (
	"os/exec"
	"runtime"
	"syscall"
)

// isolate gives a program a process group of its own, which is killed as a
// whole, and ties its life to that of the thread that starts it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// supervised runs a program on a thread that stays until it has ended: the
// kernel kills it when that thread, and so when this process, ends.
func supervised(cmd *exec.Cmd, started func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return runToEnd(cmd, started)
}
