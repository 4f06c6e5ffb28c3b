package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/bench/workers"
	"github.com/autoecoops/autoecoops/test/cluster"
)

// ceiling is what a bare client reaches with the same objects by server-side
// apply, as the same impersonated account, at the best of several concurrencies.
func (b *bench) ceiling(ctx context.Context) (err error) {
	config := b.cluster.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + bare + ":deployer"}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	thaw, err := b.freezeControllers(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, thaw()) }()
	// A few show at how many at a time; then it applies as much as the first
	// sync will have to.
	few := max(25, b.apps/10)
	best, most, made := 0.0, 0, 0
	for _, workers := range []int{8, 16, 32} {
		rate, err := b.applyBare(ctx, client, made, few, workers)
		if err != nil {
			return err
		}
		made += few
		if rate > best {
			best, most = rate, workers
		}
	}
	used, err := b.cpu(ctx)
	if err != nil {
		return err
	}
	if b.rate, err = b.applyBare(ctx, client, made, b.apps, most); err != nil {
		return err
	}
	b.results.Note(fmt.Sprintf("a bare client's applies, %d at a time", most), b.rate, "/s")
	return b.noteCPU(ctx, "a bare client's apply", used, 4*b.apps)
}

// applyBare applies the objects of n services from a number on with a number of
// clients at the same time, and returns how many objects a second that were.
func (b *bench) applyBare(ctx context.Context, client dynamic.Interface, from, n, clients int) (float64, error) {
	if err := b.settle(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	err := workers.Each(n, clients, func(i int) error {
		for _, o := range four(from + i) {
			g := configMaps.GroupVersion()
			resource := strings.ToLower(o["kind"].(string)) + "s"
			if o["apiVersion"] == "apps/v1" {
				g.Group = "apps"
			}
			_, err := client.Resource(g.WithResource(resource)).Namespace(bare).Patch(ctx, o["metadata"].(map[string]any)["name"].(string), types.ApplyPatchType, asJSON(o), metav1.PatchOptions{FieldManager: "autoecoops", Force: new(true)})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return float64(4*n) / time.Since(began).Seconds(), err
}

// freezeControllers holds Kubernetes' own controllers still until thaw: they make
// twice as many writes as a bare client, long after it, and would count against
// whatever takes longer.
func (b *bench) freezeControllers(ctx context.Context) (thaw func() error, err error) {
	const program = "kube-controller-manager"
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	if err := b.cluster.Freeze(ctx, program); err != nil {
		return nil, err
	}
	return sync.OnceValue(func() error { return b.cluster.Thaw(context.WithoutCancel(ctx), program) }), nil
}

// settle waits until nobody has changed anything for three seconds: Kubernetes'
// own controllers go on with Deployments, slowly and for long, after they were
// made. Without it what one part of the bench left behind would be measured with
// the next.
func (b *bench) settle(ctx context.Context) error {
	log := b.cluster.AuditLog()
	if err := log.SkipToEnd(); err != nil {
		return err
	}
	for quiet := time.Now(); time.Since(quiet) < 3*time.Second; {
		events, err := log.Next(func(e cluster.AuditEvent) bool { return e.Changed() && e.Object.Resource != "leases" })
		if err != nil {
			return err
		}
		if len(events) > 0 {
			quiet = time.Now()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond): // a file tells nobody that it grew
		}
	}
	return nil
}

// firstSync is the time from the start of aeod to every Application applied.
func (b *bench) firstSync(ctx context.Context) error {
	err := workers.Each(b.apps, 16, func(i int) error {
		_, err := b.client.Resource(applications).Namespace(space).Create(ctx, b.application(i, "2h"), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	thaw, err := b.freezeControllers(ctx)
	if err != nil {
		return err
	}
	defer thaw()
	used, err := b.cpu(ctx)
	if err != nil {
		return err
	}
	log := b.cluster.AuditLog()
	if err := log.SkipToEnd(); err != nil {
		return err
	}
	if err := b.start(false); err != nil {
		return err
	}
	began := time.Now()
	applied, err := b.applied(ctx, 15*time.Minute)
	if err != nil {
		return fmt.Errorf("the first sync: %w", err)
	}
	took := applied.Sub(began)
	if err := b.noteCPU(ctx, "first sync, an object", used, 4*b.apps); err != nil {
		return err
	}
	if err := thaw(); err != nil {
		return err
	}
	if _, err := reach(ctx, b.apps, 15*time.Minute, func() int { return b.verified(began) }); err != nil {
		return fmt.Errorf("the first sync: %w", err)
	}
	b.results.Note("first sync, until Kubernetes' own controllers followed and all are verified", time.Since(began).Seconds(), "s")
	rate := float64(4*b.apps) / took.Seconds()
	calls, err := log.Next(func(e cluster.AuditEvent) bool { return e.Changed() && e.Object.Resource != "leases" })
	if err != nil {
		return err
	}
	of := len(calls)
	calls = slices.DeleteFunc(calls, func(e cluster.AuditEvent) bool { return e.UserAgent != "aeod" })
	b.results.Note("first sync, writes by Kubernetes' own controllers meanwhile, an application", float64(of-len(calls))/float64(b.apps), "")
	by := map[string]int{}
	for _, e := range calls {
		by[strings.TrimSpace(e.Verb+" "+e.Object.Resource+" "+e.Object.Subresource)]++
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		b.results.Note("first sync, "+name+" an application", float64(by[name])/float64(b.apps), "")
	}
	b.metrics("aeo_deliver_api_calls_total{", func(labels string, n float64) {
		b.results.Note("first sync, calls by aeod with "+strings.TrimSuffix(labels, "}")+", an application", n/float64(b.apps), "")
	})
	b.results.Note("first sync, all writes, of which 4 are applies", float64(len(calls))/time.Since(began).Seconds(), "/s")
	b.results.Note(fmt.Sprintf("first sync of %d applications of 4 objects", b.apps), took.Seconds(), "s")
	b.results.Note("first sync", rate, "/s")
	b.results.AtLeast("first sync ÷ a bare client's applies", rate/b.rate, "×", 0.7)
	return nil
}

// applied waits until the last object of every Application exists: Deployments
// come last.
func (b *bench) applied(ctx context.Context, limit time.Duration) (time.Time, error) {
	config := metadata.ConfigFor(b.cluster.Config())
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return time.Time{}, err
	}
	w, err := client.Resource(deployments).Namespace(space).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return time.Time{}, err
	}
	defer w.Stop()
	late := time.NewTimer(limit)
	defer late.Stop()
	seen := map[string]bool{}
	for {
		select {
		case e, open := <-w.ResultChan():
			if !open {
				return time.Time{}, errors.New("the watch ended")
			}
			if o, ok := e.Object.(metav1.Object); ok {
				seen[o.GetName()] = true
			}
			if len(seen) == b.apps {
				return time.Now(), nil
			}
		case <-late.C:
			return time.Time{}, fmt.Errorf("%d of %d after %s", len(seen), b.apps, limit)
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// grow brings every Application to ten objects and measures the memory.
func (b *bench) grow(ctx context.Context) error {
	for i := range b.apps {
		if err := b.write(i, ten(i)); err != nil {
			return err
		}
	}
	if err := b.commit(ctx); err != nil {
		return err
	}
	asked := time.Now()
	patch := asJSON(map[string]any{"metadata": map[string]any{"annotations": map[string]any{"autoecoops.io/sync-requested-at": "grow"}}})
	if _, err := b.client.Resource(applications).Namespace(space).Patch(ctx, "app-0000", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	if _, err := reach(ctx, 10*b.apps, 15*time.Minute, func() int { return b.managed(ctx) }); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	b.results.Note(fmt.Sprintf("a commit that adds 6 objects to each of %d applications", b.apps), time.Since(asked).Seconds(), "s")
	return nil
}

// managed counts the objects in the inventories.
func (b *bench) managed(ctx context.Context) int {
	list, err := b.client.Resource(applications).Namespace(space).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return 0
	}
	n := 0
	for _, o := range list.Items {
		status, _ := o.Object["status"].(map[string]any)
		entries, _ := status["inventory"].([]any)
		if status["active"] == nil {
			n += len(entries)
		}
	}
	return n
}

// restart is the time from a start to every Application verified, and the
// writes that it takes.
func (b *bench) restart(ctx context.Context) error {
	b.aeodd.Kill()
	began := time.Now()
	if err := b.start(true); err != nil {
		return err
	}
	took, err := reach(ctx, b.apps, 5*time.Minute, func() int { return b.verified(began) })
	if err != nil {
		return fmt.Errorf("the restart: %w", err)
	}
	b.results.AtMost(fmt.Sprintf("restart with %d applications of 10 objects to steady", b.apps), took.Seconds(), "s", 10)
	b.results.AtMost("writes of a restart", float64(writes(b.proxy)), "", 0)
	return nil
}

// drift changes objects by hand and takes the time until a watch shows them as
// Git has them.
func (b *bench) drift(ctx context.Context) error {
	w, err := b.client.Resource(configMaps).Namespace(space).Watch(ctx, metav1.ListOptions{LabelSelector: "autoecoops.io/application"})
	if err != nil {
		return err
	}
	defer w.Stop()
	var mu sync.Mutex
	waiting := map[string]chan time.Time{}
	go func() {
		for e := range w.ResultChan() {
			o, ok := e.Object.(interface {
				GetName() string
				UnstructuredContent() map[string]any
			})
			if !ok || e.Type == "DELETED" {
				continue
			}
			data, _ := o.UnstructuredContent()["data"].(map[string]any)
			if data["value"] != "1" {
				continue
			}
			mu.Lock()
			if c := waiting[o.GetName()]; c != nil {
				delete(waiting, o.GetName())
				c <- time.Now()
			}
			mu.Unlock()
		}
	}()
	var all []time.Duration
	for n := range b.drifts {
		name := fmt.Sprintf("app-%04d-%d", rand.IntN(b.apps), rand.IntN(6))
		back := make(chan time.Time, 1)
		api := b.client.Resource(configMaps).Namespace(space)
		mu.Lock()
		waiting[name] = back
		mu.Unlock()
		began := time.Now()
		switch n % 3 {
		case 0:
			_, err = api.Patch(ctx, name, types.MergePatchType, []byte(`{"data":{"value":"by hand"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
		case 1:
			err = api.Delete(ctx, name, metav1.DeleteOptions{})
		case 2:
			_, err = api.Patch(ctx, name, types.MergePatchType, []byte(`{"data":{"value":"by hand"},"metadata":{"labels":{"autoecoops.io/application":null}}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"})
		}
		if err != nil {
			return err
		}
		select {
		case at := <-back:
			all = append(all, at.Sub(began))
		case <-time.After(30 * time.Second):
			return fmt.Errorf("the drift of %s was not corrected in 30 s", name)
		}
	}
	slices.Sort(all)
	b.results.AtMost(fmt.Sprintf("drift corrected at %d objects, median", 10*b.apps), ms(all[len(all)/2]), "ms", 250)
	b.results.AtMost("drift corrected, 99th percentile", ms(all[len(all)*99/100]), "ms", 1000)
	return nil
}

// strangers adds objects that belong to nobody.
func (b *bench) strangers(ctx context.Context) error {
	b.results.Note(fmt.Sprintf("resident memory at %d × 10 objects, right after work", b.apps), b.resident("VmRSS"), "MiB")
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(100 * time.Second): // moves are reported for a minute, and memory is given back half a minute later
	}
	before, own := b.resident("VmRSS"), b.resident("RssAnon")
	b.results.AtMost(fmt.Sprintf("resident memory at %d × 10 objects", b.apps), before, "MiB", 120)
	if b.unmanaged == 0 {
		return nil
	}
	o := asJSON(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"value": strings.Repeat("x", 200)}})
	err := workers.Each(b.unmanaged, 24, func(i int) error {
		name := fmt.Sprintf("stranger-%06d", i)
		body := strings.Replace(string(o), `"kind"`, `"metadata":{"name":"`+name+`"},"kind"`, 1)
		_, err := b.client.Resource(configMaps).Namespace(bare).Patch(ctx, name, types.ApplyPatchType, []byte(body), metav1.PatchOptions{FieldManager: "nobody"})
		return err
	})
	if err != nil {
		return err
	}
	// Pages of the program's file come back one by one whenever anything runs,
	// whatever there is in the cluster: what the objects cost is its own memory.
	b.results.Note(fmt.Sprintf("more resident memory with %d unmanaged objects, with pages of the program", b.unmanaged), b.resident("VmRSS")-before, "MiB")
	b.results.AtMost(fmt.Sprintf("more memory with %d unmanaged objects", b.unmanaged), b.resident("RssAnon")-own, "MiB", 2)
	return nil
}

// quiet counts the requests while nothing changes. Watches that the API server
// ends by itself after some minutes are opened anew; they ask for nothing.
func (b *bench) quiet(ctx context.Context) error {
	// What was done before is still told as events, at a bounded rate.
	for calls := -1; calls != b.proxy.Count(); {
		calls = b.proxy.Count()
		if err := pause(ctx, 5*time.Second); err != nil {
			return err
		}
	}
	b.proxy.ResetCounts()
	if err := pause(ctx, b.idle); err != nil { // that is what is measured
		return err
	}
	watches := b.proxy.Count("watch")
	b.results.AtMost(fmt.Sprintf("requests of %d unchanged applications in %s", b.apps, b.idle), float64(b.proxy.Count()-watches), "", 0)
	b.results.Note("watches renewed meanwhile", float64(watches), "")
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
