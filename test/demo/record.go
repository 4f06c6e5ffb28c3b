package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/bench/cause/recorded"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// The frame of a recorded fault: it is noticed, and noticed late, it ends, and all is
// well for a while before the next one.
const (
	recordScrape  = 5 * time.Second
	recordHistory = 17 * time.Minute // the least that may be asked for
	recordBefore  = 3 * time.Minute  // what traces and logs are compared with
	noticedAfter  = time.Minute
	noticedLate   = 2 * time.Minute
	endsAfter     = noticedLate + 5*time.Second
	recordCycle   = 5 * time.Minute
	// recovers is how long a shop needs to be well again.
	recovers = 25 * time.Second
)

// recorder records faults of many shops at once.
type recorder struct {
	*story
	dir    string
	shops  []*shop
	rounds int
	seed   uint64
	warmUp time.Duration
	next   atomic.Int64 // the number of the next fault
	done   atomic.Int64
	failed atomic.Int64
	mu     sync.Mutex
	crowds map[string]*crowdOf
}

// record starts shops on a real node, has faults happen to them, and keeps what `aeo
// observe causes` was told of each.
func record(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("record", flag.ContinueOnError)
	shops := f.Int("shops", 10, "how many shops there are")
	rounds := f.Int("rounds", 20, "how many faults each has")
	seed := f.Uint64("seed", 1, "what chance begins with")
	warmUp := f.Duration("warm-up", 5*time.Minute, "how long the shops are left alone first")
	to := f.String("to", "dist/faults", "the folder for what is recorded")
	if err := f.Parse(args); err != nil {
		return err
	}
	s, err := begin(ctx)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(*to)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r := &recorder{story: s, dir: dir, rounds: *rounds, seed: *seed, warmUp: *warmUp, crowds: map[string]*crowdOf{}}
	return s.tell(ctx, []func(context.Context) error{
		s.startCluster, s.needContainers,
		func(ctx context.Context) error { return r.startShops(ctx, *shops) },
		r.faults,
	}, r.summary)
}

func (r *recorder) summary() {
	fmt.Printf("\n%d faults were recorded, %d were not.\n\n   go run ./bench/cause -pack %s -to bench/cause/recorded/faults.gz\n   make demo-down     ends everything\n", r.done.Load(), r.failed.Load(), relative(r.dir))
}

