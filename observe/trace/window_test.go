package trace_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func window(t testing.TB, o trace.Options) *trace.Window {
	t.Helper()
	w, err := trace.NewWindow(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// after is a moment of the window's clock.
func after(d time.Duration) time.Time { return epoch.Add(d) }

// id makes the id of a numbered trace.
func id(n int) trace.ID {
	s := number(n + 1)
	return trace.ID{8: s[0], 9: s[1], 10: s[2], 11: s[3], 12: s[4], 13: s[5], 14: s[6], 15: s[7]}
}

func TestWindow(t *testing.T) {
	w := window(t, trace.Options{})
	if _, err := w.Get(trace.ID{1}); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "no span at all") {
		t.Error(err)
	}
	for _, s := range shop() {
		if got := w.Add(after(0), []trace.Span{s}); got.Accepted != 1 || got.Rejected != 0 {
			t.Errorf("%+v", got)
		}
	}
	if v := w.Between(after(0), after(time.Minute)); len(v.Totals) != 0 {
		t.Errorf("costs before it is settled: %+v", v)
	}
	w.Advance(after(10 * time.Second))
	tr, err := w.Get(trace.ID{1})
	if err != nil || len(tr.Spans) != 8 {
		t.Errorf("%v %v", tr, err)
	}
	v := w.Between(after(0), after(time.Minute))
	if len(v.Totals) != 5 || !v.Covered || v.Loss != (trace.Loss{}) {
		t.Fatalf("%+v", v)
	}
	// The most time of its own first.
	if first := v.Totals[0]; first.Edge.Callee.Key.Service != "stock" || first.Cost.Calls != 1 || first.Cost.SelfSum != 36*time.Millisecond || first.Cost.Slowest != (trace.ID{1}) || !first.Cost.LastFailed.IsZero() {
		t.Errorf("%+v", first.Edge)
	}
	if v := w.Between(after(-time.Hour), after(time.Minute)); v.Covered {
		t.Error("an hour before the first span is covered")
	}
	if _, err := w.Get(trace.ID{7}); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	u := w.Usage()
	if u.Spans != 8 || u.Traces != 1 || u.Services != 1 || u.Bytes <= 8*150 || !u.Since.Equal(epoch) {
		t.Errorf("%+v", u)
	}
}

// TestLosses sends what cannot be kept.
func TestLosses(t *testing.T) {
	w := window(t, trace.Options{MaxSpans: 3})
	none, early, long := at("a", 1, 0, trace.Server, 0, 1), at("a", 1, 0, trace.Server, 0, 1), []trace.Span{}
	none.Trace, early.Start = trace.ID{}, 0
	for i := range byte(5) {
		long = append(long, at("a", i+1, 0, trace.Server, 0, 1))
	}
	eternal := at("a", 1, 0, trace.Server, 0, 1)
	eternal.End = math.MaxInt64
	for want, spans := range map[string][]trace.Span{"longer than a week": {eternal}, "no trace id": {none}, "no start": {early}, "too many spans": long} {
		if got := w.Add(after(0), spans); got.Rejected == 0 || !strings.Contains(got.Why, want) {
			t.Errorf("%s: %+v", want, got)
		}
	}
	w.Advance(after(time.Minute))
	w.Add(after(time.Minute), []trace.Span{at("b", 9, 0, trace.Server, 0, 1, in(2))})
	w.Advance(after(70 * time.Second))
	w.Add(after(70*time.Second), []trace.Span{at("b", 8, 0, trace.Server, 0, 1, in(2))})
	w.Refused(after(70*time.Second), 40)
	want := trace.Loss{Invalid: 3, Oversize: 2, Late: 1, Refused: 40}
	if got := w.Usage().Loss; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if st := w.State(after(70 * time.Second)); st.Sight != trace.Partial || !strings.Contains(st.Why, "40 spans were refused") {
		t.Errorf("%+v", st)
	}
}

// TestClocksThatAreFarOff: what such senders' calls cost is counted when it came.
func TestClocksThatAreFarOff(t *testing.T) {
	w := window(t, trace.Options{})
	for i, hours := range []int64{-1, 0, 1} {
		w.Add(after(0), []trace.Span{at("a", 1, 0, trace.Server, hours*3_600_000, hours*3_600_000+5, in(byte(i+1)))})
	}
	w.Advance(after(10 * time.Second))
	if v := w.Between(after(0), after(time.Minute)); len(v.Totals) != 1 || v.Totals[0].Cost.Calls != 3 {
		t.Errorf("%+v", v)
	}
}

// TestBlind tells silence from health.
func TestBlind(t *testing.T) {
	w := window(t, trace.Options{})
	if st := w.State(after(0)); st.Sight != trace.Blind || !st.Last.IsZero() || st.Spans != 0 {
		t.Errorf("%+v", st)
	}
	w.Add(after(0), shop())
	w.Add(after(4*time.Minute), []trace.Span{at("web", 1, 0, trace.Server, 0, 1, in(2))})
	for service, want := range map[string]trace.Sight{"web": trace.Seeing, "cart": trace.Blind, "nobody": trace.Blind} {
		if st := w.StateOf(who(service).Key, after(6*time.Minute)); st.Sight != want || (want == trace.Blind) != (st.Why != "") {
			t.Errorf("%s: %+v", service, st)
		}
	}
	if st := w.State(after(6 * time.Minute)); st.Sight != trace.Seeing || st.Spans != 9 || !st.Last.Equal(after(4*time.Minute)) {
		t.Errorf("%+v", st)
	}
	if st := w.State(after(9 * time.Minute)); st.Sight != trace.Blind || !strings.Contains(st.Why, "5m0s") {
		t.Errorf("%+v", st)
	}
}

// TestAFloodEvictsItself has one service send a thousand times what another does.
func TestAFloodEvictsItself(t *testing.T) {
	w := window(t, trace.Options{MaxBytes: 1 << 20})
	for i := range 50 {
		w.Add(after(0), []trace.Span{at("small", 1, 0, trace.Server, 0, 1, func(s *trace.Span) { s.Trace = id(i) })})
	}
	for i := range 50_000 {
		w.Add(after(time.Second), []trace.Span{at("flood", 1, 0, trace.Server, 0, 1, func(s *trace.Span) { s.Trace = id(1000 + i) })})
	}
	for i := range 50 {
		if _, err := w.Get(id(i)); err != nil {
			t.Errorf("a trace of the small one is gone: %v", err)
		}
	}
	u := w.Usage()
	if u.Bytes > u.MaxBytes || u.Loss.Evicted == 0 || uint64(u.Spans)+u.Loss.Evicted != 50_050 {
		t.Errorf("%+v", u)
	}
	if _, err := w.Get(id(1000)); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "make room") {
		t.Error(err)
	}
	// What was evicted was counted before.
	w.Advance(after(time.Minute))
	var calls uint64
	for _, total := range w.Between(after(0), after(time.Minute)).Totals {
		calls += total.Cost.Calls
	}
	if calls != 50_050 {
		t.Errorf("%d calls were counted", calls)
	}
}

