package gitops

import (
	"fmt"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// storm is a time in which everything between aeod and the API server fails.
type storm struct {
	name string
	// strike makes it begin and returns what ends it.
	strike func(t *testing.T, s *suite) (end func())
}

func allStorms() []storm {
	rule := func(r faultproxy.Rule) func(*testing.T, *suite) func() {
		return func(_ *testing.T, s *suite) func() { return s.proxy.Add(r).Remove }
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return []storm{
		{"the API server is killed", func(t *testing.T, s *suite) func() {
			must(t, s.cluster.StopAPIServer(t.Context()))
			return func() { must(t, s.cluster.StartAPIServer(contextOf(t))) }
		}},
		{"the API server hangs", func(t *testing.T, s *suite) func() {
			must(t, s.cluster.Freeze(t.Context(), programs.APIServer))
			return func() { must(t, s.cluster.Thaw(contextOf(t), programs.APIServer)) }
		}},
		{"all connections are cut", func(_ *testing.T, s *suite) func() { s.proxy.Cut(); return s.proxy.Mend }},
		{"watches expire", func(_ *testing.T, s *suite) func() { s.proxy.ExpireWatches(faultproxy.Match{}); return func() {} }},
		{"watches drop", func(_ *testing.T, s *suite) func() { s.proxy.DropWatches(faultproxy.Match{}); return func() {} }},
		{"everything is 429", rule(faultproxy.Rule{Fault: faultproxy.Answer(429, 1, "too many requests")})},
		{"everything is 500", rule(faultproxy.Rule{Fault: faultproxy.Answer(500, 0, "broken")})},
		{"every write's answer is lost", rule(faultproxy.Rule{Match: faultproxy.Match{Verbs: faultproxy.Writes()}, Fault: faultproxy.LoseAnswer()})},
	}
}

// storms has several Applications in every storm: each is changed by hand and in
// Git while it lasts, and has to be as Git says when it is over.
func storms(t *testing.T, s *suite) {
	const n = 3
	var worlds []*world
	for i := range n {
		w := newWorld(t, s, fmt.Sprintf("storm-%d", i), shared)
		t.Cleanup(w.leave)
		w.commit(base())
		w.apply(nil)
		worlds = append(worlds, w)
	}
	for _, w := range worlds {
		w.synced()
		w.note()
	}
	for turn, st := range allStorms() {
		if testing.Short() && turn%3 != 0 {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			for _, w := range worlds {
				w.T, w.repo.t = t, t
			}
			next := base().with(files{"a.yaml": configMap("a", fmt.Sprintf("turn %d", turn)), fmt.Sprintf("n%d.yaml", turn): configMap(fmt.Sprintf("n%d", turn), "1")})
			end := st.strike(t, s)
			for _, w := range worlds {
				w.repo.commit(next)
				w.learn(next)
			}
			// People are not stopped by what ails the operator, if they get through.
			ctx := contextOf(t)
			var wg sync.WaitGroup
			for _, w := range worlds {
				wg.Go(func() {
					short := metav1.PatchOptions{FieldManager: "kubectl-edit"}
					_, _ = s.client.Resource(resources["ConfigMap"]).Namespace(w.ns).Patch(ctx, "c", "application/merge-patch+json", []byte(`{"data":{"value":"by hand"}}`), short)
				})
			}
			time.AfterFunc(2*time.Second, end) // the storm lasts that long, whatever happens
			for _, w := range worlds {
				w.poke()
			}
			wg.Wait()
			for _, w := range worlds {
				w.equal(next)
				w.judge(next)
			}
		})
	}
	for _, w := range worlds {
		w.T, w.repo.t = t, t
	}
}
