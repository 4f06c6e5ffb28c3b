package controller

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/bubble"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// crowd is a source with a counter for each of many services, of which those of
// broken fail. It answers selectors that name services or match them.
type crowd struct {
	*world
	mu     sync.Mutex
	broken map[string]time.Time
	asked  int // questions for the last samples
	past   int // questions about the past
	// slowly is how long a question about the past takes; working and most are how many
	// are asked now, and were at most.
	slowly            time.Duration
	working, together int
	// heavy is the value of which no past is told in time.
	heavy string
	// refuses is a value that no question may have, most how many there may be.
	refuses string
	most    int
	late    bool // those with more do not answer in time
	// apart is how much later the counters of each service begin than of the one before.
	apart time.Duration
}

var chosen = regexp.MustCompile(`service(=~?)"([^"]*)"`)

func (c *crowd) Raw(ctx context.Context, selector string, window time.Duration, at time.Time, each func(map[string]string, []follow.Point) error) error {
	values := services(selector)
	c.mu.Lock()
	c.asked++
	refuses, most, late := c.refuses, c.most, c.late
	c.mu.Unlock()
	if most > 0 && len(values) > most && late {
		<-ctx.Done()
		return fault.New(fault.TimedOut, "ask", "it", "no answer in time", "")
	}
	for _, v := range values {
		if v == refuses || most > 0 && len(values) > most {
			return fault.New(fault.Invalid, "ask", "it", "too much", "")
		}
	}
	const scrape = 15 * time.Second
	return c.series(selector, at.Add(-window).Truncate(scrape).Add(scrape), at, scrape, each)
}

// services are those that a selector names.
func services(selector string) []string {
	return strings.Split(strings.ReplaceAll(chosen.FindStringSubmatch(selector)[2], `\\`, ""), "|")
}

// series hands over those of the services that a selector names.
func (c *crowd) series(selector string, from, to time.Time, step time.Duration, each func(map[string]string, []follow.Point) error) error {
	for _, v := range services(selector) {
		var points []follow.Point
		for t := from; !t.After(to); t = t.Add(step) {
			n := 10 * t.Sub(c.began(v)).Seconds()
			if n < 0 {
				continue
			}
			if strings.Contains(selector, "code") {
				c.mu.Lock()
				from, ok := c.broken[v]
				c.mu.Unlock()
				if n = 0; ok && t.After(from) {
					n = 10 * t.Sub(from).Seconds()
				}
			}
			points = append(points, follow.Point{At: t.UnixMilli(), Value: n})
		}
		if len(points) == 0 {
			continue
		}
		labels := map[string]string{"service": v}
		if strings.Contains(selector, "code") {
			labels["code"] = "500"
		}
		if err := each(labels, points); err != nil {
			return err
		}
	}
	return nil
}

// began is when the counters of a service began: of each a minute later than of the
// one before.
func (c *crowd) began(service string) time.Time {
	var n int
	_, _ = fmt.Sscanf(service, "s.%d", &n) // 0 for others
	return c.start.Add(time.Duration(n) * c.apart)
}

// look is a question about the past.
func (c *crowd) look(ctx context.Context, selector string) error {
	c.mu.Lock()
	if c.heavy != "" && slices.Contains(services(selector), c.heavy) {
		c.mu.Unlock()
		<-ctx.Done()
		return fault.New(fault.TimedOut, "ask", "it", "no answer in time", "")
	}
	c.past++
	c.working++
	c.together = max(c.together, c.working)
	wait := time.NewTimer(c.slowly)
	c.mu.Unlock()
	defer wait.Stop()
	defer c.set(func() { c.working-- })
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return fault.New(fault.TimedOut, "ask", "it", "no answer in time", "")
	}
}

func (c *crowd) Range(ctx context.Context, selector string, from, to time.Time, step time.Duration, each func(map[string]string, []follow.Point) error) error {
	if err := c.look(ctx, selector); err != nil {
		return err
	}
	return c.series(selector, from, to, step, each)
}

