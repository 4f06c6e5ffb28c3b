package controller

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/bubble"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// world is all that is around the controller: a cluster, a source of samples, a
// folder, and people. Its time is that of the test's bubble.
type world struct {
	t *testing.T
	c *Objectives

	mu      sync.Mutex
	stored  map[types.NamespacedName]*v1alpha1.Objective
	refuse  error // what the cluster says to a status
	writes  int
	start   time.Time // when the counters began
	broken  []span    // when all requests failed
	failed  error     // what the source says
	slow    time.Duration
	asking  int // now, and at most
	most    int
	ranges  int // questions for the past that were answered
	kept    map[types.UID][]byte
	open    map[string]follow.Alert
	told    []string // what was sent: name/severity, and + or -
	news    []string
	unwrote int
	gone    int
	last    map[types.NamespacedName]slo.Status
}

type span struct{ from, to time.Time }

func newWorld(t *testing.T) *world {
	w := &world{t: t, start: time.Now().Add(-24 * time.Hour), stored: map[types.NamespacedName]*v1alpha1.Objective{}, kept: map[types.UID][]byte{}, open: map[string]follow.Alert{}, last: map[types.NamespacedName]slo.Status{}}
	w.c = w.controller()
	return w
}

func (w *world) controller() *Objectives {
	return &Objectives{Store: w, Samples: w, Snapshots: w, Watcher: w, Send: w.send, Scrape: 15 * time.Second, Parallel: 2, Log: slog.New(slog.DiscardHandler), Now: time.Now}
}

// run runs a controller for a time.
func (w *world) run(d time.Duration, during func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.c.Run(ctx) })
	for k := range w.all() {
		w.c.Wake(k)
	}
	time.Sleep(d)
	if during != nil {
		during()
	}
	cancel()
	wg.Wait()
}

func (w *world) all() map[types.NamespacedName]*v1alpha1.Objective {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.stored)
}

func (w *world) put(o *v1alpha1.Objective) {
	k := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
	w.mu.Lock()
	w.stored[k] = o
	w.mu.Unlock()
	w.c.Wake(k)
}

func (w *world) drop(k types.NamespacedName) {
	w.mu.Lock()
	delete(w.stored, k)
	w.mu.Unlock()
	w.c.Wake(k)
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) Get(k types.NamespacedName) *v1alpha1.Objective {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored[k]
}

func (w *world) SetStatus(_ context.Context, o *v1alpha1.Objective, s *v1alpha1.ObjectiveStatus) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
	now := w.stored[k]
	switch {
	case w.refuse != nil:
		return w.refuse
	case now == nil || now.ResourceVersion != o.ResourceVersion:
		return fault.New(fault.Conflict, "write", o.Name, "it changed", "")
	}
	w.writes++
	now = now.DeepCopy()
	now.Status, now.ResourceVersion = *s.DeepCopy(), fmt.Sprint(w.writes)
	w.stored[k] = now
	return nil
}

// values are those of the counters: ten requests a second.
func (w *world) values(at time.Time) (total, bad float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.broken {
		if at.After(b.from) {
			end := at
			if !b.to.IsZero() && b.to.Before(at) {
				end = b.to
			}
			bad += 10 * end.Sub(b.from).Seconds()
		}
	}
	return 10 * at.Sub(w.start).Seconds(), bad
}

func (w *world) ask(ctx context.Context) error {
	w.mu.Lock()
	w.asking++
	w.most = max(w.most, w.asking)
	slow := w.slow
	w.mu.Unlock()
	wait := time.NewTimer(slow)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking--
	if ctx.Err() != nil {
		return fault.New(fault.TimedOut, "ask", "it", "no answer in time", "")
	}
	return w.failed
}

