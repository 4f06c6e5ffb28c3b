package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

func launch(t *testing.T, script string) *process.Program {
	t.Helper()
	p, err := process.NewLauncher().Launch("script", exec.Command("/bin/sh", "-c", script), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestExitSaysWhy(t *testing.T) {
	p := launch(t, "echo out; echo err >&2; exit 3")
	<-p.Done()
	if err := p.Exit(); p.Running() || err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "out\nerr") {
		t.Errorf("it ended so: %v", err)
	}
	good := launch(t, "true")
	<-good.Done()
	if err := good.Exit(); err == nil || !strings.Contains(err.Error(), "without an error") {
		t.Errorf("it ended so: %v", err)
	}
}

func TestStop(t *testing.T) {
	p := launch(t, "sleep 100")
	if !p.Running() || p.Exit() != nil || p.PID() < 2 {
		t.Error("a running program counts as ended")
	}
	p.Stop(time.Minute)
	if p.Running() {
		t.Error("a stopped program runs")
	}
	p.Stop(time.Minute) // again is no error
	deaf := launch(t, `trap "" TERM; echo deaf; while :; do sleep 1; done`)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(process.Tail(deaf.LogPath, 1), "deaf"); {
		if time.Now().After(deadline) {
			t.Fatal("the script does not start")
		}
		time.Sleep(5 * time.Millisecond)
	}
	deaf.Stop(10 * time.Millisecond)
	if deaf.Running() {
		t.Error("a program that does not want to end runs on")
	}
}

func TestLaunchFails(t *testing.T) {
	l := process.NewLauncher()
	if _, err := l.Launch("x", exec.Command("/nowhere"), filepath.Join(t.TempDir(), "log")); err == nil {
		t.Error("a program that does not exist starts")
	}
	if _, err := l.Launch("x", exec.Command("/bin/true"), filepath.Join(t.TempDir(), "missing", "log")); err == nil {
		t.Error("a program starts without its log")
	}
}

// child is set in the environment of a copy of this test program that starts a
// program and then waits to be killed.
const child = "AEO_PROCESS_TEST_CHILD"

func TestProgramsDieWithTheirStarter(t *testing.T) {
	if os.Getenv(child) != "" {
		p, err := process.NewLauncher().Launch("sleep", exec.Command("/bin/sleep", "100"), filepath.Join(os.Getenv(child), "log"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nchild %d\n", p.PID())
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestProgramsDieWithTheirStarter$")
	cmd.Env = append(os.Environ(), child+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "child "); ok {
			if pid, err = strconv.Atoi(rest); err != nil {
				t.Fatal(err)
			}
		}
	}
	id, err := process.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for deadline := time.Now().Add(time.Minute); id.Alive(); {
		if time.Now().After(deadline) {
			t.Fatal("the program outlives its starter")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestIdentity(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }() // it is killed
	id, err := process.Identify(cmd.Process.Pid)
	if err != nil || !id.Alive() || id.Start == 0 || id.Boot == "" {
		t.Fatalf("identity %+v, error %v", id, err)
	}
	for what, other := range map[string]process.Identity{
		"an earlier process with that number": {PID: id.PID, Start: id.Start - 1, Boot: id.Boot},
		"a process of another boot":           {PID: id.PID, Start: id.Start, Boot: "another"},
		"a process that cannot exist":         {PID: 1 << 30, Start: 1, Boot: id.Boot},
	} {
		if err := other.Kill(time.Second); !errors.Is(err, process.ErrGone) {
			t.Errorf("%s is ended: %v", what, err)
		}
	}
	for _, pid := range []int{1, 0, -1} {
		if err := (process.Identity{PID: pid}).Kill(time.Second); err == nil || errors.Is(err, process.ErrGone) {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	if !id.Alive() {
		t.Fatal("a process was ended for another")
	}
	if err := id.Kill(time.Minute); err != nil || id.Alive() {
		t.Errorf("the kill: %v", err)
	}
	<-gone
	if err := id.Kill(time.Minute); !errors.Is(err, process.ErrGone) {
		t.Errorf("the second kill: %v", err)
	}
	if _, err := process.Identify(cmd.Process.Pid); !errors.Is(err, process.ErrGone) {
		t.Errorf("a dead process is %v", err)
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if text := process.Tail(path, 3); !strings.Contains(text, "no such file") {
		t.Errorf("a missing file is %q", text)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 100<<10)+"\na\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := process.Tail(path, 2); text != "b\nc" {
		t.Errorf("the tail is %q", text)
	}
	if text := process.Tail(path, 100); len(text) > 16<<10 || !strings.HasSuffix(text, "x\na\nb\nc") {
		t.Errorf("the tail has %d bytes", len(text))
	}
}