// startShops makes each shop's repository, and has the daemon deploy and observe all.
func (r *recorder) startShops(ctx context.Context, n int) error {
	r.title("Shops")
	host, err := r.hostAddress(ctx)
	if err != nil {
		return err
	}
	r.collector = host + ":" + tracesPort
	served := filepath.Join(r.story.dir, "git")
	for i := range n {
		s := newShop(i, r.collector)
		if err := s.establish(ctx, served); err != nil {
			return err
		}
		r.shops = append(r.shops, s)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := background(r.story.dir, "git-server", self, "git-server", served, gitAddress); err != nil {
		return err
	}
	r.operatorFlags = []string{
		"--metrics-dir", filepath.Join(r.story.dir, "metrics"), "--metrics-listen", metricsAddress, "--metrics-pods", "--metrics-kubelet", "--metrics-interval", recordScrape.String(),
		"--logs-listen", logsAddress, "--otlp-http", r.collector,
	}
	if err := r.operate(ctx, setup[0]); err != nil {
		return err
	}
	for _, s := range r.shops {
		for _, object := range shopSetup {
			if err := r.api.apply(ctx, []byte(fmt.Sprintf(object, s.namespace))); err != nil {
				return err
			}
		}
		if err := r.api.applyWait(ctx, []byte(fmt.Sprintf(shopApplication, s.namespace, s.url())), 20*time.Second); err != nil {
			return err
		}
	}
	for _, s := range r.shops {
		if err := r.waitShop(ctx, s); err != nil {
			return err
		}
		s.visitors(ctx, r)
		s.well = time.Now().Add(recovers)
	}
	r.say("%d shops run. They are left alone for %s.", n, r.warmUp)
	return pause(ctx, r.warmUp)
}

// establish makes the repository of a shop.
func (s *shop) establish(ctx context.Context, served string) (err error) {
	dir := filepath.Join(served, s.namespace)
	first := filepath.Join(dir, "first")
	if err := os.MkdirAll(filepath.Join(first, "app"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(first, "app", "shop.yaml"), []byte(s.manifests()), 0o644); err != nil {
		return err
	}
	s.repo, err = newRepository(ctx, dir, first)
	return err
}

func (s *shop) url() string {
	return "http://" + gitAddress + "/" + s.namespace + "/served/shop.git"
}

// commit changes what the repository says.
func (s *shop) commit(ctx context.Context, subject string, change func()) error {
	change()
	if err := os.WriteFile(filepath.Join(s.repo.work(), "app", "shop.yaml"), []byte(s.manifests()), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"commit", "-q", "-a", "-m", subject}, {"push", "-q", "origin", "main"}} {
		if _, err := s.repo.git(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) waitShop(ctx context.Context, s *shop) error {
	last := ""
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		o, err := r.api.get(ctx, "/apis/autoecoops.io/v1alpha1/namespaces/"+s.namespace+"/applications/shop")
		if err != nil {
			return err
		}
		a := &appState{o}
		if a.ready() && a.sync() != "" {
			return nil
		}
		last = text(a.condition("Ready"), "message")
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is not ready within ten minutes: %s", s.namespace, last)
}

// runningPod is one that has an address.
type runningPod struct{ uid, address string }

func (r *recorder) pods(ctx context.Context, namespace, service string) (out []runningPod, err error) {
	body, err := r.api.do(ctx, http.MethodGet, "/api/v1/namespaces/"+namespace+"/pods?labelSelector=app%3D"+service, "", nil)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Metadata struct {
				UID               string
				DeletionTimestamp string
			}
			Status struct{ Phase, PodIP string }
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if p.Status.PodIP != "" && p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == "" {
			out = append(out, runningPod{p.Metadata.UID, p.Status.PodIP})
		}
	}
	return out, nil
}

// crowdOf are the visitors of a shop: factor times as many as usual.
type crowdOf struct{ factor atomic.Int64 }

// visitors are those of a shop; they come from the first call on.
func (s *shop) visitors(ctx context.Context, r *recorder) *crowdOf {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.crowds[s.namespace]; c != nil {
		return c
	}
	c := &crowdOf{}
	c.factor.Store(1)
	r.crowds[s.namespace] = c
	for i, entry := range s.entries() {
		address, err := r.api.field(ctx, "/api/v1/namespaces/"+s.namespace+"/services/"+entry, "spec", "clusterIP")
		if err != nil {
			r.say("%s has no visitors: %v", s.namespace, err)
			continue
		}
		go c.come(ctx, fmt.Sprintf("http://%v/", address), 2.5/float64(i+1))
	}
	return c
}

// come asks an address at random moments, so often a second, more and less over the
// minutes.
func (c *crowdOf) come(ctx context.Context, address string, rate float64) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 50}}
	busy := make(chan struct{}, 60)
	phase := rand.Float64() * 6
	for ctx.Err() == nil {
		now := rate * float64(c.factor.Load()) * (1 + 0.25*math.Sin(phase+float64(time.Now().Unix())/140))
		if pause(ctx, time.Duration(rand.ExpFloat64()/now*float64(time.Second))) != nil {
			return
		}
		select {
		case busy <- struct{}{}:
			go func() {
				defer func() { <-busy }()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
				if err != nil {
					return
				}
				if res, err := client.Do(req); err == nil {
					res.Body.Close()
				}
			}()
		default: // too slow to take more
		}
	}
}

// faults has each shop suffer its faults, the shops one after the other so that the
// machine is not asked for everything at once.
func (r *recorder) faults(ctx context.Context) error {
	r.title("Faults")
	began := time.Now()
	var group sync.WaitGroup
	for i, s := range r.shops {
		group.Go(func() {
			if pause(ctx, recordCycle*time.Duration(i)/time.Duration(len(r.shops))) != nil {
				return
			}
			chance := rand.New(rand.NewPCG(r.seed, uint64(i)))
			order := chance.Perm(len(kinds))
			for round := range r.rounds {
				start := time.Now()
				if err := r.one(ctx, s, s.inflict(kinds[order[round%len(order)]], chance), chance); err != nil {
					r.failed.Add(1)
					r.say("%s: %v", s.namespace, err)
				}
				if pause(ctx, time.Until(start.Add(recordCycle))) != nil {
					return
				}
			}
		})
	}
	group.Wait()
	r.say("That took %s.", since(began))
	return ctx.Err()
}