func (w *world) answer(selector string, from, to time.Time, step time.Duration, each func(map[string]string, []follow.Point) error) error {
	var points []follow.Point
	for at := from; !at.After(to); at = at.Add(step) {
		total, bad := w.values(at)
		if selector == "bad" {
			total = bad
		}
		if at.After(w.start) {
			points = append(points, follow.Point{At: at.UnixMilli(), Value: total})
		}
	}
	if selector == "none" || len(points) == 0 {
		return nil
	}
	return each(map[string]string{"__name__": selector}, points)
}

func (w *world) Raw(ctx context.Context, selector string, window time.Duration, at time.Time, each func(map[string]string, []follow.Point) error) error {
	if err := w.ask(ctx); err != nil {
		return err
	}
	const scrape = 15 * time.Second
	return w.answer(selector, at.Add(-window).Truncate(scrape).Add(scrape), at, scrape, each)
}

func (w *world) Range(ctx context.Context, selector string, from, to time.Time, step time.Duration, each func(map[string]string, []follow.Point) error) error {
	if err := w.ask(ctx); err != nil {
		return err
	}
	w.set(func() { w.ranges++ })
	return w.answer(selector, from, to, step, each)
}

func (w *world) Begin(ctx context.Context, selector, _ string, from, to time.Time, each func(string, time.Time) error) error {
	if err := w.ask(ctx); err != nil {
		return err
	}
	if from.Before(w.start) {
		from = w.start
	}
	if selector == "none" || !from.Before(to) {
		return nil
	}
	return each("", from)
}

func (w *world) Load(uid types.UID) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.kept[uid]
	return text, ok
}

func (w *world) Save(uid types.UID, text []byte) error {
	w.set(func() { w.kept[uid] = text })
	return nil
}

func (w *world) send(all []follow.Alert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range all {
		key := follow.Key(a.Labels)
		_, before := w.open[key]
		name := a.Labels["alertname"] + "/" + a.Labels["severity"]
		if !a.Ends.After(time.Now()) {
			delete(w.open, key)
			w.told = append(w.told, name+"-")
			continue
		}
		w.open[key] = a
		if !before {
			w.told = append(w.told, name+"+")
		}
	}
}

func (w *world) Evaluated(k types.NamespacedName, s *slo.Status, _ time.Time, failed error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[k] = *s
	if w.failed != nil && failed == nil {
		w.t.Errorf("an answer that never came: %+v", s)
	}
}

func (w *world) Changed(_ *v1alpha1.Objective, _ bool, reason, _ string) {
	w.set(func() { w.news = append(w.news, reason) })
}
func (w *world) Unwritten(types.NamespacedName, error) { w.set(func() { w.unwrote++ }) }
func (w *world) Gone(types.NamespacedName)             { w.set(func() { w.gone++ }) }

// want compares what was sent since the last time.
func (w *world) want(what, told string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.told, " "); got != told {
		w.t.Errorf("%s: sent %q, want %q", what, got, told)
	}
	w.told = nil
}

// says compares what stands in the cluster.
func (w *world) says(what, state string, burns bool) {
	w.t.Helper()
	synctest.Wait()
	s := w.Get(one).Status
	if s.State != state || (s.Incident != nil) != burns {
		w.t.Errorf("%s: %s %s, incident %v; want %s, %v", what, s.State, s.Reason, s.Incident, state, burns)
	}
}

// seen is what was counted until now.
type seen struct {
	writes, most, ranges, unwrote, gone int
	last                                map[types.NamespacedName]slo.Status
}

func (w *world) seen() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen{w.writes, w.most, w.ranges, w.unwrote, w.gone, maps.Clone(w.last)}
}

var one = types.NamespacedName{Namespace: "shop", Name: "availability"}

