package cause

import (
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func chain() *builder {
	return newBuilder("web", "orders", "stock", "mail").calls("web", "orders", "stock").calls("web", "mail")
}

var external = Component{Kind: trace.External, Key: identity.Key{Service: "pay.example"}}

// stories are cases with the cause that a person would name first.
var stories = []struct {
	name  string
	build func() *builder
	want  string // the component, "?" if nothing can be said
	says  string // part of the sentence, or of why nothing can be said
}{
	{"a processor hog in a leaf", func() *builder {
		return chain().shift("stock", "cpu", 1, faultAt).slow(faultAt, "stock", "orders", "web")
	}, "shop/stock", "processor time of shop/stock rose"},
	{"a processor hog in the middle", func() *builder {
		return chain().shift("orders", "cpu", 1, faultAt).slow(faultAt, "orders", "web")
	}, "shop/orders", "processor time"},
	{"a memory leak", func() *builder {
		return chain().ramp("orders", "memory", 4<<20, faultAt-60).slow(faultAt, "orders", "web")
	}, "shop/orders", "memory in use of shop/orders rose"},
	{"a leaf becomes slow, nothing inside tells", func() *builder {
		return chain().slow(faultAt, "stock", "orders", "web")
	}, "shop/stock", "mean duration of requests of shop/stock rose from 19.8 ms to 221 ms since 13:40:00"},
	{"the middle becomes slow", func() *builder {
		return chain().slow(faultAt, "orders", "web")
	}, "shop/orders", "mean duration"},
	{"the edge becomes slow alone", func() *builder {
		return chain().slow(faultAt, "web")
	}, "shop/web", "mean duration"},
	{"trouble travels up late", func() *builder {
		return chain().slow(faultAt, "stock").slow(faultAt+2, "orders").slow(faultAt+4, "web")
	}, "shop/stock", ""},
	{"the caller was in trouble long before the callee", func() *builder {
		b := chain().slow(faultAt-40, "orders", "web").slow(faultAt+8, "stock")
		return b
	}, "shop/orders", ""},
	{"errors by a configuration", func() *builder {
		return chain().fail(faultAt, "orders", "web").change(Config, "orders", "orders-settings", -30)
	}, "shop/orders", "config orders-settings at 13:39:30, 30 s before: share of requests that failed of shop/orders rose"},
	{"a release that crashes in a loop", func() *builder {
		return chain().shift("orders", "restarts", 1, faultAt).fail(faultAt, "orders", "web").change(Release, "orders", "orders@abc123", -20)
	}, "shop/orders", "release orders@abc123"},
	{"who is down says nothing of how it answers", func() *builder {
		return chain().shift("orders", "restarts", 1, faultAt+1).fail(faultAt, "web", "web", "web").slow(faultAt, "web")
	}, "shop/orders", "restarts of containers of shop/orders rose"},
	{"a release that is slow", func() *builder {
		return chain().slow(faultAt, "stock", "orders", "web").change(Release, "stock", "stock@2", -20).log("stock", logs.NewTemplate, logs.Error, "lock timeout after <*> ms", 40)
	}, "shop/stock", "new error template"},
	{"two changes, one of a component that does well", func() *builder {
		return chain().fail(faultAt, "orders", "web").change(Release, "mail", "mail@9", -10).change(Release, "orders", "orders@3", -60)
	}, "shop/orders", "release orders@3"},
	{"two changes, one of a victim", func() *builder {
		return chain().fail(faultAt, "stock", "orders", "web").change(Config, "web", "web-theme", -20).change(Release, "stock", "stock@3", -45)
	}, "shop/stock", "release stock@3"},
	{"a change after it began is none", func() *builder {
		return chain().slow(faultAt, "stock", "orders", "web").change(Release, "orders", "orders@fix", 120)
	}, "shop/stock", "mean duration"},
	{"a change without any deviation", func() *builder {
		return chain().change(Release, "orders", "orders@1", -20)
	}, "?", "nothing that was measured differs"},
	{"a rollback answers the trouble", func() *builder {
		return chain().fail(faultAt, "stock", "orders", "web").change(Scaling, "web", "web to 6", 60)
	}, "shop/stock", ""},
	{"a database of which nothing is measured", func() *builder {
		b := newBuilder("web", "orders", "stock").calls("web", "orders", "db").calls("web", "stock", "db")
		return b.slow(faultAt, "orders", "stock", "web")
	}, "shop/db", "nothing is measured of shop/db"},
	{"a dependency falls silent", func() *builder {
		return chain().mute(faultAt, "stock").fail(faultAt, "orders", "web")
	}, "shop/stock", "nothing is heard of shop/stock since 13:39:45"},
	{"a dependency outside, by traces", func() *builder {
		b := chain().slow(faultAt, "orders", "web")
		b.cost(svc("orders"), external, [2]int{20, 220}, [2]int{}, [2]int{})
		return b.cost(svc("web"), svc("orders"), [2]int{10, 10}, [2]int{}, [2]int{}).cost(Outside, svc("web"), [2]int{3, 3}, [2]int{}, [2]int{})
	}, "external:pay.example", "external:pay.example itself takes 200 ms longer"},
	{"a dependency outside does not answer", func() *builder {
		b := chain().fail(faultAt, "orders", "web")
		b.cost(svc("orders"), external, [2]int{20, 20}, [2]int{}, [2]int{0, 60})
		return b.cost(svc("web"), svc("orders"), [2]int{10, 10}, [2]int{}, [2]int{})
	}, "external:pay.example", "60% of the calls"},
	{"traces say who it is where series cannot", func() *builder {
		b := newBuilder("a", "b").calls("a", "b").calls("b", "a").slow(faultAt, "a", "b")
		return b.cost(svc("a"), svc("b"), [2]int{10, 210}, [2]int{}, [2]int{}).cost(svc("b"), svc("a"), [2]int{10, 10}, [2]int{}, [2]int{})
	}, "shop/b", "itself takes 200 ms longer"},
	{"a new release asks somebody who is not there", func() *builder {
		b := chain().fail(faultAt, "orders", "web").change(Release, "orders", "orders@2", -20)
		b.cost(svc("web"), svc("orders"), [2]int{10, 10}, [2]int{}, [2]int{})
		gone := Component{Kind: trace.External, Key: identity.Key{Namespace: "shop", Service: "stock-v2"}}
		b.Edges = append(b.Edges, trace.Compare(nil, []trace.Total{{Edge: trace.Edge{Caller: svc("orders"), Callee: gone, Operation: "GET"}, Cost: trace.Cost{Calls: 40, Failed: 40, Faults: 40}}})...)
		return b
	}, "shop/orders", "release orders@2"},
	{"calls that differ anyway say nothing", func() *builder {
		b := chain().slow(faultAt, "orders", "web")
		b.cost(svc("web"), svc("orders"), [2]int{10, 10}, [2]int{}, [2]int{}).cost(svc("web"), svc("mail"), [2]int{10, 25}, [2]int{}, [2]int{})
		b.Edges[len(b.Edges)-1].Doubt = 20 * time.Millisecond
		return b
	}, "shop/orders", "mean duration of requests of shop/orders rose"},
	{"too few traced calls say nothing", func() *builder {
		b := chain().slow(faultAt, "orders", "web")
		b.Edges = []trace.Change{{Edge: trace.Edge{Caller: svc("web"), Callee: svc("mail")}, Before: trace.Cost{Calls: 2}, After: trace.Cost{Calls: 3}, Self: 1e9, Weight: 3}}
		return b
	}, "shop/orders", ""},
	{"a node troubles what it carries", func() *builder {
		b := chain().runs("n1", "orders", "mail").runs("n2", "web", "stock")
		b.add(node("n1"))
		b.add(node("n2"))
		return b.shift("n1", "memory", 900<<20, faultAt).slow(faultAt+1, "orders", "mail", "web").shift("orders", "restarts", 1, faultAt+2).shift("mail", "restarts", 1, faultAt+2)
	}, "node:n1", "memory in use of node:n1 rose"},
	{"a node of which nothing is measured", func() *builder {
		b := newBuilder("a", "b", "c", "d").runs("n1", "a", "b", "c").runs("n2", "d")
		return b.fail(faultAt, "a", "b", "c")
	}, "node:n1", "much of what runs on node:n1 is in trouble"},
	{"a hog that wears out its node", func() *builder {
		b := newBuilder("hog", "a", "b").runs("n1", "hog", "a", "b")
		b.add(node("n1"))
		return b.shift("hog", "cpu", 6, faultAt).shift("n1", "cpu", 6, faultAt).slow(faultAt+1, "a", "b")
	}, "shop/hog", "processor time of shop/hog rose"},
	{"a node that is busy by one component only", func() *builder {
		b := chain().runs("n1", "orders", "mail")
		b.add(node("n1"))
		return b.shift("orders", "cpu", 2, faultAt).shift("n1", "cpu", 2, faultAt).slow(faultAt, "orders", "web")
	}, "shop/orders", "processor time of shop/orders rose"},
	{"the users ask for more", func() *builder {
		b := chain()
		for _, n := range []string{"web", "orders", "stock", "mail"} {
			b.shift(n, "rate", 200, faultAt).shift(n, "cpu", 0.8, faultAt)
		}
		return b.slow(faultAt+2, "stock", "orders", "web")
	}, "outside", "requests of shop/"},
	{"a change of one component under steady load", func() *builder {
		return chain().shift("stock", "rate", 300, faultAt).shift("orders", "cpu", 1, faultAt).slow(faultAt, "orders", "web").change(Release, "orders", "orders@n+1", -30)
	}, "shop/orders", "release orders@n+1"},
	{"fewer requests are no cause", func() *builder {
		return chain().slow(faultAt, "orders", "web").shift("stock", "rate", -60, faultAt).shift("stock", "cpu", -0.2, faultAt)
	}, "shop/orders", ""},
	{"noticed a minute late", func() *builder {
		b := chain().shift("stock", "cpu", 1, faultAt-4).slow(faultAt-4, "stock", "orders", "web")
		return b
	}, "shop/stock", "since 13:39:00"},
	{"noticed two minutes late", func() *builder {
		return chain().shift("stock", "cpu", 1, faultAt-8).slow(faultAt-8, "stock", "orders", "web")
	}, "shop/stock", "since 13:38:00"},
	{"noticed at once", func() *builder {
		b := chain().shift("stock", "cpu", 1, faultAt).slow(faultAt, "stock", "orders", "web")
		b.at = faultAt + 2
		return b
	}, "shop/stock", "since 13:40:00"},
	{"a constant series moves by a trifle elsewhere", func() *builder {
		b := chain().slow(faultAt, "stock", "orders", "web")
		s := b.series("mail", "errors")
		for i := range s.Values {
			s.Values[i] = 0
			if i >= faultAt {
				s.Values[i] = 0.0001
			}
		}
		return b
	}, "shop/stock", ""},
	{"errors were never seen before", func() *builder {
		b := chain().fail(faultAt, "stock", "orders", "web")
		for _, n := range []string{"stock", "orders", "web"} {
			s := b.series(n, "errors")
			for i := range faultAt {
				s.Values[i] = 0
			}
		}
		return b
	}, "shop/stock", "rose from 0% to 30"},
	{"a silent component without sufferers", func() *builder {
		return chain().mute(200, "mail").shift("stock", "cpu", 1, faultAt).slow(faultAt, "stock", "orders", "web")
	}, "shop/stock", ""},
	{"calls in a circle", func() *builder {
		return newBuilder("a", "b", "c").calls("a", "b", "c", "a").slow(faultAt, "a", "b", "c").shift("b", "cpu", 1, faultAt)
	}, "shop/b", "processor time"},
	{"the callee in between is not measured", func() *builder {
		return chain().drop("orders").slow(faultAt, "stock", "web")
	}, "shop/stock", ""},
	{"callers name it in their logs", func() *builder {
		b := newBuilder("web", "orders").calls("web", "orders", "ledger").fail(faultAt, "orders", "web")
		return b.log("orders", logs.NewTemplate, logs.Error, "dial ledger:8080: connection refused", 80)
	}, "shop/ledger", "in shop/orders that names it"},
	{"a neighbour moves without anybody suffering", func() *builder {
		return chain().shift("mail", "cpu", 2, faultAt-30).shift("stock", "cpu", 0.5, faultAt).slow(faultAt, "stock", "orders", "web")
	}, "shop/stock", ""},
	{"a bystander moves at the same time, after a release", func() *builder {
		b := chain()
		b.add(svc("batch"))
		return b.shift("batch", "cpu", 2, faultAt).change(Release, "batch", "batch@2", -10).slow(faultAt, "stock", "orders", "web")
	}, "shop/stock", ""},
	{"what piles up in callers afterwards is an effect", func() *builder {
		b := newBuilder("web", "orders", "stock").calls("web", "orders", "db").calls("web", "stock", "db").slow(faultAt, "orders", "stock", "web")
		return b.shift("orders", "memory", 300<<20, faultAt+5).shift("stock", "memory", 300<<20, faultAt+5)
	}, "shop/db", ""},
	{"one waits for the other on the same node", func() *builder {
		b := newBuilder("a", "b", "c", "d").calls("a", "b").runs("n1", "a", "b").runs("n2", "c", "d")
		return b.slow(faultAt, "a", "b")
	}, "shop/b", ""},
	{"a short burst that is over", func() *builder {
		b := chain()
		for i := faultAt - 10; i < faultAt; i++ {
			b.series("stock", "restarts").Values[i] = 1
			b.series("stock", "errors").Values[i] += 0.4
			b.series("orders", "errors").Values[i] += 0.4
		}
		return b
	}, "shop/stock", "restarts of containers of shop/stock rose from 0 to 1"},
	{"a detector knows the habit", func() *builder {
		b := chain().shift("mail", "cpu", 2, faultAt).slow(faultAt, "mail", "orders", "web")
		b.series("mail", "cpu").Usual, b.series("mail", "duration").Usual = true, true
		return b
	}, "shop/orders", ""},
	{"metrics know less of the name than traces", func() *builder {
		b := chain().slow(faultAt, "orders", "web")
		full := svc("orders")
		full.Key.Environment = "production"
		b.cost(svc("web"), full, [2]int{10, 200}, [2]int{}, [2]int{})
		return b
	}, "production:shop/orders", "itself takes"},
	{"nothing but noise", chain, "?", "nothing that was measured differs"},
	{"no series", func() *builder { return newBuilder().change(Release, "orders", "x", -10) }, "?", "there are no series"},
	{"all silent", func() *builder { return chain().mute(300, "web", "orders", "stock", "mail") }, "?", "every series has fallen silent"},
	{"too little history", func() *builder { b := chain().slow(2, "web"); b.at = 6; return b }, "?", "enough history"},
}

func TestStories(t *testing.T) {
	if len(stories) < 30 {
		t.Fatalf("%d stories", len(stories))
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			r := Rank(s.build().made())
			check(t, r)
			if s.want == "?" {
				if len(r.Causes) > 0 || !strings.Contains(r.Unknown, s.says) {
					t.Fatalf("got %v, unknown %q, want %q", r.Causes, r.Unknown, s.says)
				}
				return
			}
			if len(r.Causes) == 0 || r.Causes[0].Component.String() != s.want {
				t.Fatalf("want %s, got %s", s.want, outline(r))
			}
			if got := r.Causes[0].Sentence(); !strings.Contains(got, s.says) {
				t.Errorf("says %q, want %q in it", got, s.says)
			}
			if testing.Verbose() {
				t.Log(outline(r))
			}
		})
	}
}