func (c *crowd) Begin(ctx context.Context, selector, label string, from, to time.Time, each func(string, time.Time) error) error {
	if err := c.look(ctx, selector); err != nil {
		return err
	}
	return c.series(selector, from, to, time.Minute, func(labels map[string]string, points []follow.Point) error {
		return each(labels[label], time.UnixMilli(points[0].At).Add(-time.Minute))
	})
}

// follow follows n Objectives on services of their own.
func (c *crowd) follow(n int) {
	c.c = c.controller()
	c.c.Samples, c.c.Log = c, slog.New(slog.DiscardHandler)
	for i := range n {
		c.put(objective(func(o *v1alpha1.Objective) {
			o.Name, o.UID = fmt.Sprint("o", i), types.UID(fmt.Sprint("u", i))
			o.Spec.Indicator = v1alpha1.ObjectiveIndicator{Total: fmt.Sprintf(`n{service="s.%d"}`, i), Bad: fmt.Sprintf(`n{code="500",service="s.%d"}`, i)}
		}))
	}
}

func (c *crowd) questions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func (c *crowd) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// TestObjectivesTogether asks about many Objectives with few questions, each of
// which gets its own samples, and its own alerts.
func TestObjectivesTogether(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}}
		c.start = time.Now().Add(-time.Minute)
		c.follow(150)
		c.run(3*time.Minute, func() {
			from := c.questions()
			time.Sleep(3 * time.Minute)
			// There are 900 evaluations with two selectors each.
			if n := c.questions() - from; n > 900 {
				t.Errorf("%d questions in three minutes", n)
			}
			if all := c.seen().last; len(all) != 150 {
				t.Errorf("%d are followed", len(all))
			}
			for k, s := range c.seen().last {
				if s.State != slo.Measured || s.Budget.Bad != 0 || time.Since(s.At) > 31*time.Second {
					t.Errorf("%s: %s, %v bad, of %s", k, s.State, s.Budget.Bad, s.At)
				}
			}
			c.set(func() { c.broken["s.17"] = time.Now() })
			time.Sleep(90 * time.Second)
			c.want("one burns", "ErrorBudgetBurn/page+")
			for k, s := range c.seen().last {
				if burns := s.Budget.Bad > 0; burns != (k.Name == "o17") {
					t.Errorf("%s: %v bad", k, s.Budget.Bad)
				}
			}
		})
	})
}

// TestObjectivesPastTogether asks for the past of many with few questions, a few at a
// time, and each gets its own.
func TestObjectivesPastTogether(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}, apart: time.Minute, slowly: time.Second}
		c.start = time.Now().Add(-5 * time.Hour)
		c.broken["s.7"] = time.Now().Add(-90 * time.Minute)
		c.follow(150)
		c.run(2*time.Minute, func() {
			c.mu.Lock()
			if c.past > 60 || c.together > 1 {
				t.Errorf("%d questions about the past of 150, %d at the same time", c.past, c.together)
			}
			c.mu.Unlock()
			for k, s := range c.seen().last {
				var n int
				_, _ = fmt.Sscanf(k.Name, "o%d", &n) // all are named so
				want := 10 * (5*time.Hour + 2*time.Minute - time.Duration(n)*time.Minute).Seconds()
				if s.State != slo.Measured || s.Budget.Total < want-1200 || s.Budget.Total > want+10 || s.Budget.Bad > 0 != (n == 7) {
					t.Errorf("%s: %s, %v bad of %v, want %v", k, s.State, s.Budget.Bad, s.Budget.Total, want)
				}
			}
			c.want("what burnt before burns", "ErrorBudgetBurn/page+")
		})
	})
}

