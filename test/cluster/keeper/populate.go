package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// populate waits until pods can be made, and adds the nodes.
func (k *keeper) populate(ctx context.Context) error {
	if err := k.wait(ctx, "the default service account", func(ctx context.Context) error {
		return k.kube.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	}); err != nil {
		return err
	}
	if k.spec.Simulated > 0 {
		if err := k.simulate(ctx); err != nil {
			return err
		}
	}
	if k.node != nil {
		return k.node.join(ctx)
	}
	return nil
}

// simulate registers the simulated nodes and waits until kwok has made them
// ready.
func (k *keeper) simulate(ctx context.Context) error {
	const parallel = 8
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		failed  error
		numbers = make(chan int)
	)
	for range parallel {
		workers.Go(func() {
			for n := range numbers {
				if err := k.kube.create(ctx, "/api/v1/nodes", simulatedNode(n, k.spec.Real)); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for n := range k.spec.Simulated {
		numbers <- n
	}
	close(numbers)
	workers.Wait()
	if failed != nil {
		return fmt.Errorf("make the simulated nodes: %w", failed)
	}
	if err := k.wait(ctx, "the simulated nodes", k.simulatedReady); err != nil {
		return err
	}
	k.tell(Event{Say: fmt.Sprintf("%d simulated nodes are ready", k.spec.Simulated)})
	return nil
}

// simulatedNode is node number n. Beside a real node the simulated ones are
// tainted, so that only pods that ask for it go where nothing runs.
func simulatedNode(n int, tainted bool) map[string]any {
	name := fmt.Sprintf("simulated-%04d", n)
	resources := map[string]string{"cpu": "32", "memory": "256Gi", "pods": "250", "ephemeral-storage": "1Ti"}
	node := map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{
			"name":        name,
			"annotations": map[string]string{simulatedAnnotation: "fake", "node.alpha.kubernetes.io/ttl": "0"},
			"labels": map[string]string{
				"type": "kwok", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
				"topology.kubernetes.io/zone": fmt.Sprintf("zone-%d", n%3),
			},
		},
		"status": map[string]any{"allocatable": resources, "capacity": resources},
	}
	if tainted {
		node["spec"] = map[string]any{"taints": []map[string]string{{"key": simulatedAnnotation, "value": "fake", "effect": "NoSchedule"}}}
	}
	return node
}

func (k *keeper) simulatedReady(ctx context.Context) error {
	ready, err := k.readyNodes(ctx, "labelSelector=type%3Dkwok")
	if err != nil {
		return err
	}
	if ready < k.spec.Simulated {
		return fmt.Errorf("%d of %d simulated nodes are ready", ready, k.spec.Simulated)
	}
	return nil
}

// readyNodes counts the nodes that are ready and free of the taint that new
// nodes bear until they are.
func (k *keeper) readyNodes(ctx context.Context, query string) (int, error) {
	var nodes struct {
		Items []struct {
			Spec struct {
				Taints []struct{ Key string }
			}
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if err := k.kube.get(ctx, "/api/v1/nodes?"+query, &nodes); err != nil {
		return 0, err
	}
	ready := 0
	for _, n := range nodes.Items {
		blocked := false
		for _, t := range n.Spec.Taints {
			blocked = blocked || t.Key == "node.kubernetes.io/not-ready"
		}
		for _, c := range n.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" && !blocked {
				ready++
			}
		}
	}
	return ready, nil
}
