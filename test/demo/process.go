package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is one that was started and has to be ended.
type process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Start tells it from another process that has its number later.
	Start string `json:"start"`
}

// command runs a program and returns what it prints. The error holds the end of
// what it said.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		text := strings.TrimSpace(out.String())
		if len(text) > 2000 {
			text = "…" + text[len(text)-2000:]
		}
		return out.Bytes(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, text)
	}
	return out.Bytes(), nil
}

// found runs a program that looks for something, and returns what it prints. That it
// ends with 1 because it found something, or with 3 because nothing can be said, is no
// failure.
func found(ctx context.Context, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	text, err := c.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if code := exit.ExitCode(); code == 1 || code == 3 {
			return text, nil
		}
		return text, fmt.Errorf("%s %s: %w: %s", filepath.Base(name), args[0], err, firstLine(exit.Stderr))
	}
	return text, err
}

// background starts a program that stays, and notes it. Its output goes to
// NAME.log.
func background(dir, name, program string, args ...string) error {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	list, err := started(dir)
	if err != nil {
		return err
	}
	list = append(list, process{name, c.Process.Pid, startOf(c.Process.Pid)})
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "processes.json"), text, 0o644); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		text, _ := os.ReadFile(log.Name()) // the error says enough without
		return fmt.Errorf("%s ended at once: %v\n%s", name, err, text)
	case <-time.After(700 * time.Millisecond):
		return nil
	}
}

func started(dir string) (list []process, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "processes.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(text, &list)
}

// startOf is when a process started, in the kernel's words, "" if there is none.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything; fields count from behind it.
	_, rest, _ := strings.Cut(string(text), ") ")
	if f := strings.Fields(rest); len(f) > 19 {
		return f[19]
	}
	return ""
}

// down ends what a demonstration started, and removes what it made.
func down(ctx context.Context) error {
	dir, err := filepath.Abs("dist/demo")
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	list, err := started(dir)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := end(p); err != nil {
			return err
		}
	}
	if err := stopCluster(ctx, dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// end ends one process: gently, then not.
func end(p process) error {
	alive := func() bool { return p.Start != "" && startOf(p.PID) == p.Start }
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if !alive() {
			return nil
		}
		if err := syscall.Kill(p.PID, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", p.Name, err)
		}
		for until := time.Now().Add(20 * time.Second); alive() && time.Now().Before(until); {
			time.Sleep(50 * time.Millisecond)
		}
	}
	if alive() {
		return fmt.Errorf("%s (process %d) does not end", p.Name, p.PID)
	}
	return nil
}

// flipByte flips one bit in the middle of the largest file of entries below a
// folder.
func flipByte(dir string) (string, error) {
	var largest string
	var size int64
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size && strings.Contains(p, "entries") {
			largest, size = p, info.Size()
		}
		return err
	})
	if err != nil || largest == "" {
		return "", fmt.Errorf("find the entries below %s: %w", dir, err)
	}
	text, err := os.ReadFile(largest)
	if err != nil {
		return "", err
	}
	text[len(text)/2] ^= 1
	return largest, os.WriteFile(largest, text, 0o644)
}
