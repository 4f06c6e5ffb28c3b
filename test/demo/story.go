package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// story is the demonstration under way.
type story struct {
	dir     string // everything that it makes: dist/demo
	cluster *cluster
	api     *client
	began   time.Time
	chapter int
	// real tells that containers run; on simulated nodes pods only look as if.
	real bool
	repo *repository
	// operatorFlags are those that the daemon gets beside the usual ones.
	operatorFlags []string
	// collector is where pods send their traces; slow is the revision that is, and
	// abnormal the signal that shows it.
	collector, slow, abnormal string
}

const (
	namespace   = "shop-local"
	application = "shop"
	gitAddress  = "127.0.0.1:28418"
	pages       = "127.0.0.1:28080"
)

// deliverStory tells how a change is synced, kept, refused, released, rolled back and
// proven.
func deliverStory(ctx context.Context) error {
	s, err := begin(ctx)
	if err != nil {
		return err
	}
	return s.tell(ctx, []func(context.Context) error{
		s.startCluster, s.startGit, s.startOperator, s.firstSync, s.manualEdit, s.badCommit, s.goodRevision, s.crashingRevision, s.proof,
	}, s.end)
}

// begin cleans up after an earlier demonstration and begins one.
func begin(ctx context.Context) (*story, error) {
	dir, err := filepath.Abs("dist/demo")
	if err != nil {
		return nil, err
	}
	if err := down(ctx); err != nil {
		return nil, fmt.Errorf("clean up after an earlier demonstration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// What is made here has programs of the shop in it: a module of its own, so that
	// ./... of ours does not mean them.
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module demo\n"), 0o644); err != nil {
		return nil, err
	}
	return &story{dir: dir, began: time.Now()}, nil
}

// tell goes through the parts of a story, to its end.
func (s *story) tell(ctx context.Context, parts []func(context.Context) error, end func()) error {
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return fmt.Errorf("%w\n\nWhat was started is still there: look at %s/*.log, or run make demo-down", err, relative(s.dir))
		}
	}
	end()
	return nil
}

func relative(p string) string {
	if wd, err := os.Getwd(); err == nil {
		if r, err := filepath.Rel(wd, p); err == nil {
			return r
		}
	}
	return p
}

// title begins a chapter.
func (s *story) title(text string) {
	s.chapter++
	fmt.Printf("\n%d. %s\n", s.chapter, text)
}

func (s *story) say(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Printf("   %s\n", strings.TrimRight(line, "\n"))
	}
}

func (s *story) startCluster(ctx context.Context) error {
	s.title("A Kubernetes cluster on this machine")
	s.say("The first time its programs are built from source: about fifteen minutes on\ntwo cores. Afterwards it takes seconds.")
	began := time.Now()
	var err error
	if s.cluster, err = startCluster(ctx, s.dir); err != nil {
		return err
	}
	if s.api, err = newClient(s.cluster.kubeconfig); err != nil {
		return err
	}
	s.real = s.cluster.real
	s.say("Ready after %s: %s.", since(began), s.cluster.description)
	if !s.real {
		s.say("This machine allows no containers, so the nodes are simulated: pods become\nready though nothing runs in them, and nothing can crash.")
		return nil
	}
	began = time.Now()
	for _, version := range []string{"1.0", "1.1"} {
		if err := s.cluster.loadShop(ctx, s.dir, version); err != nil {
			return err
		}
	}
	s.say("Two images of the shop's services, 1.0 and 1.1, are on its node, built\nwithout Docker in %s.", since(began))
	return nil
}

