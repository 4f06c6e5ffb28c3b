package daemon

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/lease"
	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
)

// daemon is what is put together for one run.
type daemon struct {
	opts    Options
	log     *slog.Logger
	client  *kube.Client
	reg     *prometheus.Registry
	pages   *pages
	store   *kube.Applications
	view    *kube.View
	remote  *delivery.Remote
	sources *controller.Sources
	apps    *controller.Applications
	events  *kube.Events
	witness *kube.Witness
	journal *journal
	forge   *forging
	signals signals
}

// signals are what is sent of the daemon's own traces, what takes in what workloads
// say, and what follows objectives; nil where nobody wants it.
type signals struct {
	sent *traces
	// receivers work each until its context ends.
	receivers  []func(context.Context) error
	objectives *objectives
	// alerts tells Alertmanagers.
	alerts *alertmanager.Sender
}

// Run runs the daemon until ctx ends.
func Run(ctx context.Context, o Options, log *slog.Logger) error {
	if err := o.Validate(); err != nil {
		return err
	}
	d, err := assemble(ctx, o, log)
	if err != nil {
		return err
	}
	defer d.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.pages.serve(ctx, o.Listen); err != nil {
			cancel(err)
		}
	})
	for _, receive := range d.signals.receivers {
		wg.Go(func() {
			if err := receive(ctx); err != nil {
				cancel(err)
			}
		})
	}
	err = d.lead(ctx)
	d.pages.ready.Store(false)
	cancel(err)
	wg.Wait()
	if cause := context.Cause(ctx); err == nil && fault.KindOf(cause) != fault.Internal {
		err = cause
	}
	return err
}

// lead works, alone if daemons have to agree on one.
func (d *daemon) lead(ctx context.Context) error {
	if !d.opts.Elect {
		d.work(ctx)
		return nil
	}
	d.events.Mute(true) // the leader tells
	return lease.Lead(ctx, d.client.Config(), lease.Lease{Namespace: d.opts.Namespace, Name: "aeod", Holder: holder()}, d.log, d.work)
}

func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "aeod"
	}
	return host + "_" + base64.RawURLEncoding.EncodeToString(random(6))
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, says its documentation
	return b
}

// work reconciles until ctx ends.
func (d *daemon) work(ctx context.Context) {
	d.events.Mute(false)
	var wg sync.WaitGroup
	wg.Go(func() { d.store.Run(ctx) })
	wg.Go(func() { d.sources.Run(ctx) })
	wg.Go(func() { d.apps.Run(ctx) })
	wg.Go(func() { d.events.Run(ctx) })
	wg.Go(func() { d.forge.Run(ctx) })
	if d.signals.objectives != nil {
		wg.Go(func() { d.signals.objectives.Run(ctx) }) // and the alerts
	} else if d.signals.alerts != nil {
		wg.Go(func() { d.signals.alerts.Run(ctx) })
	}
	d.pages.ready.Store(true)
	d.log.Info("working")
	wg.Wait()
}

// assemble puts everything together.
func assemble(ctx context.Context, o Options, log *slog.Logger) (*daemon, error) {
	config, err := kube.Load(kube.Options{Kubeconfig: o.Kubeconfig, Context: o.Context, UserAgent: "aeod"})
	if err != nil {
		return nil, err
	}
	d := &daemon{opts: o, log: log, reg: prometheus.NewRegistry()}
	d.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if d.client, err = kube.New(config); err != nil {
		return nil, err
	}
	d.remote = &delivery.Remote{Verify: delivery.Verifier(time.Now), Now: time.Now}
	if d.remote.Mirrors, err = gitmirror.Open(filepath.Join(o.CacheDir, "git"), gitmirror.Options{AllowHTTP: o.Allow.HTTP, AllowFile: o.Allow.File}); err != nil {
		return nil, err
	}
	if d.remote.Artifacts, err = oci.Open(filepath.Join(o.CacheDir, "oci"), oci.Options{AllowHTTP: o.Allow.HTTP}); err != nil {
		return nil, err
	}
	d.pages = newPages(d.reg, log)
	d.events = kube.NewEvents(d.client, holder())
	d.events.Trouble = func(err error) {
		log.Warn("events cannot be written", "error", err.Error(), "hint", "allow create on events of events.k8s.io")
	}
	obs := newObserver(d.reg, d.events)
	d.client.Count(func(verb, _ string, code int) { obs.calls.WithLabelValues(verb, itoa(code)).Inc() })
	if err := d.openAlerts(); err != nil {
		return nil, err
	}
	if err := d.openReceivers(); err != nil {
		return nil, err
	}
	key, err := ownKey(ctx, d.client, o.Namespace, besideCluster(), log)
	if err != nil {
		return nil, err
	}
	if d.journal, err = openLedger(ctx, o.Ledger, log); err != nil {
		return nil, err
	}
	if d.signals.sent, err = openTraces(ctx, log); err != nil {
		return nil, err
	}
	d.wire(obs, &deliver.Digester{Key: key})
	if d.signals.objectives, err = d.newObjectives(o.Objectives); err != nil {
		return nil, err
	}
	return d, nil
}

