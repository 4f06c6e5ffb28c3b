package controller

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

// ObjectiveStore is where the Objectives are.
type ObjectiveStore interface {
	// Get returns one that must not be changed, nil if there is none.
	Get(k types.NamespacedName) *v1alpha1.Objective
	// SetStatus writes its status: Conflict if it changed since.
	SetStatus(ctx context.Context, o *v1alpha1.Objective, status *v1alpha1.ObjectiveStatus) error
}

// Samples is the source of samples.
type Samples interface {
	// Raw hands over the samples of a selector within a window before a moment.
	Raw(ctx context.Context, selector string, window time.Duration, at time.Time, each func(labels map[string]string, points []follow.Point) error) error
	// Range hands over its values at each step, both ends included.
	Range(ctx context.Context, selector string, from, to time.Time, step time.Duration, each func(labels map[string]string, points []follow.Point) error) error
	// Begin tells, for each value of a label that series of a selector have between two
	// moments, one before which those have no samples, close to the first. Without a
	// label they are all of the value "".
	Begin(ctx context.Context, selector, label string, from, to time.Time, each func(value string, at time.Time) error) error
}

// Snapshots keeps what is known of objectives over a restart.
type Snapshots interface {
	Load(uid types.UID) ([]byte, bool)
	Save(uid types.UID, snapshot []byte) error
}

// ObjectiveWatcher is told of what happens to objectives. Its methods are called
// from many goroutines.
type ObjectiveWatcher interface {
	// Evaluated is told of each evaluation; failed is why there was no answer.
	Evaluated(k types.NamespacedName, s *slo.Status, answered time.Time, failed error)
	// Changed is told what people should know.
	Changed(o *v1alpha1.Objective, warning bool, reason, message string)
	// Unwritten is told of a status that could not be written.
	Unwritten(k types.NamespacedName, err error)
	// Gone is told of one that is followed no more.
	Gone(k types.NamespacedName)
}

// Objectives follows Objectives: it asks for samples, has the plane decide, and
// writes, tells and sends what it says.
type Objectives struct {
	Store     ObjectiveStore
	Samples   Samples
	Snapshots Snapshots // nil keeps none
	Watcher   ObjectiveWatcher
	// Send hands alerts over to be delivered. It does not wait.
	Send func([]follow.Alert)
	// Scrape is how far apart the samples of a series are at most.
	Scrape time.Duration
	// Parallel is how many objectives are asked about at the same time.
	Parallel int
	Log      *slog.Logger
	Now      func() time.Time

	mu      sync.Mutex
	tasks   map[types.NamespacedName]*task
	woken   map[types.NamespacedName]bool
	signal  chan struct{}
	desk    desk
	started sync.Once
}

// task follows one Objective in a goroutine of its own.
type task struct{ changed chan struct{} }

func (c *Objectives) init() {
	c.started.Do(func() {
		c.tasks, c.woken = map[types.NamespacedName]*task{}, map[types.NamespacedName]bool{}
		c.signal = make(chan struct{}, 1)
		c.desk.init(c)
	})
}

// Wake asks for a look at an Objective that came, went or changed.
func (c *Objectives) Wake(k types.NamespacedName) {
	c.init()
	c.mu.Lock()
	c.woken[k] = true
	c.mu.Unlock()
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

// Run follows them until ctx ends, and keeps what it knows then.
func (c *Objectives) Run(ctx context.Context) {
	c.init()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.desk.run(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.signal:
		}
		c.mu.Lock()
		for k := range c.woken {
			delete(c.woken, k)
			t, there := c.tasks[k], c.Store.Get(k) != nil
			switch {
			case t != nil:
				select {
				case t.changed <- struct{}{}:
				default: // it will look anyway
				}
			case there:
				t = &task{changed: make(chan struct{}, 1)}
				c.tasks[k] = t
				wg.Go(func() { c.follow(ctx, k, t) })
			}
		}
		c.mu.Unlock()
	}
}

// end drops a task unless its Objective is there again.
func (c *Objectives) end(k types.NamespacedName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Store.Get(k) != nil {
		return false
	}
	delete(c.tasks, k)
	return true
}