func (s *story) startGit(ctx context.Context) error {
	s.title("A Git server with the shop's repository")
	var err error
	if s.repo, err = newRepository(ctx, filepath.Join(s.dir, "git"), "examples/shop"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := background(s.dir, "git-server", self, "git-server", s.repo.served(), gitAddress); err != nil {
		return err
	}
	s.say("%s holds examples/shop, at revision %s.", s.repo.url(), s.repo.head(ctx))
	return nil
}

func (s *story) startOperator(ctx context.Context) error {
	s.title("The operator")
	if err := s.operate(ctx, setup...); err != nil {
		return err
	}
	s.say("aeod runs beside the cluster. It writes as the service account \"aeo-deployer\"\nof the namespace, which may change that namespace and nothing else.")
	return s.api.applyWait(ctx, []byte(fmt.Sprintf(applicationManifest, s.repo.url())), 20*time.Second)
}

// operate prepares the cluster and starts the daemon.
func (s *story) operate(ctx context.Context, objects ...string) error {
	for _, file := range []string{"deploy/crds/autoecoops.io_applications.yaml", "deploy/crds/autoecoops.io_releases.yaml"} {
		if err := s.api.applyFile(ctx, file); err != nil {
			return err
		}
	}
	for _, object := range objects {
		if err := s.api.apply(ctx, []byte(object)); err != nil {
			return err
		}
	}
	flags := []string{"--kubeconfig", s.cluster.kubeconfig, "--ledger", s.ledger(), "--cache-dir", filepath.Join(s.dir, "cache"), "--listen", pages, "--allow-http"}
	return background(s.dir, "aeod", "bin/aeod", append(flags, s.operatorFlags...)...)
}

func (s *story) ledger() string { return filepath.Join(s.dir, "ledger.db") }

func (s *story) firstSync(ctx context.Context) error {
	s.title("Production becomes what Git says")
	began := time.Now()
	app, err := s.api.waitApp(ctx, 3*time.Minute, "the first sync", func(a *appState) bool { return a.ready() && a.sync() != "" && a.active() == "" })
	if err != nil {
		return err
	}
	s.say("%d objects were applied in order and are healthy after %s; the revision was\nwatched for another few seconds and is now the last good one.", app.objects(), since(began))
	s.page(ctx)
	return nil
}

// page shows what a visitor of the shop gets.
func (s *story) page(ctx context.Context) {
	if !s.real {
		return
	}
	text, err := s.api.do(ctx, "GET", "/api/v1/namespaces/"+namespace+"/services/storefront:http/proxy/", "", nil)
	if err != nil {
		s.say("(the storefront could not be asked: %v)", err)
		return
	}
	s.say("The storefront answers: %s", strings.TrimSpace(string(text)))
}

func (s *story) manualEdit(ctx context.Context) error {
	s.title("Somebody edits production by hand")
	path := "/apis/apps/v1/namespaces/" + namespace + "/deployments/catalog"
	before, err := s.api.field(ctx, path, "spec", "replicas")
	if err != nil {
		return err
	}
	if _, err := s.api.do(ctx, "PATCH", path+"?fieldManager=kubectl-edit", "application/merge-patch+json", []byte(`{"spec":{"replicas":0}}`)); err != nil {
		return err
	}
	began := time.Now()
	s.say("kubectl scales the catalog to 0 replicas…")
	for {
		now, err := s.api.field(ctx, path, "spec", "replicas")
		if err != nil {
			return err
		}
		if now == before {
			break
		}
		if time.Since(began) > 30*time.Second {
			return errors.New("the edit was not undone within 30 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.say("…and %s later it has %v again. Nobody asked for it: the operator saw that a\nfield that Git owns had changed, and applied it again.", since(began), before)
	_, err = s.api.waitApp(ctx, time.Minute, "health after the edit", func(a *appState) bool { return a.ready() })
	return err
}

func (s *story) badCommit(ctx context.Context) error {
	s.title("A commit breaks a rule")
	rev, err := s.repo.change(ctx, "overlays/local/orders.yaml", "allowPrivilegeEscalation: false", "privileged: true", "orders: run privileged for debugging")
	if err != nil {
		return err
	}
	s.say("Revision %s makes the orders container privileged.", rev[:8])
	began := time.Now()
	r, err := s.api.waitRelease(ctx, rev, time.Minute, "Refused")
	if err != nil {
		return err
	}
	s.say("Refused %s after the push, before anything was applied:", since(began))
	for _, f := range r.findings(3) {
		s.say("  %s", f)
	}
	return nil
}

func (s *story) goodRevision(ctx context.Context) error {
	s.title("A good revision")
	if _, err := s.repo.change(ctx, "overlays/local/orders.yaml", "privileged: true", "allowPrivilegeEscalation: false", "orders: not privileged after all"); err != nil {
		return err
	}
	rev, err := s.repo.change(ctx, "overlays/local/kustomization.yaml", `newTag: "1.0"`, `newTag: "1.1"`, "shop: release 1.1")
	if err != nil {
		return err
	}
	began := time.Now()
	s.say("Revision %s takes every service to version 1.1.", rev[:8])
	if _, err := s.api.waitRelease(ctx, rev, 3*time.Minute, "Good"); err != nil {
		return err
	}
	s.say("Rolled out, healthy, watched, good: %s after the push.", since(began))
	s.page(ctx)
	return nil
}

func (s *story) crashingRevision(ctx context.Context) error {
	s.title("A revision that passes every check, and crashes")
	if !s.real {
		s.say("Skipped: on simulated nodes nothing can crash.")
		return nil
	}
	good := s.repo.head(ctx)
	rev, err := s.repo.change(ctx, "overlays/local/kustomization.yaml", "CURRENCY=EUR", "CURRENCY=EURO", "orders: write the currency out")
	if err != nil {
		return err
	}
	began := time.Now()
	s.say("Revision %s sets CURRENCY=EURO. The manifests are fine; the program is not.", rev[:8])
	r, err := s.api.waitRelease(ctx, rev, 5*time.Minute, "Failed")
	if err != nil {
		return err
	}
	s.say("Failed %s after the push: %s", since(began), r.message())
	for _, e := range r.evidence(2) {
		s.say("  %s", e)
	}
	app, err := s.api.waitApp(ctx, 3*time.Minute, "the rollback", func(a *appState) bool { return a.sync() == good && a.healthy() })
	if err != nil {
		return err
	}
	s.say("%s after the push production is back at revision %s, and healthy. The bad one\nis in quarantine: it is not tried again until Git changes.", since(began), app.sync()[:8])
	s.page(ctx)
	return nil
}

func (s *story) proof(ctx context.Context) error {
	s.title("Proof")
	export := filepath.Join(s.dir, "audit")
	text, err := command(ctx, "bin/aeo", "audit", "export", "--ledger", s.ledger(), export)
	if err != nil {
		return err
	}
	s.say("Everything was written to the ledger before it was done. Exported: %s", firstLine(text))
	if text, err = command(ctx, "bin/aeo", "audit", "verify", export); err != nil {
		return err
	}
	s.say("aeo audit verify: %s", firstLine(text))
	file, err := flipByte(export)
	if err != nil {
		return err
	}
	text, err = command(ctx, "bin/aeo", "audit", "verify", export)
	if err == nil {
		return errors.New("a flipped byte was not found")
	}
	s.say("One bit of %s is flipped. aeo audit verify: %s", relative(file), firstLine(text))
	return nil
}

func (s *story) end() {
	fmt.Printf(`
That took %s. The cluster is still up; look further:

   export KUBECONFIG=%s
   bin/aeo app list -A
   bin/aeo app get %s -n %s
   bin/aeo release list -n %s
   bin/aeo audit log --ledger %s
   curl -s http://%s/metrics | grep aeo_deliver
   git clone %s

   make demo-down     ends everything and leaves nothing behind
`, since(s.began), relative(s.cluster.kubeconfig), application, namespace, namespace, relative(s.ledger()), pages, s.repo.url())
}

func since(t time.Time) string {
	d := time.Since(t)
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return string(line)
}