// check holds a result to what is true of every one.
func check(t *testing.T, r Result) {
	t.Helper()
	if (r.Unknown == "") == (len(r.Causes) == 0) {
		t.Errorf("%d causes and unknown %q", len(r.Causes), r.Unknown)
	}
	sum, last := r.Rest, 1.0
	for _, c := range r.Causes {
		if c.Score < 0 || c.Score > last {
			t.Errorf("score %v of %s after %v", c.Score, c.Component, last)
		}
		sum, last = sum+c.Score, c.Score
		weight := 2.0
		for _, e := range c.Evidence {
			if e.Weight > weight || e.Text == "" {
				t.Errorf("evidence %+v after weight %v", e, weight)
			}
			weight = e.Weight
		}
	}
	if len(r.Causes) > 0 && (sum < 0.999 || sum > 1.001) {
		t.Errorf("shares add up to %v", sum)
	}
}

func outline(r Result) string {
	var b strings.Builder
	for _, c := range r.Causes[:min(3, len(r.Causes))] {
		b.WriteString("\n" + c.Component.String() + " " + strings.TrimRight(strings.Repeat("*", int(c.Score*20)), "") + " " + c.Sentence())
		for _, e := range c.Evidence {
			if e.Weight < 0 {
				b.WriteString("\n    but " + e.Text)
			}
		}
	}
	return b.String()
}
