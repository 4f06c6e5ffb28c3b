package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// office is a source of the requests of workloads, as a function of the time of each: NaN
// where there is no sample. It is asked for nothing else.
type office struct {
	rate map[string]func(at time.Time) (v float64, there bool)
	down error
	// asked is the time of the earliest sample that was asked for since it was set.
	asked time.Time
}

func (o *office) Names(context.Context, string, time.Time, time.Time) ([]string, error) {
	return []string{"http_requests_total"}, nil
}

func (o *office) Range(_ context.Context, expr string, from, to time.Time, step time.Duration, each func(map[string]string, []int64, []float64) error) error {
	if o.down != nil {
		return o.down
	}
	if o.asked.IsZero() || from.Before(o.asked) {
		o.asked = from
	}
	if strings.Contains(expr, "5..") { // of errors there are none
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(o.rate)) {
		var at []int64
		var values []float64
		for t := from; !t.After(to); t = t.Add(step) {
			if v, there := o.rate[name](t); there {
				at, values = append(at, t.UnixMilli()), append(values, v)
			}
		}
		if len(at) > 0 {
			if err := each(map[string]string{"namespace": "shop", "workload": name}, at, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// noisy is a rate with noise that is the same whenever it is asked for.
func noisy(seed uint64, level func(at time.Time) float64) func(time.Time) (float64, bool) {
	return func(at time.Time) (float64, bool) {
		v := level(at)
		return v * (1 + 0.05*rand.New(rand.NewPCG(seed, uint64(at.Unix()))).NormFloat64()), v >= 0
	}
}

// diary follows an office, and notes what is told.
type diary struct {
	*metrics.Follower
	now  time.Time
	told []string
	log  bytes.Buffer
}

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// keep makes a follower of an office at a moment, with what is kept in a file.
func keep(from metrics.Source, file string, now time.Time, change func(*metrics.FollowOptions)) *diary {
	d := &diary{now: now}
	note := func(what string) func(observe.Anomaly) {
		return func(a observe.Anomaly) {
			d.told = append(d.told, what+" "+a.Signal.Workload()+" "+a.Signal.Watch.Golden.String())
		}
	}
	hear := func(what string) func(metrics.Quiet) {
		return func(q metrics.Quiet) {
			d.told = append(d.told, fmt.Sprintf("%s %s/%s %s", what, q.Namespace, q.Workload, q.Since.Format("15:04")))
		}
	}
	o := metrics.FollowOptions{
		Interval: time.Minute, Keep: file, Now: func() time.Time { return d.now }, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Hooks: metrics.Hooks{Opened: note("opened"), Closed: note("closed"), Unknown: note("unknown"), Silent: hear("silent"), Heard: hear("heard")},
	}
	if change != nil {
		change(&o)
	}
	d.Follower = metrics.NewFollower(from, o)
	return d
}

// follow goes on until a moment, in steps of a while; an hour is enough where nothing
// is to be told in its time.
func (d *diary) follow(t *testing.T, until time.Time, every time.Duration) {
	t.Helper()
	for d.now.Before(until) {
		d.now = d.now.Add(every)
		if err := d.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// rest ends it as the end of the program does.
func (d *diary) rest() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d.Run(ctx) // keeps what it knows
}

func (d *diary) want(t *testing.T, what string, told ...string) {
	t.Helper()
	if !slices.Equal(d.told, told) {
		t.Errorf("%s: told %q, want %q", what, d.told, told)
	}
	d.told = nil
}

// TestFollowWeeks learns what weeks are like, through restarts: nobody is told each Monday
// that people work.
func TestFollowWeeks(t *testing.T) {
	o := &office{rate: map[string]func(time.Time) (float64, bool){}}
	for i := range 5 {
		o.rate[fmt.Sprint("web", i)] = noisy(uint64(i), func(at time.Time) float64 {
			if h, day := at.Hour(), at.Weekday(); h >= 8 && h < 18 && day != time.Saturday && day != time.Sunday {
				return 60
			}
			return 10
		})
	}
	aDay := func(o *metrics.FollowOptions) { o.History = 24 * time.Hour }
	weeks := func(file string) (told []string) {
		for day := range 28 {
			now := monday.AddDate(0, 0, day)
			d := keep(o, file, now, aDay)
			d.follow(t, now.Add(24*time.Hour), time.Hour)
			if day > 14 {
				told = append(told, d.told...)
			}
			d.rest()
		}
		return told
	}
	if told := weeks(filepath.Join(t.TempDir(), "signals")); len(told) > 0 {
		t.Errorf("told of office weeks: %q", told)
	}
	if told := weeks(""); len(told) == 0 {
		t.Error("who forgets each night what it learned tells nothing either: this says nothing")
	}
}

// TestFollowThroughARestart tells what began and what ended while nobody ran, once, and
// asks for no more than was missed.
func TestFollowThroughARestart(t *testing.T) {
	const hour = time.Hour
	begin := monday.Add(48 * hour)
	failing := func(from, to time.Duration) func(time.Time) float64 {
		return func(at time.Time) float64 {
			if since := at.Sub(begin); since >= from && since < to {
				return 300
			}
			return 100
		}
	}
	o := &office{rate: map[string]func(time.Time) (float64, bool){
		"ends":   noisy(1, failing(0, 90*time.Minute)),
		"begins": noisy(2, failing(100*time.Minute, 20*hour)),
		"lasts":  noisy(3, failing(0, 20*hour)),
	}}
	file := filepath.Join(t.TempDir(), "signals")
	d := keep(o, file, begin.Add(-10*time.Minute), nil)
	d.follow(t, begin.Add(hour), 5*time.Minute)
	slices.Sort(d.told)
	d.want(t, "before", "opened ends rate", "opened lasts rate")
	d.rest()

	o.asked = time.Time{}
	again := keep(o, file, begin.Add(2*hour), nil)
	again.follow(t, begin.Add(2*hour+10*time.Minute), 5*time.Minute)
	if early := begin.Add(hour - 2*time.Minute); o.asked.Before(early) {
		t.Errorf("what was known was asked for again, from %s on", o.asked)
	}
	again.want(t, "what began meanwhile", "opened begins rate")
	again.follow(t, begin.Add(8*hour), 5*time.Minute)
	if !slices.Contains(again.told, "closed ends rate") || slices.Contains(again.told, "opened lasts rate") {
		t.Errorf("told %q", again.told)
	}
	// Who never stopped knows the same.
	whole := keep(o, "", begin.Add(-10*time.Minute), nil)
	whole.follow(t, again.now, 5*time.Minute)
	if a, b := names(whole.Open()), names(again.Open()); a != b {
		t.Errorf("open are %s, not %s", b, a)
	}
}

func names(all []observe.Anomaly) string {
	var out []string
	for _, a := range all {
		out = append(out, a.Signal.Workload()+" since "+a.Since.String())
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestFollowSilence takes silence for no health: what is abnormal and falls silent stays
// abnormal, and in the end nobody knows; a workload that falls silent is told, and heard
// again.
func TestFollowSilence(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	since := func(at time.Time) time.Duration { return at.Sub(begin) }
	o := &office{rate: map[string]func(time.Time) (float64, bool){
		"web": noisy(1, func(time.Time) float64 { return 100 }),
		"dies": noisy(2, func(at time.Time) float64 {
			switch {
			case since(at) < 0:
				return 100
			case since(at) < time.Hour:
				return 400
			}
			return -1
		}),
		"sleeps": noisy(3, func(at time.Time) float64 {
			if since(at) > time.Hour && since(at) < 3*time.Hour {
				return -1
			}
			return 100
		}),
	}}
	d := keep(o, "", begin.Add(-10*time.Minute), nil)
	d.follow(t, begin.Add(time.Hour), 5*time.Minute)
	d.want(t, "at first", "opened dies rate")
	d.follow(t, begin.Add(2*time.Hour), 5*time.Minute)
	slices.Sort(d.told)
	d.want(t, "silent", "silent shop/dies 00:59", "silent shop/sleeps 01:00")
	if err := testutil.CollectAndCompare(d, strings.NewReader(fmt.Sprintf(`# HELP aeo_observe_anomalies Anomalies that go on, by whose they are and what is abnormal.
# TYPE aeo_observe_anomalies gauge
aeo_observe_anomalies{namespace="shop",quantity="rate",workload="dies"} 1
# HELP aeo_observe_silent_since_timestamp_seconds When something was measured last of a workload of which nothing is any more.
# TYPE aeo_observe_silent_since_timestamp_seconds gauge
aeo_observe_silent_since_timestamp_seconds{namespace="shop",workload="dies"} %v
aeo_observe_silent_since_timestamp_seconds{namespace="shop",workload="sleeps"} %v
`, begin.Add(59*time.Minute).Unix(), begin.Add(60*time.Minute).Unix())), "aeo_observe_anomalies", "aeo_observe_silent_since_timestamp_seconds"); err != nil {
		t.Error(err)
	}
	d.follow(t, begin.Add(4*time.Hour), 5*time.Minute)
	d.want(t, "heard", "heard shop/sleeps 01:00")
	d.follow(t, begin.Add(90*time.Hour), time.Hour)
	d.want(t, "for days")
	d.follow(t, begin.Add(99*time.Hour), time.Hour)
	d.want(t, "in the end", "unknown dies rate")
}

// TestFollowDeafness says once that nothing is measured at all, and of no workload that it
// is silent then.
func TestFollowDeafness(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	o := &office{rate: map[string]func(time.Time) (float64, bool){}}
	for _, name := range []string{"web", "orders"} {
		o.rate[name] = noisy(1, func(at time.Time) float64 {
			if at.After(begin) && at.Before(begin.Add(time.Hour)) {
				return -1
			}
			return 100
		})
	}
	d := keep(o, "", begin, nil)
	d.follow(t, begin.Add(2*time.Hour), 5*time.Minute)
	d.want(t, "nothing is measured")
	if n := strings.Count(d.log.String(), "nothing is measured any more"); n != 1 {
		t.Errorf("said %d times: %s", n, &d.log)
	}
}

// TestFollowASourceThatIsDown goes on where it was when the source answers again: nothing
// is lost.
func TestFollowASourceThatIsDown(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	o := &office{rate: map[string]func(time.Time) (float64, bool){"web": noisy(1, func(at time.Time) float64 {
		if at.After(begin.Add(20*time.Minute)) && at.Before(begin.Add(3*time.Hour)) {
			return 500
		}
		return 100
	})}}
	d := keep(o, "", begin, nil)
	d.follow(t, begin.Add(10*time.Minute), time.Minute)
	o.down = errors.New("no route to it")
	for range 60 {
		d.now = d.now.Add(time.Minute)
		if err := d.Step(t.Context()); !errors.Is(err, o.down) {
			t.Fatal(err)
		}
	}
	d.want(t, "down")
	o.down, o.asked = nil, time.Time{}
	d.follow(t, d.now.Add(time.Minute), time.Minute)
	d.want(t, "again", "opened web rate")
	if open := d.Open(); len(open) != 1 || open[0].Since.Sub(begin) > 25*time.Minute || o.asked.Sub(begin) > 11*time.Minute {
		t.Errorf("open since %v, asked from %s", names(open), o.asked)
	}
}

// TestFollowABadFile learns anew, and says why, where the file is damaged, of the future,
// of other intervals or none; and goes on where it cannot be written.
func TestFollowABadFile(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	o := &office{rate: map[string]func(time.Time) (float64, bool){"web": noisy(1, func(time.Time) float64 { return 100 })}}
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	d := keep(o, good, begin, nil)
	d.follow(t, begin.Add(time.Minute), time.Minute)
	d.rest()
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(good); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	text[len(text)/2] ^= 1
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, said string
		now        time.Time
		interval   time.Duration
	}{
		"good":      {good, "", begin, time.Minute},
		"damaged":   {bad, "checksum", begin, time.Minute},
		"folder":    {dir, "no file of signals", begin, time.Minute},
		"future":    {good, "yet to come", begin.Add(-time.Hour), time.Minute},
		"intervals": {good, "apart", begin, 2 * time.Minute},
		"nowhere":   {filepath.Join(dir, "none", "signals"), "is not kept", begin, time.Minute},
	} {
		var text []byte
		if c.file == good {
			text, _ = os.ReadFile(good)
		}
		o.asked = time.Time{}
		d := keep(o, c.file, c.now, func(o *metrics.FollowOptions) { o.Interval = c.interval })
		d.follow(t, c.now.Add(20*time.Minute), c.interval)
		d.rest()
		if said := d.log.String(); (c.said == "") != (said == "") || !strings.Contains(said, c.said) {
			t.Errorf("%s: said %q", name, said)
		}
		if anew := o.asked.Before(c.now.Add(-24 * time.Hour)); anew == (c.said == "") {
			t.Errorf("%s: learned from %s", name, o.asked)
		}
		if c.file == good {
			if err := os.WriteFile(good, text, 0o600); err != nil { // as it was
				t.Fatal(err)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFollowMonitorsThroughARestart goes on with monitors when their Application is known
// again, and forgets those that nobody wants any more.
func TestFollowMonitorsThroughARestart(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	o := &office{rate: map[string]func(time.Time) (float64, bool){"web": noisy(1, func(at time.Time) float64 {
		if at.After(begin) {
			return 500
		}
		return 100
	})}}
	file := filepath.Join(t.TempDir(), "signals")
	kept, gone := watch.MonitorOf("kept", "a"), watch.MonitorOf("gone", "b")
	all := []watch.Watch{kept, gone}
	wants := func(o *metrics.FollowOptions) { o.Monitors = func() []watch.Watch { return all } }
	d := keep(o, file, begin, wants)
	d.follow(t, begin.Add(20*time.Minute), time.Minute)
	slices.Sort(d.told)
	d.want(t, "before", "opened web monitor", "opened web monitor", "opened web rate")
	d.rest()

	o.asked = time.Time{}
	again := keep(o, file, begin.Add(30*time.Minute), wants)
	all = nil // Applications are not known yet
	again.follow(t, begin.Add(35*time.Minute), time.Minute)
	again.want(t, "they are not known")
	all = []watch.Watch{kept}
	again.follow(t, begin.Add(39*time.Minute), time.Minute)
	again.want(t, "known again")
	if early := begin.Add(15 * time.Minute); o.asked.Before(early) {
		t.Errorf("asked again from %s", o.asked)
	}
	again.follow(t, begin.Add(45*time.Minute), time.Minute)
	again.want(t, "one is gone", "unknown web monitor")
}

// TestFollowWhatIsPlanned opens no anomaly of what is planned, learns it, and does of others.
func TestFollowWhatIsPlanned(t *testing.T) {
	begin := monday.Add(72 * time.Hour)
	moved := func(at time.Time) float64 {
		if at.After(begin) {
			return 500
		}
		return 100
	}
	o := &office{rate: map[string]func(time.Time) (float64, bool){"moves": noisy(1, moved), "web": noisy(2, moved)}}
	d := keep(o, "", begin.Add(-10*time.Minute), func(o *metrics.FollowOptions) {
		o.Planned = func() func(observe.Signal) func(time.Time) bool {
			return func(s observe.Signal) func(time.Time) bool {
				if s.Workload() != "moves" {
					return nil
				}
				return func(at time.Time) bool { return at.Before(begin.Add(6 * time.Hour)) }
			}
		}
	})
	d.follow(t, begin.Add(12*time.Hour), 10*time.Minute)
	if len(d.told) == 0 || d.told[0] != "opened web rate" || slices.Contains(d.told, "opened moves rate") {
		t.Errorf("told %q", d.told)
	}
}
