package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

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
		pids["aeod"] = b.aeodd.PID()
	}
	used := map[string]time.Duration{}
	for name, pid := range pids {
		used[name] = process.Processor(pid)
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
