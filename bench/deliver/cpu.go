package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of processor time in /proc on Linux.
const ticksPerSecond = 100

// cpu returns the processor time that the control plane's programs, aeod and
// this program have used, by name.
func (b *bench) cpu(ctx context.Context) (map[string]time.Duration, error) {
	s, err := b.cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	pids := map[string]int{"this bench": os.Getpid()}
	for _, p := range s.Servers {
		pids[p.Name] = p.PID
	}
	if b.aeodd != nil {
		pids["aeod"] = b.aeodd.cmd.Process.Pid
	}
	used := map[string]time.Duration{}
	for name, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it ended, and used nothing since
		}
		// After the name, which ends with the last parenthesis, the 12th and 13th
		// fields are the ticks in user and in system mode.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 13 {
			continue
		}
		for _, f := range fields[11:13] {
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return nil, err
			}
			used[name] += time.Duration(n) * time.Second / ticksPerSecond
		}
	}
	return used, nil
}

// noteCPU records what each program used since before for one of n things.
func (b *bench) noteCPU(ctx context.Context, what string, before map[string]time.Duration, n int) error {
	after, err := b.cpu(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"kube-apiserver", "etcd", "kube-controller-manager", "aeod", "this bench"} {
		if d := after[name] - before[name]; d > 0 {
			b.results.Note(fmt.Sprintf("%s, processor time of %s", what, name), ms(d)/float64(n), "ms")
		}
	}
	return nil
}