// openReceivers opens what takes in what workloads say, as far as it is wanted.
func (d *daemon) openReceivers() error {
	received, err := openSpans(d.opts.Signals.Spans, d.reg, d.log)
	if err != nil {
		return err
	}
	if received != nil {
		d.signals.receivers = append(d.signals.receivers, received.Serve)
	}
	kept, err := openLogs(d.opts.Signals.Logs, d.client, d.events, d.reg, d.log)
	if err != nil {
		return err
	}
	if kept != nil {
		d.pages.notes["pods for logs"] = kept.tail.Err
		d.signals.receivers = append(d.signals.receivers, kept.run)
	}
	m := d.opts.Signals.Metrics
	if m.wanted() && d.opts.Signals.Anomalies.Kept {
		if m.follow, err = d.opts.Signals.Anomalies.follow(d.newAnomalies(), m.Interval, m.Dir); err != nil {
			return err
		}
	}
	if m.wanted() {
		if m.Watch.options, err = d.opts.Signals.Anomalies.watch(m.Watch, d.newAnomalies(), m.Dir); err != nil {
			return err
		}
		var state keeping
		d.pages.notes["metrics"] = state.err
		d.signals.receivers = append(d.signals.receivers, func(ctx context.Context) error { return keepMetrics(ctx, m, d.client, d.reg, &state, d.log) })
	}
	return nil
}

