package trace_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
)

func TestSelfTimes(t *testing.T) {
	tr := trace.Assemble(shop())
	if !tr.Whole() || tr.Failed || tr.Duration() != 100*time.Millisecond || tr.Flaws != (trace.Flaws{}) {
		t.Errorf("%+v", tr.Flaws)
	}
	// Of cart's 76 ms a database was at work 10 and two services together 50.
	for id, want := range map[byte]time.Duration{1: 20, 2: 4, 3: 16, 4: 10, 5: 4, 6: 4, 7: 26, 8: 36} {
		if got := node(t, tr, id).Self; got != want*time.Millisecond {
			t.Errorf("span %d spent %s itself, not %d ms", id, got, want)
		}
	}
}

func TestCalls(t *testing.T) {
	tr := trace.Assemble(shop())
	got := map[string][2]time.Duration{}
	for _, c := range tr.Calls(nil) {
		got[c.Edge.Caller.String()+" "+c.Edge.Callee.String()] = [2]time.Duration{c.Latency / time.Millisecond, c.Self / time.Millisecond}
		if c.Failed || c.Fault || c.GaveUp || c.Edge.Async {
			t.Errorf("%+v", c)
		}
	}
	const p = "production:shop/"
	want := map[string][2]time.Duration{
		"outside " + p + "web":               {100, 20},
		p + "web " + p + "cart":              {80, 16},
		p + "cart database:postgresql/carts": {10, 10},
		p + "cart " + p + "price":            {30, 26},
		p + "cart " + p + "stock":            {40, 36},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestTheOrderOfSpansDoesNotMatter also sends some twice.
func TestTheOrderOfSpansDoesNotMatter(t *testing.T) {
	want := trace.Assemble(shop())
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		spans := append(shop(), shop()[r.IntN(8)])
		r.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		got := trace.Assemble(spans)
		if got.Flaws.Duplicates != 1 {
			t.Fatalf("%+v", got.Flaws)
		}
		got.Flaws = trace.Flaws{}
		for i := range got.Spans {
			got.Spans[i].From = want.Spans[i].From
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\n%+v", got, want)
		}
	}
}

// TestBlame looks for whose failure it was.
// asked has the calls 5 and 6 of the purchase named by their method alone, as calls over
// HTTP are, and say whom they ask; the second comes after the first.
func asked(spans []trace.Span, first, second string) []trace.Span {
	for i, who := range map[int]string{4: first, 5: second} {
		spans[i].Name = "GET"
		peer(trace.External, who)(&spans[i])
	}
	spans[5].Start = spans[4].End + 2*ms
	spans[7].Start = spans[5].Start + 2*ms
	return spans
}

func TestBlame(t *testing.T) {
	mark := func(ids ...byte) []trace.Span {
		spans := shop()
		for _, id := range ids {
			spans[id-1].Failed = true
		}
		return spans
	}
	retried := func() []trace.Span {
		spans := mark(1, 2, 3, 5)
		return append(spans, at("cart", 9, 3, trace.Client, 61, 70, named(spans[4].Name)))
	}
	for name, c := range map[string]struct {
		spans  []trace.Span
		blamed string // ids
		faults string // callees, in the order of their spans
		gaveUp string
	}{
		"nothing":                        {shop(), "", "", ""},
		"the deepest":                    {mark(1, 2, 3, 6, 8), "8", "stock", ""},
		"two of them":                    {mark(1, 2, 3, 5, 6, 7, 8), "78", "price stock", ""},
		"a database":                     {mark(1, 2, 3, 4), "4", "postgresql/carts", ""},
		"in the middle":                  {mark(1, 2, 3), "3", "cart", ""},
		"a client that gave up":          {mark(1, 2, 3, 6), "6", "", "stock"},
		"one that was caught":            {mark(6, 8), "8", "stock", ""},
		"a retry that helped":            {retried(), "35", "cart", "price"},
		"the next call of the same name": {asked(mark(1, 2, 3, 5, 7), "price", "stock"), "7", "price", ""},
		"a retry that says whom it asks": {append(asked(mark(1, 2, 3, 5, 7), "price", "stock"), at("cart", 9, 3, trace.Client, 81, 85, named("GET"), peer(trace.External, "price"))), "37", "cart price", ""},
		"through a span that is mute":    {append(mark(1, 2), at("web", 10, 1, trace.Internal, 91, 99), at("web", 11, 10, trace.Internal, 92, 98, failed)), "2;", "web", "cart"},
		"a message that is not waited":   {append(mark(1), at("mail", 10, 1, trace.Consumer, 95, 120, failed)), "1:", "web mail", ""},
	} {
		tr := trace.Assemble(c.spans)
		var blamed, faults, gaveUp []string
		for i := range tr.Spans {
			if tr.Spans[i].Blamed {
				blamed = append(blamed, string(rune('0'+tr.Spans[i].ID[7])))
			}
		}
		for _, k := range tr.Calls(nil) {
			if k.Fault {
				faults = append(faults, k.Edge.Callee.Key.Service)
			}
			if k.GaveUp {
				gaveUp = append(gaveUp, k.Edge.Callee.Key.Service)
			}
		}
		if b, f, g := strings.Join(blamed, ""), strings.Join(faults, " "), strings.Join(gaveUp, " "); b != c.blamed || f != c.faults || g != c.gaveUp {
			t.Errorf("%s: blamed %q, faults %q, gave up %q; want %q, %q, %q", name, b, f, g, c.blamed, c.faults, c.gaveUp)
		}
	}
}

func TestFlaws(t *testing.T) {
	cycle := []trace.Span{at("a", 1, 3, trace.Internal, 0, 9), at("a", 2, 1, trace.Internal, 1, 8), at("a", 3, 2, trace.Internal, 2, 7), at("a", 4, 3, trace.Internal, 3, 6)}
	for name, c := range map[string]struct {
		spans []trace.Span
		want  trace.Flaws
		kept  int
	}{
		"an orphan":           {shop()[2:], trace.Flaws{Orphans: 1}, 6},
		"its own parent":      {[]trace.Span{at("a", 1, 1, trace.Server, 0, 1)}, trace.Flaws{Cycles: 1}, 1},
		"a cycle":             {cycle, trace.Flaws{Cycles: 1}, 4},
		"two cycles":          {append(cycle, at("a", 5, 6, trace.Internal, 0, 1), at("a", 6, 5, trace.Internal, 0, 1)), trace.Flaws{Cycles: 2}, 6},
		"no id":               {[]trace.Span{at("a", 0, 0, trace.Server, 0, 1)}, trace.Flaws{Odd: 1}, 0},
		"an end before":       {[]trace.Span{at("a", 1, 0, trace.Server, 5, 1)}, trace.Flaws{Odd: 1}, 1},
		"another of one id":   {[]trace.Span{at("a", 1, 0, trace.Server, 0, 1), at("a", 1, 0, trace.Server, 0, 2)}, trace.Flaws{Duplicates: 1}, 1},
		"an inner of its id":  {[]trace.Span{at("a", 1, 0, trace.Server, 0, 1), at("a", 1, 0, trace.Internal, 0, 2)}, trace.Flaws{Duplicates: 1}, 1},
		"two sides of one id": {[]trace.Span{at("a", 1, 0, trace.Client, 0, 4), at("b", 1, 0, trace.Server, 1, 3), at("b", 2, 1, trace.Internal, 1, 2)}, trace.Flaws{}, 3},
		"nothing":             {nil, trace.Flaws{}, 0},
		"the server is first": {[]trace.Span{at("b", 1, 0, trace.Server, 0, 3), at("a", 1, 0, trace.Client, 0, 4)}, trace.Flaws{}, 2},
	} {
		tr := trace.Assemble(c.spans)
		if tr.Flaws != c.want || len(tr.Spans) != c.kept {
			t.Errorf("%s: %+v, %d spans", name, tr.Flaws, len(tr.Spans))
		}
		for i, n := range tr.Spans {
			if n.Parent >= i {
				t.Errorf("%s: the parent of span %d is %d", name, i, n.Parent)
			}
			for _, child := range tr.Children(i) {
				if child.Parent != i {
					t.Errorf("%s: a child of %d is one of %d", name, i, child.Parent)
				}
			}
		}
	}
}

func TestASharedIDIsACall(t *testing.T) {
	tr := trace.Assemble([]trace.Span{at("a", 1, 0, trace.Client, 0, 4), at("b", 1, 0, trace.Server, 1, 3), at("b", 2, 1, trace.Client, 1, 2), at("c", 2, 1, trace.Server, 1, 2)})
	if c := call(t, tr, "c"); c.Edge.Caller.Key.Service != "b" {
		t.Errorf("%+v", c.Edge)
	}
	if c := call(t, tr, "b"); c.Edge.Caller.Key.Service != "a" || c.Latency != 4*time.Millisecond || c.Self != time.Millisecond {
		t.Errorf("%+v", c)
	}
}

func TestClocks(t *testing.T) {
	caller := at("a", 1, 0, trace.Client, 100, 200)
	for name, c := range map[string]struct {
		start, end int64
		change     func(*trace.Span)
		want       time.Duration // of its start, after the parent's
	}{
		"fits":                {110, 190, nil, 10},
		"too early":           {20, 60, nil, 30},
		"too late":            {900, 940, nil, 30},
		"ends after":          {110, 250, nil, 10},
		"longer and early":    {0, 150, nil, 0},
		"a message":           {900, 940, func(s *trace.Span) { s.Kind = trace.Consumer }, 800},
		"of the same clock":   {20, 60, func(s *trace.Span) { s.From = caller.From }, -80},
		"late but not a call": {900, 940, func(s *trace.Span) { s.Kind = trace.Internal }, 800},
	} {
		child := at("b", 2, 1, trace.Server, c.start, c.end)
		if c.change != nil {
			c.change(&child)
		}
		below := at("b", 3, 2, trace.Internal, c.start+1, c.end-1)
		below.From = child.From
		tr := trace.Assemble([]trace.Span{caller, child, below})
		n := node(t, tr, 2)
		if got := time.Duration(n.Start - node(t, tr, 1).Start); got != c.want*time.Millisecond {
			t.Errorf("%s: begins %s after its parent, want %d ms", name, got, c.want)
		}
		if got := node(t, tr, 3).Start - n.Start; got != ms {
			t.Errorf("%s: what is below did not move with it: %d", name, got)
		}
		moved := n.Shift != 0
		if (tr.Flaws.Skewed > 0) != moved || moved && tr.Flaws.Skew != n.Shift.Abs() {
			t.Errorf("%s: %+v", name, tr.Flaws)
		}
	}
}

func TestExtremeTimes(t *testing.T) {
	spans := []trace.Span{at("a", 1, 0, trace.Client, 0, 1), at("b", 2, 1, trace.Server, 0, 1), at("c", 3, 2, trace.Server, 0, 1)}
	for _, times := range [][2]int64{{math.MinInt64, math.MaxInt64}, {math.MaxInt64, math.MaxInt64}, {math.MinInt64, math.MinInt64}, {math.MaxInt64, math.MinInt64}} {
		for i := range spans {
			changed := append([]trace.Span{}, spans...)
			changed[i].Start, changed[i].End = times[0], times[1]
			tr := trace.Assemble(changed)
			for _, n := range tr.Spans {
				if n.Self < 0 || n.Self > n.Duration() {
					t.Errorf("%v: itself %d of %d", times, n.Self, n.Duration())
				}
			}
		}
	}
}

func TestMessages(t *testing.T) {
	sent := at("web", 2, 1, trace.Producer, 5, 6, peer(trace.Queue, "kafka/orders"))
	spans := []trace.Span{at("web", 1, 0, trace.Server, 0, 10), sent}
	if c := call(t, trace.Assemble(spans), "kafka/orders"); !c.Edge.Async || c.Edge.Callee.Kind != trace.Queue {
		t.Errorf("%+v", c.Edge)
	}
	// In the same trace the consumer is told by its parent, and its time is not the sender's.
	tr := trace.Assemble(append(spans, at("mail", 3, 2, trace.Consumer, 500, 900, failed)))
	if c := call(t, tr, "mail"); !c.Edge.Async || c.Edge.Caller.Key.Service != "web" || c.Latency != 400*time.Millisecond || !c.Fault {
		t.Errorf("%+v", c)
	}
	if got := node(t, tr, 1); got.Self != 9*time.Millisecond || got.Blamed || tr.Flaws.Skewed != 0 {
		t.Errorf("%+v", got)
	}
	// In another trace it is told by a link, else by the queue's name.
	linked := at("mail", 4, 0, trace.Consumer, 500, 900, in(2), peer(trace.Queue, "kafka/orders"))
	linked.Links = []trace.Link{{Trace: trace.ID{9}}, {Trace: sent.Trace, Span: sent.ID}}
	other := trace.Assemble([]trace.Span{linked})
	find := func(id trace.ID, span trace.SpanID) *trace.Span {
		if id == sent.Trace && span == sent.ID {
			return &sent
		}
		return nil
	}
	if c := other.Calls(find)[0]; !c.Edge.Async || c.Edge.Caller.Key.Service != "web" {
		t.Errorf("%+v", c.Edge)
	}
	if c := other.Calls(nil)[0]; c.Edge.Caller.String() != "queue:kafka/orders" {
		t.Errorf("%+v", c.Edge)
	}
	nobody := trace.Assemble([]trace.Span{{Trace: trace.ID{1}, ID: trace.SpanID{1}, Parent: trace.SpanID{2}, Kind: trace.Server}})
	if c := nobody.Calls(nil)[0]; c.Edge.Caller.String() != "unknown" || c.Edge.Callee.Kind != trace.Unknown {
		t.Errorf("%+v", c.Edge)
	}
}

// TestALongChain must neither recurse nor take long.
func TestALongChain(t *testing.T) {
	const n = 20_000
	spans := make([]trace.Span, n)
	for i := range spans {
		spans[i] = at("a", 0, 0, trace.Internal, int64(i), int64(2*n-i))
		spans[i].ID, spans[i].Parent = number(i+1), number(i)
	}
	began := time.Now()
	if tr := trace.Assemble(spans); len(tr.Spans) != n || len(tr.Calls(nil)) != 1 {
		t.Errorf("%d spans", len(tr.Spans))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func number(n int) (id trace.SpanID) {
	for i := range 8 {
		id[7-i] = byte(n >> (8 * i))
	}
	return id
}

// FuzzAssemble makes traces of bytes: parents, kinds and times at random.
func FuzzAssemble(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 9, 2, 1, 2, 1, 8, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, text []byte) {
		var spans []trace.Span
		for ; len(text) >= 5 && len(spans) < 200; text = text[5:] {
			spans = append(spans, at(string('a'+rune(text[2]>>4)), text[0], text[1], trace.Kind(text[2]&7), int64(int8(text[3])), int64(int8(text[4])), func(s *trace.Span) { s.Failed = text[2]&8 != 0 }))
		}
		tr := trace.Assemble(spans)
		if got := len(tr.Spans) + tr.Flaws.Duplicates; got > len(spans) || got+tr.Flaws.Odd < len(spans) {
			t.Fatalf("%d of %d spans, %+v", len(tr.Spans), len(spans), tr.Flaws)
		}
		blamed, bad := false, false
		for i, n := range tr.Spans {
			if n.Parent >= i || n.Self < 0 || n.Self > n.Duration() || n.Blamed && !n.Failed || n.Entry > i {
				t.Fatalf("%+v", n)
			}
			blamed, bad = blamed || n.Blamed, bad || n.Failed
		}
		if blamed != bad {
			t.Fatal("a failure is nobody's")
		}
		for _, c := range tr.Calls(nil) {
			if c.Self < 0 || c.Fault && !c.Failed && tr.Spans[c.Span].Failed {
				t.Fatalf("%+v", c)
			}
		}
	})
}