func TestFailedAndSlowOnesStay(t *testing.T) {
	w := window(t, trace.Options{MaxBytes: 1 << 18, Settle: time.Second})
	send := func(n int, d int64, change func(*trace.Span)) {
		w.Add(after(time.Duration(n)*10*time.Millisecond), []trace.Span{at("web", 1, 0, trace.Server, 0, d, func(s *trace.Span) { s.Trace = id(n); change(s) })})
	}
	for n := range 300 {
		send(n, 10, func(*trace.Span) {})
	}
	send(300, 10, failed)
	send(301, 5000, func(*trace.Span) {})
	for n := 302; n < 5000; n++ {
		send(n, 10, func(*trace.Span) {})
	}
	for n, kept := range map[int]bool{0: false, 299: false, 302: false, 300: true, 301: true, 4999: true} {
		if _, err := w.Get(id(n)); (err == nil) != kept {
			t.Errorf("trace %d: %v", n, err)
		}
	}
	// With nothing but failures the oldest of them go.
	for n := 5000; n < 9000; n++ {
		send(n, 10, failed)
	}
	if u := w.Usage(); u.Bytes > u.MaxBytes {
		t.Errorf("%+v", u)
	}
	if _, err := w.Get(id(8999)); err != nil {
		t.Error(err)
	}
	w.Advance(after(90*time.Second + 20*time.Minute))
	if u := w.Usage(); u.Spans == 0 {
		t.Error("failed ones are gone after a quarter of an hour")
	}
	w.Advance(after(3 * time.Hour))
	if u := w.Usage(); u.Spans != 0 || u.Traces != 0 || u.Bytes != 0 || u.Services != 0 {
		t.Errorf("%+v", u)
	}
}