func objective(change func(o *v1alpha1.Objective)) *v1alpha1.Objective {
	o := &v1alpha1.Objective{
		ObjectMeta: metav1.ObjectMeta{Namespace: one.Namespace, Name: one.Name, UID: "u1", Generation: 1, ResourceVersion: "0"},
		Spec: v1alpha1.ObjectiveSpec{
			Service: "shop", Target: "99.9%", Period: v1alpha1.ObjectivePeriod{Rolling: "6h"},
			Indicator: v1alpha1.ObjectiveIndicator{Total: "total", Bad: "bad"},
			Alerting: v1alpha1.ObjectiveAlerting{BlindAfter: "10m", Tiers: []v1alpha1.ObjectiveTier{
				{Name: "page", Severity: "Page", Long: "1h", Short: "5m", Factor: "14"}, {Name: "ticket", Severity: "Ticket", Long: "2h", Short: "30m", Factor: "6"},
			}},
		},
	}
	if change != nil {
		change(o)
	}
	return o
}

var down = fault.New(fault.Unavailable, "ask Prometheus", "x", "it is down", "")

// TestObjectiveStory follows an objective through a burn, a time without a source
// that outlasts the burn, and its end.
func TestObjectiveStory(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put(objective(nil))
		w.run(2*time.Minute, func() {
			w.says("the past is known at once", "measured", false)
			if b := w.Get(one).Status.Budget; b.Remaining != "100%" || b.Total < 6*36000-2000 {
				t.Errorf("%+v", b)
			}
			w.want("well", "")
			w.set(func() { w.broken = []span{{from: time.Now()}} })
			time.Sleep(4 * time.Minute)
			w.says("it burns", "measured", true)
			w.want("it burns", "ErrorBudgetBurn/page+")

			w.set(func() { w.failed = down })
			time.Sleep(3 * time.Minute)
			w.says("no answer", "unmeasured", true)
			w.want("no answer", "")
			time.Sleep(10 * time.Minute)
			w.says("blind", "blind", true)
			w.want("blind", "ObjectiveBlind/ticket+")
			if r := w.Get(one).Status.Reason; !strings.Contains(r, "does not answer") || !strings.Contains(r, "it is down") {
				t.Error(r)
			}

			w.set(func() { w.failed, w.broken[0].to = nil, time.Now() })
			time.Sleep(3 * time.Minute)
			w.says("what was missed is counted", "measured", true)
			w.want("sees again", "ObjectiveBlind/ticket-")
			if b := w.seen().last[one].Budget; b.Bad < 10*16*60 || b.Bad > 10*18*60 {
				t.Errorf("%v bad events", b.Bad)
			}
			time.Sleep(40 * time.Minute)
			w.says("healed", "measured", false)
			w.want("healed: it eased, and resolved", "ErrorBudgetBurn/ticket+ ErrorBudgetBurn/page- ErrorBudgetBurn/ticket-")
		})
		w.want("the end of the program", "")
		if w.seen().writes > 120 {
			t.Errorf("%d writes in an hour", w.seen().writes)
		}
	})
}

// TestObjectiveDeleted resolves what burns, once; one of the same name is
// another.
func TestObjectiveDeleted(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.broken = []span{{from: time.Now().Add(-time.Hour)}}
		w.put(objective(nil))
		w.run(2*time.Minute, func() {
			w.want("it burnt before it was followed", "ErrorBudgetBurn/page+")
			w.drop(one)
			w.want("deleted", "ErrorBudgetBurn/page-")
			time.Sleep(time.Hour)
			w.want("still deleted", "")
			w.put(objective(func(o *v1alpha1.Objective) { o.UID = "u2" }))
			time.Sleep(2 * time.Minute)
			w.want("another", "ErrorBudgetBurn/page+")
			w.put(objective(func(o *v1alpha1.Objective) { o.UID, o.ResourceVersion = "u3", "x" }))
			time.Sleep(2 * time.Minute)
			w.want("replaced between two looks", "ErrorBudgetBurn/page- ErrorBudgetBurn/page+")
		})
		if w.seen().gone != 2 || len(w.c.tasks) != 1 {
			t.Errorf("%d are gone, %d are followed", w.seen().gone, len(w.c.tasks))
		}
	})
}

