package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/stream"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// hashOf has many names share a hash.
func hashOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64() % 13
}

// told is a table and what became of its series.
type told struct {
	*stream.Table[string]
	mu    sync.Mutex
	turns []stream.Turn
}

func table(t testing.TB, most int) *told {
	t.Helper()
	x := &told{}
	var err error
	x.Table, err = stream.NewTable(stream.Options[string]{
		MaxSeries: most,
		Naming: stream.Naming[string]{
			Same: func(a, b string) bool { return a == b }, Hash: hashOf, Picked: func(name string) bool { return !strings.HasPrefix(name, "not") },
			Kind: func(name string) stream.Kind {
				if strings.HasSuffix(name, "_total") {
					return stream.Counter
				}
				return stream.Gauge
			},
			Signal: func(name string, _ stream.Kind) observe.Signal {
				return observe.Signal{Watch: watch.Watch{Name: name, Namespace: "shop", Workload: name}}
			},
			Write: func(b []byte, name string) []byte { return append(b, name...) },
			Read:  func(b []byte) (string, error) { return string(b), nil },
		},
		Turned: func(turns []stream.Turn) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.turns = append(x.turns, turns...)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func sample(name string, at int64, v float64) stream.Sample[string] {
	return stream.Sample[string]{Name: name, Hash: hashOf(name), At: at, Value: v}
}

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// made makes samples of a series with faults, gaps, duplicates, late ones, restarts and
// values that are no numbers.
func made(random *rand.Rand, counter bool, n int) (at []int64, values []float64) {
	now, total := start.UnixMilli(), 0.0
	faulty := 200 + random.IntN(n/2)
	for i := range n {
		now += 15_000
		v := 100 + 10*math.Sin(float64(i)/20) + 3*random.NormFloat64()
		if i >= faulty && i < faulty+40 {
			v *= 8
		}
		if total += v; counter {
			v = total
		}
		moment := now
		switch random.IntN(60) {
		case 0:
			v = math.NaN()
		case 1:
			moment -= 15_000 * int64(random.IntN(3))
		case 2:
			now += 600_000
			moment = now
		case 3:
			total = 0
		}
		at, values = append(at, moment), append(values, v)
	}
	return at, values
}

// TestSameAsByHand: whatever comes together in a batch, what becomes of each series is
// what a detector says that is fed with it alone.
func TestSameAsByHand(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const series, samples = 60, 700
	x := table(t, series)
	var names []string
	at, values, next := map[string][]int64{}, map[string][]float64{}, map[string]int{}
	for i := range series {
		name := fmt.Sprint("gauge", i)
		if i%2 == 0 {
			name = fmt.Sprint(i, "_total")
		}
		names = append(names, name)
		at[name], values[name] = made(random, i%2 == 0, samples)
	}
	var b stream.Batch[string]
	for left := series * samples; left > 0; {
		for range 1 + random.IntN(400) {
			name := names[random.IntN(series)]
			if i := next[name]; i < samples {
				b.Add(sample(name, at[name][i], values[name][i]))
				next[name]++
				left--
			}
		}
		b.Add(sample("not this", 1, 1))
		x.Feed(&b, start)
	}
	got := map[string][]stream.Turn{}
	for _, turn := range x.turns {
		name := turn.Anomaly.Signal.Watch.Name
		turn.Anomaly.Signal = observe.Signal{}
		got[name] = append(got[name], turn)
	}
	var states [anomaly.Restarted + 1]uint64
	begun := 0
	for i, name := range names {
		set := anomaly.Default()
		set.Counter = i%2 == 0
		d, err := anomaly.New(set)
		if err != nil {
			t.Fatal(err)
		}
		want := byHand(d, at[name], values[name], &states)
		if !reflect.DeepEqual(got[name], want) {
			t.Fatalf("%s:\n%+v\nby hand:\n%+v", name, got[name], want)
		}
		begun += len(want)
	}
	if c := x.Count(); c.Samples != states || c.Followed() != series || c.Left != 0 || begun < series/2 {
		t.Errorf("%+v, by hand %v, of %d series %d turns", c, states, series, begun)
	}
}

// byHand says what becomes of one series.
func byHand(d *anomaly.Detector, at []int64, values []float64, states *[anomaly.Restarted + 1]uint64) (turns []stream.Turn) {
	var s anomaly.Series
	var open *observe.Anomaly
	for i, v := range values {
		v := d.Observe(&s, anomaly.Sample{At: at[i], Value: v})
		states[v.State]++
		switch {
		case v.State == anomaly.Absent, v.State == anomaly.Late, v.State == anomaly.Restarted:
		case v.Onset:
			e := d.Explain(&s)
			open = &observe.Anomaly{Since: time.UnixMilli(v.Since), Probability: v.Probability, Direction: e.Direction, Value: v.Value, Low: e.Low, High: e.High, Explanation: e}
			turns = append(turns, stream.Turn{What: stream.Began, Anomaly: *open})
		case open != nil && v.State != anomaly.Abnormal:
			open.Explanation = d.Explain(&s)
			turns = append(turns, stream.Turn{What: stream.Ended, Anomaly: *open})
			open = nil
		case open != nil:
			open.Probability = max(open.Probability, v.Probability)
			if middle := (open.Low + open.High) / 2; math.Abs(v.Value-middle) > math.Abs(open.Value-middle) {
				open.Value = v.Value
			}
		}
	}
	return turns
}

// taught feeds so many series until they are judged; the last one is abnormal then.
func taught(t testing.TB, x *told, series int) (at int64) {
	random := rand.New(rand.NewPCG(5, 6))
	at = start.UnixMilli()
	var b stream.Batch[string]
	for n := range 360 {
		at += 15_000
		for i := range series {
			v := 100 + random.NormFloat64()
			if i == series-1 && n > 300 {
				v += 500
			}
			b.Add(sample(fmt.Sprint("s", i), at, v))
		}
		x.Feed(&b, start)
	}
	if len(x.turns) != 1 || len(x.Open()) != 1 {
		t.Fatalf("%d turns, %d open", len(x.turns), len(x.Open()))
	}
	return at
}

// TestSilence: what is marked as ended, or silent for long, is told as silent, of what was
// abnormal nobody says that it is over, and in the end there is room for others.
func TestSilence(t *testing.T) {
	x := table(t, 4)
	at := taught(t, x, 4)
	var b stream.Batch[string]
	b.Add(sample("s0", at+1, math.Float64frombits(stream.End)))
	b.Add(sample("other", at+1, 1))
	x.Feed(&b, start)
	if c := x.Count(); c.Series[observe.Silent] != 1 || c.Ends != 1 || c.Left != 1 || c.LeftSeries != 1 || c.Samples[anomaly.Absent] != 0 {
		t.Errorf("%+v", c)
	}
	x.turns = nil
	b.Add(sample("s1", at+15_000, 100))
	x.Feed(&b, start.Add(5*time.Minute))
	if n := x.Sweep(start.Add(11 * time.Minute)); n != 0 || x.Count().Series != [4]int{0, 1, 0, 3} {
		t.Errorf("%d released, %+v", n, x.Count())
	}
	if len(x.turns) != 1 || x.turns[0].What != stream.Unknown || x.turns[0].Anomaly.Signal.Watch.Name != "s3" {
		t.Errorf("%+v", x.turns)
	}
	// It is heard again, and still abnormal.
	b.Add(sample("s3", at+15_000, 600))
	x.Feed(&b, start.Add(12*time.Minute))
	if len(x.turns) != 2 || x.turns[1].What != stream.Began || !x.turns[1].Anomaly.Since.Equal(x.turns[0].Anomaly.Since) {
		t.Errorf("%+v", x.turns)
	}
	if n := x.Sweep(start.Add(61 * time.Minute)); n != 2 || x.Count().Followed() != 2 {
		t.Errorf("%d released, there is no room for others", n)
	}
	b.Add(sample("other", at+1, 1))
	b.Add(sample("s0", at+1, 1)) // anew
	x.Feed(&b, start.Add(62*time.Minute))
	if c := x.Count(); c.Followed() != 4 || c.Series[observe.Learning] != 2 || c.Released != 2 {
		t.Errorf("%+v", c)
	}
}

// TestSilenceWithRoom: where there is room what is silent stays for days.
func TestSilenceWithRoom(t *testing.T) {
	x := table(t, 5)
	taught(t, x, 4)
	if n := x.Sweep(start.Add(95 * time.Hour)); n != 0 {
		t.Errorf("%d released", n)
	}
	if n := x.Sweep(start.Add(97 * time.Hour)); n != 4 {
		t.Errorf("%d released", n)
	}
}

// TestLeftSeries: how many series are left out stays told however often it is looked within
// a minute, until none was sent for a whole slot of ten minutes.
func TestLeftSeries(t *testing.T) {
	x := table(t, 2)
	taught(t, x, 2)
	left := func(after time.Duration, want int) {
		t.Helper()
		for range 3 {
			x.Sweep(start.Add(after))
			if n := x.Count().LeftSeries; n != want {
				t.Errorf("after %v: %d series left out, want %d", after, n, want)
			}
		}
	}
	var b stream.Batch[string]
	for _, after := range []time.Duration{0, 10 * time.Minute, 20*time.Minute + time.Second} {
		for i := range 30 {
			x := sample(fmt.Sprint("other", i), start.Add(after).UnixMilli(), 1)
			x.Hash = uint64(i+1) * 0x9e3779b97f4a7c15 // of which all bits differ
			b.Add(x)
		}
		x.Sweep(start.Add(after))
		x.Feed(&b, start.Add(after))
		left(after, 30)
	}
	left(29*time.Minute, 30)
	left(35*time.Minute, 30) // of the slot before
	left(41*time.Minute, 0)
	left(5*time.Minute, 0) // the clock is put back
}

// TestClockAhead: what was heard while our clock was years ahead is silent in time once that
// is right again, and what goes on of it is not kept for years.
func TestClockAhead(t *testing.T) {
	x := table(t, 5)
	taught(t, x, 4)
	var b stream.Batch[string]
	b.Add(sample("s1", start.Add(24*time.Hour).UnixMilli(), 100))
	x.Feed(&b, start.AddDate(5, 0, 0))
	x.Sweep(start.Add(time.Hour))
	x.Sweep(start.Add(time.Hour + 11*time.Minute))
	if c := x.Count(); c.Series[observe.Silent] != 4 {
		t.Errorf("%+v", c)
	}
	if n := x.Sweep(start.Add(120 * time.Hour)); n != 4 {
		t.Errorf("%d released", n)
	}
}

// TestPlanned: what is planned of a workload opens nothing, and of the others all does.
func TestPlanned(t *testing.T) {
	x := table(t, 10)
	x.Plan(func(s observe.Signal) func(time.Time) bool {
		if s.Namespace() != "shop" || s.Workload() != "s1" {
			return nil
		}
		return func(at time.Time) bool { return at.After(start) }
	})
	random := rand.New(rand.NewPCG(5, 6))
	var b stream.Batch[string]
	for n := range 300 {
		for i := range 3 {
			v := 100 + random.NormFloat64()
			if n > 250 && i > 0 {
				v *= 5
			}
			b.Add(sample(fmt.Sprint("s", i), start.UnixMilli()+int64(n)*15_000, v))
		}
		x.Feed(&b, start)
	}
	if len(x.turns) != 1 || x.turns[0].Anomaly.Signal.Workload() != "s2" {
		t.Errorf("%+v", x.turns)
	}
}

// TestKind: who says later that a series is a counter has it learned anew.
func TestKind(t *testing.T) {
	x := table(t, 10)
	at := taught(t, x, 1)
	var b stream.Batch[string]
	s := sample("s0", at+15_000, 600)
	s.Kind = stream.Counter
	b.Add(s)
	x.Feed(&b, start)
	if c := x.Count(); c.Series[observe.Learning] != 1 || c.Samples[anomaly.Restarted] != 1 || x.turns[len(x.turns)-1].What != stream.Unknown {
		t.Errorf("%+v, %+v", c, x.turns)
	}
}

// TestDisputedKind: two senders that do not agree of what kind a series is are counted, and
// do not have it learned anew with each sample; a series that changed is.
func TestDisputedKind(t *testing.T) {
	x := table(t, 10)
	at := start.UnixMilli()
	say := func(n int, kinds ...stream.Kind) {
		var b stream.Batch[string]
		for i := range n {
			at += 15_000
			s := sample("s", at, 20+float64(i%3))
			s.Kind = kinds[i%len(kinds)]
			b.Add(s)
		}
		x.Feed(&b, start)
	}
	say(400, stream.Gauge, stream.Counter)
	if c := x.Count(); c.Disputed != 200 || c.Series[observe.Normal] != 1 || c.Samples[anomaly.Restarted] != 0 {
		t.Errorf("%+v", c)
	}
	say(300, stream.Counter)
	if c := x.Count(); c.Disputed != 200+248 || c.Series[observe.Learning] != 1 || c.Samples[anomaly.Restarted] == 0 {
		t.Errorf("changed for good: %+v", c)
	}
}

// TestTogether has several goroutines feed series of their own, others write and look
// meanwhile, and comes to what one alone comes to.
func TestTogether(t *testing.T) {
	x := table(t, 100)
	var wg, looking sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(g)))
			var b stream.Batch[string]
			for n := range 300 {
				for i := range 10 {
					b.Add(sample(fmt.Sprint(g, "-", i), start.UnixMilli()+int64(n)*1000, random.Float64()))
				}
				b.Add(sample("all of us", start.UnixMilli()+int64(n)*1000, 1))
				x.Feed(&b, start)
			}
		})
	}
	done := make(chan struct{})
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := x.Write(t.Context(), new(bytes.Buffer), start); err != nil {
				t.Error(err)
			}
			x.Sweep(start)
			x.Plan(nil)
			x.Open()
			_, _, _ = x.Find(hashOf("0-1"), "0-1")
		}
	})
	wg.Wait()
	close(done)
	looking.Wait()
	c := x.Count()
	var all uint64
	for _, n := range c.Samples {
		all += n
	}
	if c.Followed() != 41 || all != 4*300*11 {
		t.Errorf("%+v", c)
	}
}