// one has one fault happen and keeps what is seen of it.
func (r *recorder) one(ctx context.Context, s *shop, i injury, chance *rand.Rand) (err error) {
	n := int(r.next.Add(1))
	if chance.IntN(2) == 0 {
		// Somebody else changes something that does no harm.
		other := s.services()[chance.IntN(len(s.services()))]
		if other != i.service {
			if err := s.commit(ctx, other+": tidy up", func() { s.set[other] = map[string]string{"NOTE": fmt.Sprint(n)} }); err != nil {
				return err
			}
			if err := pause(ctx, time.Duration(5+chance.IntN(50))*time.Second); err != nil {
				return err
			}
		}
	}
	began := time.Now()
	label := recorded.Label{Kind: string(i.kind), Injected: began, Truth: cause.Outside, Note: fmt.Sprintf("%+v, %.2f of the packets, %s slower", i.trouble, i.drop, i.slower),
		Soon: fmt.Sprintf("%03d-soon.case", n), Late: fmt.Sprintf("%03d-late.case", n)}
	if i.service != "" {
		label.Truth = cause.Component{Kind: trace.Service, Key: identity.Key{Namespace: s.namespace, Service: i.service}}
	}
	keeping, stop := context.WithCancel(ctx)
	var kept sync.WaitGroup
	defer func() {
		stop()
		kept.Wait()
		err = errors.Join(err, i.end(ctx, r, s))
		s.well = time.Now().Add(recovers)
	}()
	if err := i.begin(ctx, r, s); err != nil {
		return fmt.Errorf("%s of %s: %w", i.kind, i.service, err)
	}
	kept.Go(func() {
		for pause(keeping, 5*time.Second) == nil {
			_ = i.keep(keeping, r, s) // a pod that is on its way is told the next time
		}
	})
	var looks sync.WaitGroup
	var answers [2]verdict
	var failed [2]error
	for k, after := range [...]time.Duration{noticedAfter, noticedLate} {
		if err := pause(ctx, time.Until(began.Add(after))); err != nil {
			return err
		}
		since := time.Since(s.well).Truncate(recordScrape)
		looks.Go(func() { answers[k], failed[k] = r.causes(ctx, s, since, []string{label.Soon, label.Late}[k]) })
	}
	looks.Wait() // a machine that is busy takes its time
	if err := errors.Join(failed[:]...); err != nil {
		return err
	}
	label.Abnormal = answers[0].Survey.Abnormal
	if err := recorded.WriteLabel(r.dir, n, label); err != nil {
		return err
	}
	r.done.Add(1)
	r.say("%3d %-13s %s/%s: %s", n, i.kind, s.namespace, i.service, answers[0])
	return pause(ctx, time.Until(began.Add(endsAfter)))
}

// verdict is what `aeo observe causes` says, as far as the recorder tells it.
type verdict struct {
	Causes []struct {
		Component cause.Component
		Score     float64
	}
	Unknown string
	Survey  struct{ Abnormal int }
}

// String implements fmt.Stringer.
func (v verdict) String() string {
	var all []string
	for _, c := range v.Causes[:min(3, len(v.Causes))] {
		all = append(all, fmt.Sprintf("%s %.0f%%", c.Component, 100*c.Score))
	}
	if len(all) == 0 {
		return v.Unknown
	}
	return strings.Join(all, " ")
}

// causes asks for the causes of what is wrong with a shop, since it was last well, and
// keeps the case.
func (r *recorder) causes(ctx context.Context, s *shop, since time.Duration, file string) (v verdict, err error) {
	stdout, err := found(ctx, "bin/aeo", "observe", "causes", "-o", "json", "--prometheus", "http://"+metricsAddress, "--scrape", recordScrape.String(),
		"--history", recordHistory.String(), "--since", since.String(), "--before", recordBefore.String(), "-n", s.namespace, "--releases", "--kubeconfig", r.cluster.kubeconfig,
		"--jaeger", "http://"+r.collector, "--loki", "http://"+logsAddress, "--save-case", filepath.Join(r.dir, file))
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(stdout, &v)
}
