package gitops

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// scenario is one story with a bad end that must not come.
type scenario struct {
	name string
	// quick ones are also part of a short run.
	quick bool
	// own gives it an aeod of its own, which it starts and kills itself.
	own bool
	// tune changes the Application before it is created.
	tune func(*v1alpha1.Application)
	// before runs before the Application is created.
	before func(*world)
	// first is the first commit; base() if nil.
	first files
	// raw leaves the first sync to run.
	raw bool
	// run is what happens after the first sync. It ends with a verdict of the
	// oracle; nil is a scenario that ends with the first sync.
	run func(*world)
}

// play plays one scenario.
func (sc scenario) play(t *testing.T, s *suite, name string) {
	home := shared
	if sc.own {
		home = ""
	}
	began := time.Now()
	w := newWorld(t, s, name, home)
	t.Cleanup(func() {
		verdict := "passed"
		if t.Failed() {
			verdict = "FAILED"
		}
		fmt.Fprintf(os.Stderr, "%6.1fs %s %s\n", time.Since(began).Seconds(), verdict, sc.name)
		if t.Failed() {
			if app, err := w.status(); err == nil {
				t.Logf("%s at the end: %s", name, conditions(app))
			}
		}
		w.leave()
	})
	content := sc.first
	if content == nil {
		content = base()
	}
	w.commit(content)
	if sc.before != nil {
		sc.before(w)
	}
	w.apply(sc.tune)
	if !sc.raw {
		w.synced()
		w.note()
	}
	if sc.run == nil {
		w.judge(content)
		return
	}
	sc.run(w)
}

// short makes a name that is a namespace's.
func short(i int, name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(fmt.Sprintf("g%03d-%s", i, clean[:min(len(clean), 30)]), "-")
}

// TestFaults plays all scenarios: those that concern one namespace side by side
// on one aeod, then those in which everything fails at once, then those in which
// aeod itself dies.
func TestFaults(t *testing.T) {
	s := newSuite(t)
	all := scenarios()
	seen := map[string]bool{}
	for _, sc := range all {
		if seen[sc.name] {
			t.Fatalf("two scenarios are called %q", sc.name)
		}
		seen[sc.name] = true
	}
	if len(all) < 200 {
		t.Fatalf("%d scenarios, fewer than 200", len(all))
	}
	slots := make(chan struct{}, 12) // most of their time they wait
	t.Run("each", func(t *testing.T) {
		for i, sc := range all {
			if testing.Short() && !sc.quick {
				continue
			}
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				sc.play(t, s, short(i, sc.name))
			})
		}
	})
	t.Run("storms", func(t *testing.T) { storms(t, s) })
	t.Run("ledger", func(t *testing.T) {
		n := account(t, s, s.everyBook(), func(object) bool { return true })
		t.Logf("the ledgers account for %d changes in the audit log", n)
		if n == 0 {
			t.Error("there were no changes: the comparison says nothing")
		}
	})
}