// TestKept: what is written and read goes on as if nothing had been, and what is damaged
// anywhere is found out: what comes before that is taken up, and never more.
func TestKept(t *testing.T) {
	const series = 20
	x := table(t, 100)
	at := taught(t, x, series)
	var file bytes.Buffer
	if err := x.Write(t.Context(), &file, start); err != nil {
		t.Fatal(err)
	}
	y := table(t, 100)
	n, when, err := y.Restore(bytes.NewReader(file.Bytes()), start.Add(time.Hour))
	if n != series || !when.Equal(start) || err != nil {
		t.Fatal(n, when, err)
	}
	if y.Sweep(start.Add(time.Hour+9*time.Minute)) != 0 || y.Count().Series[observe.Silent] != 0 {
		t.Error("the time in which nobody listened counts as silence")
	}
	x.turns = nil
	random := rand.New(rand.NewPCG(8, 9))
	var b stream.Batch[string]
	for range 200 {
		at += 15_000
		for i := range series {
			v := 100 + random.NormFloat64()
			for _, to := range []*told{x, y} {
				b.Add(sample(fmt.Sprint("s", i), at, v))
				to.Feed(&b, start)
			}
		}
	}
	if len(x.turns) == 0 || !reflect.DeepEqual(x.turns, y.turns) {
		t.Errorf("%+v\nafter a restart\n%+v", x.turns, y.turns)
	}
	for i := 0; i < file.Len(); i += 1 + random.IntN(400) {
		for _, text := range [][]byte{file.Bytes()[:i], append(append(append([]byte{}, file.Bytes()[:i]...), file.Bytes()[i]^byte(1+random.IntN(255))), file.Bytes()[i+1:]...)} {
			z := table(t, 100)
			n, _, err := z.Restore(bytes.NewReader(text), start)
			// The time of writing has no checksum: it is told to people, and no more.
			if head := i >= 6 && i < 14 && len(text) == file.Len(); fault.KindOf(err) != fault.Invalid && !head || n != z.Count().Followed() || n > i/3000 && !head {
				t.Fatalf("byte %d of %d: %d are taken up, %v", i, len(text), n, err)
			}
		}
	}
}

// TestKeptIsBounded: less room than before, and a context that ends.
func TestKeptIsBounded(t *testing.T) {
	x := table(t, 100)
	taught(t, x, 20)
	var file bytes.Buffer
	if err := x.Write(t.Context(), &file, start); err != nil {
		t.Fatal(err)
	}
	y := table(t, 7)
	if n, _, err := y.Restore(&file, start); n != 7 || err != nil || y.Count().Followed() != 7 {
		t.Error(n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Write(ctx, &file, start); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNoAllocations: once all series are known a batch takes no memory.
func TestNoAllocations(t *testing.T) {
	x := table(t, 1000)
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprint("s", i)
	}
	var b stream.Batch[string]
	at := start.UnixMilli()
	round := func() {
		at += 15_000
		for i, name := range names {
			b.Add(stream.Sample[string]{Name: name, Hash: uint64(i) * 0x9e3779b97f4a7c15, At: at, Value: float64(at/15_000%7) + float64(i%5)})
		}
		x.Feed(&b, start)
	}
	for range 300 {
		round()
	}
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("a batch of %d samples takes %.1f allocations", len(names), n)
	}
}