// TestObjectivesWhilePastIsSlow follows what happens now though the past cannot be asked
// for: at first nothing is judged by so little, then it is.
func TestObjectivesWhilePastIsSlow(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}, slowly: time.Hour}
		c.start = time.Now().Add(-5 * time.Hour)
		c.follow(40)
		c.broken["s.7"] = time.Now().Add(2 * time.Minute)
		c.run(4*time.Minute, func() {
			for k, s := range c.seen().last {
				if s.State != slo.Unmeasured || s.Budget.Known || !strings.Contains(s.Reason, "is still being asked for") {
					t.Errorf("%s: %s, %q, budget %+v", k, s.State, s.Reason, s.Budget)
				}
			}
			c.want("too soon", "")
			time.Sleep(4 * time.Minute)
			for k, s := range c.seen().last {
				if s.State != slo.Measured || s.Budget.Known {
					t.Errorf("%s: %s, %q, budget %+v", k, s.State, s.Reason, s.Budget)
				}
			}
			c.want("soon enough", "ErrorBudgetBurn/page+")
			c.set(func() { c.slowly = 0 })
			time.Sleep(6 * time.Minute)
			for k, s := range c.seen().last {
				if s.State != slo.Measured || s.Budget.Total < 5*36000 {
					t.Errorf("%s: %s, budget %+v", k, s.State, s.Budget)
				}
			}
			c.want("it still burns", "")
		})
	})
}

// TestPastOfOneIsTooSlow has one of which the past never comes in time keep the others
// from theirs for a short time only.
func TestPastOfOneIsTooSlow(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}, slowly: 500 * time.Millisecond, heavy: "s.3"}
		c.start = time.Now().Add(-5 * time.Hour)
		c.follow(150)
		c.run(6*time.Minute, func() {
			known := 0
			for k, s := range c.seen().last {
				if s.Budget.Known && s.Budget.Total > 4*36000 {
					known++
				} else if k.Name != "o3" && s.State != slo.Measured && s.State != slo.Unmeasured {
					t.Errorf("%s: %s %s", k, s.State, s.Reason)
				}
			}
			if known < 140 {
				t.Errorf("of %d of 150 the past is known", known)
			}
			time.Sleep(10 * time.Minute)
			for k, s := range c.seen().last {
				if s.Budget.Known == (k.Name == "o3") || s.Budget.Pending != (k.Name == "o3") || s.State != slo.Measured {
					t.Errorf("%s: %s %s, budget %+v", k, s.State, s.Reason, s.Budget)
				}
			}
		})
	})
}

// TestMissedComesFirst has who is evaluated already wait for nobody's past.
func TestMissedComesFirst(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}, slowly: time.Second}
		c.start = time.Now().Add(-5 * time.Hour)
		c.follow(1)
		c.run(3*time.Minute, nil)
		time.Sleep(10 * time.Minute)
		c.c = c.controller()
		c.c.Samples, c.c.Log = c, slog.New(slog.DiscardHandler)
		for i := range 60 { // that cannot be asked for together
			c.put(objective(func(o *v1alpha1.Objective) {
				o.Name, o.UID = fmt.Sprint("n", i), types.UID(fmt.Sprint("n", i))
				o.Spec.Indicator = v1alpha1.ObjectiveIndicator{Total: fmt.Sprintf(`n{z%d="",service="s.%d"}`, i, i), Bad: fmt.Sprintf(`n{z%d="",code="500",service="s.%d"}`, i, i)}
			}))
		}
		c.run(3*time.Minute, func() {
			old := c.seen().last[types.NamespacedName{Namespace: "shop", Name: "o0"}]
			if old.State != slo.Measured || time.Since(old.At) > time.Minute {
				t.Errorf("%s of %s ago: %s", old.State, time.Since(old.At), old.Reason)
			}
			time.Sleep(2 * time.Minute)
			known := 0
			for _, s := range c.seen().last {
				if s.Budget.Known {
					known++
				}
			}
			if known < 20 {
				t.Errorf("of %d the past is known: all wait for all", known)
			}
		})
	})
}