// follow follows one Objective until it is gone or ctx ends.
func (c *Objectives) follow(ctx context.Context, k types.NamespacedName, t *task) {
	var f *follower
	for ctx.Err() == nil {
		o := c.Store.Get(k)
		if f != nil && (o == nil || o.UID != f.uid) {
			if all := f.book.Close(c.Now()); len(all) > 0 {
				c.Send(all)
			}
			c.Watcher.Gone(k)
			f = nil
		}
		if o == nil {
			if c.end(k) {
				return
			}
			continue
		}
		if f == nil {
			f = c.newFollower(o)
		}
		wait := f.turn(ctx, o)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
	if f != nil {
		f.keep(c.Now(), true)
	}
}

// follower is what is known of one Objective.
type follower struct {
	*Objectives
	key     types.NamespacedName
	uid     types.UID
	book    follow.Book
	monitor *slo.Monitor // nil while the definition is wrong
	earlier
	rhythm follow.Rhythm
	// forms are the ways to ask about it together with others.
	forms []follow.Form
	// problems are what is wrong with the definition.
	problems []slo.Problem
	// generation is that of the definition that is followed; asked is when the
	// last question was due, kept when a snapshot was written last.
	generation  int64
	asked, kept time.Time
	// failing says that the last question failed: failures in a row are logged once.
	failing bool
	// next is not before when a status that was refused is tried again.
	next time.Time
}

// earlier is what is known of the time before an Objective was followed.
type earlier struct {
	// fresh says that nothing is known of the past yet; draft is what is known of it
	// so far, nil if nothing, and reached how far that goes.
	fresh   bool
	draft   *slo.Monitor
	reached time.Time
	// sought says that it was asked where the samples begin; began is when that was
	// first to be asked.
	sought bool
	began  time.Time
	// behind is why the past could not be asked for when that was tried last.
	behind error
	pace
}

// pace is how fast the past of one that the source took too long for is asked for.
type pace struct {
	// late is how often in a row it did: the more often, the fewer others are asked
	// for with it. alone is how often it did for this one alone, and again when its
	// past is asked for again.
	late, alone int
	again       time.Time
}

func (c *Objectives) newFollower(o *v1alpha1.Objective) *follower {
	f := &follower{Objectives: c, key: types.NamespacedName{Namespace: o.Namespace, Name: o.Name}, uid: o.UID, generation: -1}
	if x, problems := resource.Objective(o); len(problems) == 0 {
		f.book.Adopt(follow.Firing(follow.Subject{Namespace: o.Namespace, Name: o.Name, Objective: &x}, resource.Earlier(&o.Status)))
	}
	return f
}

// turn does what is due, and returns how long to wait.
func (f *follower) turn(ctx context.Context, o *v1alpha1.Objective) time.Duration {
	now := f.Now()
	if f.generation != o.Generation {
		f.problems = f.define(o, now)
	}
	if f.monitor == nil {
		f.refuse(ctx, o, now)
		if f.next.After(now) {
			return f.next.Sub(now)
		}
		return time.Minute // that it was refused may have been written over; a change wakes it
	}
	if wait := f.asked.Add(f.rhythm.Every).Sub(now); wait > 0 && wait <= f.rhythm.Every {
		return wait
	}
	f.asked = now
	failed := f.ask(ctx, now)
	if ctx.Err() != nil {
		return 0
	}
	now = f.Now()
	s := f.monitor.Evaluate(now)
	if f.fresh {
		f.pend(o, &s)
	}
	f.tell(ctx, o, &s, failed)
	f.keep(now, false)
	if f.fresh {
		f.catchUp(ctx, f.Now())
	}
	return max(0, f.asked.Add(f.rhythm.Every).Sub(f.Now()))
}

// define begins to follow a definition: with what was known of it before, if its
// counts mean the same.
func (f *follower) define(o *v1alpha1.Objective, now time.Time) []slo.Problem {
	x, problems := resource.Objective(o)
	if len(problems) == 0 && !x.Indicator.Followable() {
		problems = []slo.Problem{{Path: "spec.indicator", Message: "a query of its own cannot be followed sample by sample: write the selectors of counters, as http_requests_total{job=\"shop\"}, or leave it to `aeo slo rules`"}}
	}
	f.generation = o.Generation
	known := f.monitor
	if f.fresh {
		known = nil // the past is still to be asked for
	}
	f.monitor, f.earlier = nil, earlier{}
	if len(problems) > 0 {
		return problems
	}
	f.rhythm, f.forms = follow.NewRhythm(&x, f.Scrape), follow.Forms(follow.Selectors(x.Indicator))
	opts := slo.Options{Interval: f.rhythm.Interval, Start: now}
	snapshot, ok := []byte(nil), false
	if known != nil {
		snapshot, ok = known.Snapshot(), true
	} else if f.Snapshots != nil {
		snapshot, ok = f.Snapshots.Load(f.uid)
	}
	if ok {
		m, err := slo.Restore(x, opts, snapshot)
		if err == nil {
			f.monitor = m
			return nil
		}
		f.Log.Info("what was kept of an objective is not used", "objective", f.key.String(), "error", err.Error())
	}
	m, err := slo.New(x, opts)
	if err != nil {
		return []slo.Problem{{Path: "spec", Message: err.Error()}}
	}
	f.monitor, f.earlier = m, earlier{fresh: true, reached: x.Period.Begin(now), began: now}
	f.asked = now.Add(f.rhythm.Phase(string(f.uid)) - f.rhythm.Every).Add(-f.rhythm.Every / 2)
	return nil
}

// refuse says that a definition is wrong. What it fired before is resolved: nobody
// follows it any more.
func (f *follower) refuse(ctx context.Context, o *v1alpha1.Objective, now time.Time) {
	if all := f.book.Close(now); len(all) > 0 {
		f.Send(all)
	}
	status := resource.Refused(o, f.problems, now)
	if resource.Worth(&o.Status, &status) {
		f.write(ctx, o, &status, now)
	}
}

// tell says what an evaluation came to, to all who want to know.
func (f *follower) tell(ctx context.Context, o *v1alpha1.Objective, s *slo.Status, failed error) {
	x := follow.Subject{Namespace: o.Namespace, Name: o.Name, Objective: f.monitor.Objective()}
	if all := f.book.Turn(follow.Firing(x, s), s.State, s.At); len(all) > 0 {
		f.Send(all)
	}
	f.Watcher.Evaluated(f.key, s, f.monitor.Answered(), failed)
	if f.queued(failed, s.At) {
		return
	}
	if failed != nil && !f.failing {
		f.desk.complain(f.Log, f.key.String(), failed)
	}
	f.failing = failed != nil
	status := resource.Status(o, *s)
	if failed != nil && s.State.Frozen() && s.State != slo.Maintenance {
		status.Reason = s.Reason + ": " + failed.Error()
	}
	// The statuses of many are not written at the same moments for ever because they
	// were followed from the same one on.
	worth := resource.Worth(&o.Status, &status) || status.Evaluated != nil && follow.Due(string(f.uid), resource.Heartbeat, o.Status.Evaluated.Time, s.At)
	if worth && !s.At.Before(f.next) {
		f.write(ctx, o, &status, s.At)
	}
}

// What happens while the time before an Objective was followed is not known yet: how
// long nothing is written that says no more, how long it may wait for its turn before
// people are told, and how long nothing is judged by what is known since.
const (
	unsaid  = time.Minute
	patient = 5 * time.Minute
)

// queued tells whether an objective only waits for its turn, or for its past: when a
// thousand come at once, that nothing is known yet is not worth a thousand writes.
func (f *follower) queued(failed error, now time.Time) bool {
	wait := unsaid
	if errors.Is(failed, errNoTurn) {
		wait = patient
	}
	return f.fresh && (failed == nil || wait == patient) && now.Sub(f.began) < wait
}

// pend takes from a status what it cannot know as long as the time before is unknown:
// the budget of the period, and that a burn is over. At first nothing is judged at all: a
// moment of errors is no hour of them. Later an hour that is known in part is better than
// silence.
func (f *follower) pend(o *v1alpha1.Objective, s *slo.Status) {
	s.Budget = slo.Budget{From: s.Budget.From, To: s.Budget.To, Pending: true}
	frozen, soon := s.State.Frozen(), s.At.Sub(f.began) < patient
	if !frozen {
		s.Reason = "the time before " + f.began.UTC().Format(time.RFC3339) + " is still being asked for"
	}
	if !frozen && f.behind != nil {
		s.Reason += ": " + f.behind.Error()
	}
	if soon && !frozen {
		s.State, s.Since = slo.Unmeasured, f.began
	}
	if soon {
		s.Incident, s.Events = nil, nil
		for i := range s.Tiers {
			s.Tiers[i] = slo.TierStatus{Name: s.Tiers[i].Name}
		}
		for i := range s.Burns {
			s.Burns[i].Known = false
		}
	}
	if s.Incident == nil {
		s.Incident = resource.Earlier(&o.Status).Incident
	}
}

// write writes a status, unless so many are being written that the next evaluation
// would have to wait: then that one writes. One that is refused is made anew at the next
// evaluation: by then the Objective may be another.
func (f *follower) write(ctx context.Context, o *v1alpha1.Objective, status *v1alpha1.ObjectiveStatus, now time.Time) {
	limit := max(patience, f.rhythm.Every/2)
	if !f.desk.pen(ctx, min(limit, f.rhythm.Every/4+time.Second)) {
		return
	}
	one, done := context.WithTimeout(ctx, limit)
	err := f.Store.SetStatus(one, o, status)
	done()
	<-f.desk.pens
	switch {
	case err == nil:
		f.next = time.Time{}
		for _, n := range resource.News(&o.Status, status) {
			f.Watcher.Changed(o, n.Warning, n.Reason, n.Message)
		}
	case fault.KindOf(err) == fault.Conflict || ctx.Err() != nil:
		f.next = now.Add(time.Second) // by then it is known what it changed to
	default:
		f.Watcher.Unwritten(f.key, err)
		f.next = now.Add(10 * time.Second)
	}
}

// keepEvery is how often a snapshot is written: what is missing in it is asked
// for again.
const keepEvery = 15 * time.Minute

func (f *follower) keep(now time.Time, at bool) {
	// Of one whose past is not known yet nothing is kept: it would pass for all.
	if f.Snapshots == nil || f.monitor == nil || f.fresh || !at && !follow.Due(string(f.uid), keepEvery, f.kept, now) {
		return
	}
	f.kept = now
	if err := f.Snapshots.Save(f.uid, f.monitor.Snapshot()); err != nil {
		f.Log.Warn("what is known of an objective was not kept", "objective", f.key.String(), "error", err.Error())
	}
}
