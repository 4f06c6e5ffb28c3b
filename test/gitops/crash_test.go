package gitops

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// ownDaemon starts an aeod for this scenario alone.
func (w *world) ownDaemon(ledgerDir string, args ...string) *daemon {
	w.Helper()
	if ledgerDir == "" {
		ledgerDir = w.TempDir()
	}
	d, err := launch(w.exe, ledgerDir, w.config, append([]string{"--watch-namespace", w.ns}, args...)...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		d.end()
		if w.Failed() {
			w.Logf("the end of aeod's log:\n%s", d.tail())
		}
	})
	b := openBook(d.ledger)
	w.books = append(w.books, b)
	w.more(b)
	return d
}

// again starts it anew after a kill.
func (w *world) again(d *daemon) {
	w.Helper()
	if err := d.start(); err != nil {
		w.Fatal(err)
	}
}

// kills has aeod die at the k-th write, before the API server sees it or after
// it did it, in a first sync, in a change and in a deletion.
func kills() []scenario {
	var all []scenario
	next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": "", "d.yaml": configMap("d", "1"), "k.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {word: second}\n"})
	for _, m := range []failing{{"before", faultproxy.Reset()}, {"after", faultproxy.LoseAnswer()}} {
		for k := range 10 {
			all = append(all, scenario{
				name: fmt.Sprintf("killed %s write %d of a first sync", m.name, k+1), own: true, raw: true, quick: k == 4,
				run: func(w *world) {
					i := w.inject(faultproxy.Rule{Match: w.mine(faultproxy.Writes()...), Skip: k, Times: 1, Fault: m.fault})
					d := w.ownDaemon("", "--leader-elect=false")
					w.killed(d, i)
					w.again(d)
					w.synced()
					w.note()
					w.judge(base())
				},
			})
		}
		for k := range 9 {
			all = append(all, scenario{
				name: fmt.Sprintf("killed %s write %d of a change", m.name, k+1), own: true, raw: true, quick: k == 3 && m.name == "after",
				run: func(w *world) {
					d := w.ownDaemon("", "--leader-elect=false")
					w.synced()
					w.note()
					i := w.inject(faultproxy.Rule{Match: w.mine("create", "patch", "update", "delete"), Skip: k, Times: 1, Fault: m.fault})
					w.repo.commit(next)
					w.learn(next)
					d.kill()
					w.again(d)
					w.killed(d, i)
					w.again(d)
					w.judge(next)
				},
			})
		}
	}
	return all
}

// killed kills aeod when a fault strikes, or when there is nothing more to come
// that it could strike.
func (w *world) killed(d *daemon, i *faultproxy.Injection) {
	w.Helper()
	head := w.repo.head()
	await(w.T, scenarioTime, "the fault strikes or all is done", func() string {
		if i.Hits() > 0 {
			return ""
		}
		app, err := w.status()
		if err == nil && app.Status.Sync != nil && app.Status.Sync.Revision == head && app.Status.Active == nil && ready(app) {
			return ""
		}
		return "neither"
	})
	d.kill()
	i.Remove()
}

// operators has more than one aeod, or one whose ledger is full.
func operators() []scenario {
	next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
	return []scenario{
		{name: "two operators, the leader is killed", own: true, raw: true, run: func(w *world) {
			first := w.ownDaemon("", "--namespace", w.ns)
			first.logged(w.T, `"leading"`)
			second := w.ownDaemon("", "--namespace", w.ns)
			w.synced()
			w.note()
			first.kill()
			w.commit(next)
			second.logged(w.T, `"leading"`)
			w.judge(next)
		}},
		{name: "a stale leader comes back", own: true, raw: true, run: func(w *world) {
			first := w.ownDaemon("", "--namespace", w.ns)
			first.logged(w.T, `"leading"`)
			second := w.ownDaemon("", "--namespace", w.ns)
			w.synced()
			w.note()
			first.signal(w.T, syscall.SIGSTOP)
			w.Cleanup(func() { _ = first.cmd.Process.Signal(syscall.SIGCONT) })
			w.commit(next)
			second.logged(w.T, `"leading"`)
			w.judge(next)
			first.signal(w.T, syscall.SIGCONT)
			select {
			case <-first.ended:
			case <-time.After(scenarioTime):
				w.Error("the stale leader works on")
			}
			w.judge(next)
		}},
		{name: "two operators that both believe to lead", own: true, raw: true, quick: true, run: func(w *world) {
			w.ownDaemon("", "--leader-elect=false")
			w.ownDaemon("", "--leader-elect=false")
			w.synced()
			w.note()
			w.commit(next)
			w.judge(next)
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.judge(next)
		}},
		{name: "the ledger's disk is full", own: true, raw: true, quick: true, run: func(w *world) {
			dir := w.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
				w.Skipf("a small file system cannot be mounted here: %v", err)
			}
			w.Cleanup(func() {
				if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
					w.Errorf("unmount: %v", err)
				}
			})
			d := w.ownDaemon(dir, "--leader-elect=false", "--cache-dir", w.TempDir())
			w.synced()
			w.note()
			ballast := filepath.Join(dir, "ballast")
			fill(w, ballast)
			w.commit(next)
			w.condition("Synced", "False", "LedgerUnavailable", ".+")
			w.equal(base())
			w.alive(base())
			if err := os.Remove(ballast); err != nil {
				w.Fatal(err)
			}
			w.poke()
			w.judge(next)
			_ = d
		}},
		{name: "restart changes nothing", own: true, raw: true, quick: true, run: func(w *world) {
			d := w.ownDaemon("", "--leader-elect=false")
			w.synced()
			w.note()
			before, err := w.status()
			if err != nil {
				w.Fatal(err)
			}
			d.kill()
			writes := w.inject(faultproxy.Rule{Match: w.mine(faultproxy.Writes()...), Skip: 1 << 30, Fault: faultproxy.Reset()})
			w.again(d)
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`) // its repair shows that the restart is over
			w.equal(base())
			w.judge(base())
			after, err := w.status()
			if err != nil {
				w.Fatal(err)
			}
			if before.Status.Sync.Release != after.Status.Sync.Release {
				w.Error("the restart made a new release")
			}
			if n := writes.Seen(); n > 6 {
				w.Errorf("%d writes after a restart and one repair", n)
			}
		}},
		{name: "drift while nobody looked", own: true, raw: true, quick: true, run: func(w *world) {
			d := w.ownDaemon("", "--leader-elect=false")
			w.synced()
			w.note()
			d.kill()
			for _, k := range driftKinds() {
				if k.name != "made anew" && k.name != "delete" {
					k.make(w)
				}
			}
			w.repo.commit(next)
			w.learn(next)
			w.again(d)
			w.judge(next)
		}},
		{name: "deleted while nobody looked", own: true, raw: true, quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Sync.OnDelete = "delete" },
			run: func(w *world) {
				d := w.ownDaemon("", "--leader-elect=false")
				w.synced()
				w.note()
				d.kill()
				w.remove("ConfigMap", "a")
				w.remove("Service", "s")
				w.again(d)
				w.equal(base())
				w.judge(base())
			}},
	}
}

// fill writes until nothing more fits.
func fill(w *world, path string) {
	w.Helper()
	f, err := os.Create(path)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{64 << 10, 4 << 10, 512, 1} {
		block := make([]byte, size)
		for {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}