// TestOutage: when everything fails, the oldest make room, and no trace is torn.
func TestOutage(t *testing.T) {
	for _, d := range []int64{10, 11, 12, 13} { // all of one length are none slow
		w := window(t, trace.Options{MaxBytes: 1 << 18, Settle: time.Second})
		for n := range 5000 {
			s := at("web", 1, 0, trace.Server, 0, d, func(s *trace.Span) { s.Trace, s.Failed = id(n), n > 2500 })
			w.Add(after(time.Duration(n)*10*time.Millisecond), []trace.Span{s})
		}
		if u := w.Usage(); u.Loss.Hurried != 0 || u.Loss.Evicted == 0 {
			t.Errorf("%+v", u)
		}
		if _, err := w.Get(id(4999)); err != nil {
			t.Error(err)
		}
	}
}

// TestATraceThatNeverEnds is settled all the same.
func TestATraceThatNeverEnds(t *testing.T) {
	w := window(t, trace.Options{MaxSpans: 1000})
	for i := range 100 {
		s := at("a", 0, 0, trace.Server, int64(i)*1000, int64(i)*1000+1)
		s.ID = number(i + 1)
		w.Add(after(time.Duration(i)*time.Second), []trace.Span{s})
	}
	if late := w.Usage().Loss.Late; late < 30 || late > 45 {
		t.Errorf("%d spans are late", late)
	}
}

// TestMemoryIsBounded sends what is most expensive to keep.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 8 << 20
	w := window(t, trace.Options{MaxBytes: limit, MaxEdges: 200, Buckets: 5, MaxServices: 100})
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	long := strings.Repeat("x", 5000)
	for i := range 40_000 {
		s := at("", 1, 0, trace.Client, 0, 1, failed, peer(trace.External, fmt.Sprint(i)))
		s.Trace = id(i / 2)
		s.ID = number(i + 1)
		s.Name, s.Message = fmt.Sprint(i, long), fmt.Sprint(i, long)
		key := identity.Clean(fmt.Sprint(i, long))
		s.From = &identity.Identity{Key: identity.Key{Service: key}, Pod: key}
		s.Links = make([]trace.Link, 100)
		w.Add(after(time.Duration(i)*time.Millisecond), []trace.Span{s})
	}
	runtime.GC()
	runtime.ReadMemStats(&now)
	u := w.Usage()
	if grown := int64(now.HeapAlloc) - int64(before.HeapAlloc); u.Bytes > limit || grown > 3*limit {
		t.Errorf("%d bytes on the heap, %d by its own account", grown, u.Bytes)
	}
	if u.Services > 101 || u.Loss.Collapsed == 0 || u.Loss.Unplaced == 0 {
		t.Errorf("%+v", u)
	}
	runtime.KeepAlive(w)
}

func TestOptions(t *testing.T) {
	_, err := trace.NewWindow(trace.Options{MaxBytes: 1, MaxAge: -1, Buckets: -1, KeepAge: -2})
	if fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	for _, want := range []string{"MaxBytes", "MaxAge", "Buckets", "KeepAge"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

// TestSpoiledSpans are mended before they are kept.
func TestSpoiledSpans(t *testing.T) {
	w := window(t, trace.Options{})
	s := at("a", 1, 0, trace.Kind(99), 5, 1)
	s.Name, s.Links, s.Message = "\xff\x00b"+strings.Repeat("é", 1000), make([]trace.Link, 99), strings.Repeat("é", 9999)
	w.Add(after(0), []trace.Span{s})
	tr, err := w.Get(s.Trace)
	if err != nil {
		t.Fatal(err)
	}
	n := tr.Spans[0]
	if n.Kind.String() != "unspecified" || !strings.HasPrefix(n.Name, "\uFFFDbé") || len(n.Name) > trace.MaxName || len(n.Message) > trace.MaxMessage || len(n.Links) != trace.MaxLinks || n.Duration() != 0 {
		t.Errorf("%+v", n)
	}
}

func TestConcurrently(t *testing.T) {
	w := window(t, trace.Options{MaxBytes: 1 << 18})
	done := make(chan bool)
	for g := range 4 {
		go func() {
			for i := range 500 {
				spans := shop()
				for j := range spans {
					spans[j].Trace = id(g*1000 + i)
				}
				w.Add(after(time.Duration(i)*100*time.Millisecond), spans)
				w.Find(trace.Query{Failed: true})
				w.Between(after(0), after(time.Minute))
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
	if u := w.Usage(); uint64(u.Spans)+u.Loss.Evicted != 4*500*8 {
		t.Errorf("%+v", u)
	}
}