// wire connects the engine with its ports.
func (d *daemon) wire(obs *observer, digester *deliver.Digester) {
	o := d.opts
	doctor := delivery.NewDoctor()
	wake := func(k deliver.AppKey) { d.apps.Wake(k) }
	d.view = kube.NewView(d.client, digester, doctor.Evaluate, wake)
	cluster := &kube.Cluster{Client: d.client, View: d.view, Digester: digester, Health: doctor.Evaluate}
	d.witness = kube.NewWitness(d.client, wake, diagnosis)
	remote := d.remote
	remote.Secret = func(ctx context.Context, namespace, name string) (map[string][]byte, error) {
		body, err := cluster.Get(ctx, deliver.Identity{}, deliver.GVK{Version: "v1", Kind: "Secret"}, deliver.Key{Kind: "Secret", Namespace: namespace, Name: name})
		return delivery.SecretData(body), err
	}
	charts := helm.New(helm.Options{APIVersions: app.ServedByAll()})
	renderer := delivery.NewRenderer(charts, kustomize.New(kustomize.Options{Charts: app.ChartFunc(charts)}), &delivery.Inputs{
		Digester: digester,
		Get: func(ctx context.Context, kind, namespace, name string) (map[string]any, error) {
			return cluster.Get(ctx, deliver.Identity{}, deliver.GVK{Version: "v1", Kind: kind}, deliver.Key{Kind: kind, Namespace: namespace, Name: name})
		},
	})
	d.sources = &controller.Sources{
		Remote: remote, Wake: wake, Workers: 8, Log: d.log, Now: time.Now,
		Asked: func(took time.Duration, err error) {
			outcome := "ok"
			if err != nil {
				outcome = "failed"
			}
			obs.sources.WithLabelValues(outcome).Observe(took.Seconds())
		},
	}
	releases := &kube.Releases{Client: d.client, Keep: 10}
	d.forge = d.newForging(releases, remote.Secret, renderer)
	gate := &delivery.Gate{Engine: app.NewEngine(""), Choose: app.ChooseChecks, Now: time.Now, Around: delivery.AroundFunc((&kube.Surroundings{Client: d.client}).Read)}
	engine := &deliver.Engine{
		Digester: digester, DefaultAccount: o.DefaultAccount, Parallel: 8, Now: time.Now, Log: d.log, Observer: obs,
		Doctor: doctor, Tracer: d.tracer(),
		Ports: deliver.Ports{
			Cluster: cluster, View: d.view, Sources: d.sources, Renderer: renderer,
			Gate:     gate,
			Journal:  d.journal,
			Releases: d.forge.statuses,
			Forge:    d.forge.forges,
			Witness:  d.witness,
			Inspector: &delivery.Inspector{Gate: gate, Read: func(ctx context.Context, as deliver.Identity, g deliver.GVK, k deliver.Key) ([]byte, bool, error) {
				s, ok, err := cluster.Stock(ctx, as, g, k)
				return s.Text, ok, err
			}},
		},
	}
	mem := &memory{busy: d.client.Busy}
	mem.worked() // starting is work, too
	d.apps = &controller.Applications{Engine: attentive{engine, renderer, obs, doctor, d.view, releases, d}, Sources: d.sources, Workers: o.Workers, Log: d.log, Took: func(t time.Duration) {
		obs.reconciles.Observe(t.Seconds())
		mem.worked()
	}}
	d.apps.Busy, d.apps.Before = d.client.Busy, releases.Flush
	engine.Apps = d.apps
	d.apps.Observer = d.newObserved(wake, engine)
	d.store = kube.NewApplications(d.client, o.Watch, wake)
	d.apps.Store = d.store
	hooks := newReceiver(d.reg, d.log)
	hooks.poke = d.sources.Poke
	hooks.secret = func(ctx context.Context) (map[string][]byte, error) {
		return remote.Secret(ctx, o.Namespace, webhookSecret)
	}
	d.pages.mux.Handle("POST /webhook/{forge}", hooks)
	d.reg.MustRegister(newFreshness(d.store, d.view, d.sources, d.apps))
	d.pages.checks["ledger"] = d.journal.check
	d.pages.applications(d.store)
}

// attentive is the engine, with those around it told of every application that
// comes and goes.
type attentive struct {
	*deliver.Engine
	renderer *delivery.Renderer
	observer *observer
	doctor   *delivery.Doctor
	view     *kube.View
	releases *kube.Releases
	daemon   *daemon
}

// Reconcile implements controller.Reconciler.
func (a attentive) Reconcile(ctx context.Context, app *v1alpha1.Application) (deliver.Outcome, error) {
	a.daemon.forge.unobserve(deliver.AppKey{Namespace: app.Namespace, Name: app.Name}) // it was observed before, perhaps
	a.daemon.remote.Hold(app)
	a.view.Refresh(a.doctor.Learn(app))
	return a.Engine.Reconcile(ctx, app)
}

// Forget implements controller.Reconciler.
func (a attentive) Forget(k deliver.AppKey) {
	a.Engine.Forget(k)
	a.renderer.Forget(k)
	a.observer.forget(k)
	a.doctor.Forget(k)
	a.releases.Forget(k)
	a.daemon.forge.statuses.forget(k)
	a.daemon.forge.unobserve(k)
}

func (d *daemon) close() {
	d.view.Close()
	d.witness.Close()
	d.forge.objects.Close()
	d.forge.repositories.Close()
	d.closeTraces()
	if err := d.remote.Mirrors.Close(); err != nil {
		d.log.Warn("the mirrors did not close", "error", err.Error())
	}
	if err := d.journal.close(); err != nil {
		d.log.Warn("the ledger did not close", "error", err.Error())
	}
}