// TestObjectiveRestart goes on from a snapshot: nothing is resolved, sent as new,
// or asked for that is known. Without one the status tells what was sent.
func TestObjectiveRestart(t *testing.T) {
	for _, lost := range []bool{false, true} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.broken = []span{{from: time.Now().Add(-time.Hour)}}
			w.put(objective(nil))
			w.run(2*time.Minute, nil)
			w.want("before", "ErrorBudgetBurn/page+")
			ranges, bad := w.seen().ranges, w.seen().last[one].Budget.Bad
			if lost {
				w.kept = map[types.UID][]byte{"u1": []byte("damaged")}
				w.failed = down
			}
			w.c = w.controller()
			w.run(2*time.Minute, nil)
			w.want("after", "")
			if !lost && (w.seen().ranges != ranges || w.seen().last[one].Budget.Bad < bad) {
				t.Errorf("%d questions for the past, %v bad events of %v", w.seen().ranges-ranges, w.seen().last[one].Budget.Bad, bad)
			}
			if lost {
				w.says("nothing is known", "unmeasured", true)
				// What is known of a part of the past is not kept as if it were all.
				if string(w.kept["u1"]) != "damaged" {
					t.Error("what is not known was kept")
				}
				w.failed = nil
				w.c = w.controller()
			}
			w.run(2*time.Minute, nil)
			w.want("later", "")
			w.says("later", "measured", true)
			if b := w.seen().last[one].Budget.Bad; b < bad {
				t.Errorf("%v bad events of %v", b, bad)
			}
			w.broken[0].to = time.Now()
			w.c = w.controller()
			time.Sleep(5 * time.Hour) // nobody follows it, and then what was missed is asked for
			w.run(2*time.Minute, nil)
			w.want("healed meanwhile", "ErrorBudgetBurn/page-")
		})
	}
}

// TestObjectiveRefused says what is wrong, resolves what burnt, and goes on when
// that is mended. A status that could not be written is written later.
func TestObjectiveRefused(t *testing.T) {
	for name, wrong := range map[string]func(o *v1alpha1.Objective){
		"a target": func(o *v1alpha1.Objective) { o.Spec.Target = "101%" },
		"a query of its own": func(o *v1alpha1.Objective) {
			o.Spec.Indicator = v1alpha1.ObjectiveIndicator{Total: "sum(increase(a[{{window}}]))", Bad: "sum(increase(b[{{window}}]))"}
		},
	} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.broken = []span{{from: time.Now().Add(-time.Hour)}}
			w.put(objective(nil))
			w.run(2*time.Minute, func() {
				w.want(name, "ErrorBudgetBurn/page+")
				for i, refusal := range []error{fault.New(fault.Conflict, "write", "x", "changed", ""), down} {
					w.set(func() { w.refuse = refusal })
					o := w.Get(one).DeepCopy()
					o.Generation = int64(2 + 2*i)
					wrong(o)
					w.put(o)
					time.Sleep(time.Second / 2)
					w.want(name, "ErrorBudgetBurn/page-")
					w.set(func() { w.refuse = nil })
					time.Sleep(11 * time.Second)
					s := w.Get(one).Status
					if s.ObservedGeneration != o.Generation || s.Conditions[0].Type != "Ready" || s.Conditions[0].Status != "False" {
						t.Errorf("%s: after %v it is not told that it is refused: %+v", name, refusal, s)
					}
					writes := w.seen().writes
					time.Sleep(time.Hour)
					if w.seen().writes != writes {
						t.Errorf("%s: %d more writes", name, w.seen().writes-writes)
					}
					mended := w.Get(one).DeepCopy()
					mended.Generation, mended.Spec = o.Generation+1, objective(nil).Spec
					w.put(mended)
					time.Sleep(2 * time.Minute)
					w.says(name, "measured", true)
					w.want(name, "ErrorBudgetBurn/page+")
				}
			})
			if w.seen().unwrote == 0 {
				t.Errorf("%s: nobody was told of what could not be written", name)
			}
		})
	}
}