// TestBurnsWhilePastIsUnknown keeps what burns as it was told before until it is known
// better, and raises nothing at first, whatever the source does.
func TestBurnsWhilePastIsUnknown(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := &crowd{world: newWorld(t), broken: map[string]time.Time{}}
		c.start = time.Now().Add(-5 * time.Hour)
		c.follow(2)
		c.run(2*time.Minute, func() {
			c.set(func() { c.broken["s.1"] = time.Now() })
			time.Sleep(4 * time.Minute)
			c.want("it burns", "ErrorBudgetBurn/page+")
		})
		// It begins anew without what was kept; the errors are of the time before.
		c.kept = map[types.UID][]byte{}
		c.c = c.controller()
		c.c.Samples, c.c.Log = c, slog.New(slog.DiscardHandler)
		c.set(func() { c.slowly = time.Hour })
		c.run(12*time.Minute, func() {
			c.want("nothing is over", "")
			if o := c.Get(types.NamespacedName{Namespace: "shop", Name: "o1"}); o.Status.Incident == nil || o.Status.Budget.Remaining != "" {
				t.Errorf("%+v", o.Status)
			}
			c.set(func() { c.slowly = 0 })
			time.Sleep(15 * time.Minute)
			c.want("it is known", "")
			if o := c.Get(types.NamespacedName{Namespace: "shop", Name: "o1"}); o.Status.Incident == nil || o.Status.Budget.Remaining == "" {
				t.Errorf("%+v", o.Status)
			}
		})
		// One that is new has errors from the first second, and then the source fails.
		d := &crowd{world: newWorld(t), broken: map[string]time.Time{"s.0": time.Now()}, slowly: time.Hour}
		d.start = time.Now().Add(-5 * time.Hour)
		d.follow(1)
		d.run(2*time.Minute, func() {
			d.set(func() { d.most, d.late = 0, false; d.refuses = "s.0" })
			time.Sleep(2 * time.Minute)
			d.want("too soon", "")
		})
	})
}

// TestComplaintsAreBounded logs a few failures of a crowd one by one.
func TestComplaintsAreBounded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var log strings.Builder
		d, to := desk{now: time.Now}, slog.New(slog.NewTextHandler(&log, nil))
		for i := range 500 {
			d.complain(to, fmt.Sprint("shop/o", i), errNoTurn)
		}
		time.Sleep(2 * time.Minute)
		d.complain(to, "shop/again", errNoTurn)
		if n := strings.Count(log.String(), "\n"); n != mostComplaints+2 || !strings.Contains(log.String(), "objectives=480") || !strings.Contains(log.String(), "shop/again") {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
	})
}

// TestObjectivesRefused asks for each of those alone that a source does not answer
// together: one that it refuses is not the end of the others.
func TestObjectivesRefused(t *testing.T) {
	for name, late := range map[string]bool{"refused": false, "late": true} {
		bubble.Test(t, func(t *testing.T) {
			c := &crowd{world: newWorld(t), broken: map[string]time.Time{}, refuses: "s.3", most: 2, late: late}
			c.start = time.Now().Add(-time.Minute)
			c.follow(30)
			c.run(10*time.Minute, func() {
				measured := 0
				for k, s := range c.seen().last {
					if s.State == slo.Measured {
						measured++
					}
					if k.Name == "o3" && s.State == slo.Measured {
						t.Errorf("%s: %s is measured", name, k)
					}
				}
				if measured < 29 && !late || measured < 20 {
					t.Errorf("%s: %d of 29 are measured", name, measured)
				}
			})
		})
	}
}

// TestJoinBounds keeps questions small.
func TestJoinBounds(t *testing.T) {
	ask := func(value string, series int) *question {
		all := []follow.Selector{{Text: `n{service="` + value + `",zone="z"}`, Role: slo.Total}}
		return &question{selectors: all, forms: follow.Forms(all), series: series}
	}
	for name, c := range map[string]struct {
		n, most, series int
		value           string
		groups          int
	}{
		"few":         {10, 200, 1, "", 1},
		"many":        {401, 200, 1, "", 3},
		"slow":        {10, 3, 1, "", 4},
		"many series": {10, 200, mostSeries/2 - 1, "", 5},
		"long names":  {10, 200, 1, strings.Repeat("x", mostText/2-20), 5},
	} {
		var all []*question
		for i := range c.n {
			all = append(all, ask(fmt.Sprint(c.value, i), c.series))
		}
		got := join(all, c.most)
		if len(got) != c.groups {
			t.Errorf("%s: %d groups, want %d", name, len(got), c.groups)
		}
		n := 0
		for _, g := range got {
			n += len(g.questions)
			if g.form.Label != "service" && len(g.questions) > 1 {
				t.Errorf("%s: together by %s", name, g.form.Label)
			}
		}
		if n != c.n {
			t.Errorf("%s: %d of %d", name, n, c.n)
		}
	}
}