// TestObjectiveParallel asks about few at the same time, and does not wait for
// ever for a source that is slow: those that did not get a turn are lost.
func TestObjectiveParallel(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = 100 * time.Millisecond
		for i := range 50 {
			w.put(objective(func(o *v1alpha1.Objective) { o.Name, o.UID = fmt.Sprint("o", i), types.UID(fmt.Sprint("u", i)) }))
		}
		w.run(5*time.Minute, func() {
			synctest.Wait()
			if w.seen().most != 2 || len(w.seen().last) != 50 {
				t.Errorf("%d at the same time, %d evaluated", w.seen().most, len(w.seen().last))
			}
			for k, s := range w.seen().last {
				if s.State != slo.Measured {
					t.Errorf("%s: %s", k, s.State)
				}
			}
			w.set(func() { w.slow = time.Hour })
			time.Sleep(30 * time.Minute)
			for k, s := range w.seen().last {
				if s.State != slo.Blind {
					t.Errorf("%s: %s", k, s.State)
				}
			}
		})
	})
}

// TestObjectiveNone is not Healthy without series: it is absent.
func TestObjectiveNone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put(objective(func(o *v1alpha1.Objective) { o.Spec.Indicator.Total = "none" }))
		w.run(30*time.Minute, func() {
			w.says("no series", "absent", false)
			w.want("no series", "ObjectiveAbsent/ticket+")
		})
	})
}

// TestObjectiveChanged keeps the counts if another definition means the same, and
// asks for the past of one that does not.
func TestObjectiveChanged(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.broken = []span{{from: time.Now().Add(-time.Hour)}}
		w.put(objective(nil))
		w.run(2*time.Minute, func() {
			w.want("before", "ErrorBudgetBurn/page+")
			ranges := w.seen().ranges
			o := w.Get(one).DeepCopy()
			o.Generation, o.Spec.Labels = 2, map[string]string{"team": "cart"}
			w.put(o)
			time.Sleep(time.Minute)
			w.want("other labels", "ErrorBudgetBurn/page+ ErrorBudgetBurn/page-")
			if w.seen().ranges != ranges {
				t.Error("the past was asked for again")
			}
			o = w.Get(one).DeepCopy()
			o.Generation, o.Spec.Indicator.Bad = 3, "none"
			w.put(o)
			time.Sleep(2 * time.Minute)
			if w.seen().ranges == ranges {
				t.Error("the past was not asked for again")
			}
			w.want("another indicator", "ErrorBudgetBurn/page-")
		})
	})
}

// TestObjectivePast goes on with the past where a failure ended it.
func TestObjectivePast(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = 5 * time.Second // more questions than one turn has the time for
		w.put(objective(func(o *v1alpha1.Objective) { o.Spec.Period.Rolling = "90d" }))
		w.start = time.Now().Add(-89 * 24 * time.Hour)
		w.broken = []span{{time.Now().Add(-80 * 24 * time.Hour), time.Now().Add(-80*24*time.Hour + time.Minute)}}
		w.run(3*time.Minute, func() {
			w.says("half of the past", "unmeasured", false)
			if w.seen().last[one].Budget.Known {
				t.Errorf("a part of the past passes for all: %+v", w.seen().last[one].Budget)
			}
			time.Sleep(30 * time.Minute)
			w.says("all of the past", "measured", false)
			if b := w.seen().last[one].Budget; b.Bad < 590 || b.Bad > 610 {
				t.Errorf("%v bad", b.Bad)
			}
			if w.seen().ranges > 2*89*24*120/2000*3/2 {
				t.Errorf("%d questions: what is known was asked for again", w.seen().ranges)
			}
		})
	})
}