// slowStore takes its time to write a status.
type slowStore struct {
	*world
	mu           sync.Mutex
	takes        time.Duration
	writing, top int
}

func (s *slowStore) SetStatus(ctx context.Context, o *v1alpha1.Objective, status *v1alpha1.ObjectiveStatus) error {
	s.mu.Lock()
	s.writing++
	s.top = max(s.top, s.writing)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.writing--
		s.mu.Unlock()
	}()
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return fault.New(fault.TimedOut, "write", o.Name, "no answer in time", "")
	}
	return s.world.SetStatus(ctx, o, status)
}

// TestObjectivesWriteSlowly evaluates in time though the cluster takes long to take
// statuses: a few are written at the same time, and all in the end.
func TestObjectivesWriteSlowly(t *testing.T) {
	for takes, stands := range map[time.Duration]bool{2 * time.Second: true, time.Hour: false} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld(t)
			s := &slowStore{world: w, takes: takes}
			w.c.Store = s
			for i := range 100 {
				w.put(objective(func(o *v1alpha1.Objective) { o.Name, o.UID = fmt.Sprint("o", i), types.UID(fmt.Sprint("u", i)) }))
			}
			w.run(4*time.Minute, func() {
				synctest.Wait()
				s.mu.Lock()
				if s.top > mostWrites {
					t.Errorf("%d writes at the same time", s.top)
				}
				s.mu.Unlock()
				for k, last := range w.seen().last {
					if age := time.Since(last.At); age > time.Minute {
						t.Errorf("%s: evaluated %s ago", k, age)
					}
				}
				written := 0
				for _, o := range w.all() {
					if o.Status.State == "measured" {
						written++
					}
				}
				if stands && written < 95 || !stands && written > 0 {
					t.Errorf("writes take %s: %d are written", takes, written)
				}
			})
		})
	}
}

// TestObjectivesQueued tells nobody of those that only wait for their first turn,
// unless that lasts.
func TestObjectivesQueued(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = time.Hour
		for i := range 60 {
			w.put(objective(func(o *v1alpha1.Objective) { o.Name, o.UID = fmt.Sprint("o", i), types.UID(fmt.Sprint("u", i)) }))
		}
		w.run(2*time.Minute, func() {
			synctest.Wait()
			if n := w.seen().writes; n == 0 || n > 20 {
				t.Errorf("%d statuses are written of those that were asked about in vain", n)
			}
			time.Sleep(8 * time.Minute)
			synctest.Wait()
			if n := w.seen().writes; n < 55 {
				t.Errorf("%d statuses are written after ten minutes", n)
			}
		})
	})
}

// TestNoTurnNamesEach has each of those that were to be asked about together be told of
// itself.
func TestNoTurnNamesEach(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		d := desk{now: time.Now, slots: make(chan struct{}, 1)}
		d.slots <- struct{}{} // somebody is asking
		var all []*question
		for _, about := range []string{"shop/a", "shop/b"} {
			all = append(all, &question{about: about, limit: time.Second, done: make(chan error, 1)})
		}
		d.answer(t.Context(), all, follow.Form{})
		for _, q := range all {
			if err := <-q.done; fault.KindOf(err) != fault.TimedOut || !strings.Contains(err.Error(), q.about) {
				t.Errorf("%s: %v", q.about, err)
			}
		}
	})
}
