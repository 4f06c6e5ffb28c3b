package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/logs/live"
	"github.com/autoecoops/autoecoops/ops/identity"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func key(name string) identity.Key { return identity.Key{Namespace: "shop", Service: name} }

// scene is a Follower with a clock.
type scene struct {
	*testing.T
	*live.Follower
	now time.Time
}

func begin(t *testing.T, set live.Settings) *scene {
	t.Helper()
	f, err := live.New(set, noon)
	if err != nil {
		t.Fatal(err)
	}
	return &scene{t, f, noon}
}

// goOn lets some minutes pass in which lines come, a number of each a minute.
func (s *scene) goOn(minutes int, st *live.Stream, lines map[string]int) (began, ended []string) {
	for range minutes {
		for text, n := range lines {
			for i := range n {
				st.Add(s.now.Add(time.Duration(i)*time.Minute/time.Duration(n)).UnixNano(), []byte(strings.ReplaceAll(text, "#", fmt.Sprint(s.now.Unix()+int64(i)))))
			}
		}
		for range 6 {
			s.now = s.now.Add(10 * time.Second)
			a, b := s.Look(s.now)
			began, ended = append(began, words(a)...), append(ended, words(b)...)
		}
	}
	return began, ended
}

func words(all []live.Finding) (out []string) {
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s %s: %s", f.Of.Service, f.Signal.Kind, f.Signal.Template.Text))
	}
	return out
}

func (s *scene) want(what string, got []string, want ...string) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestStory has a workload write a new error, and then far more of a known one.
func TestStory(t *testing.T) {
	s := begin(t, live.Settings{})
	orders, web := s.Open(key("orders")), s.Open(key("web"))
	usual := map[string]int{"order # came": 50, "ERROR payment # failed": 4}
	began, ended := s.goOn(30, orders, usual)
	s.want("all is learned", append(began, ended...))
	began, ended = s.goOn(2, web, map[string]int{"ERROR order # was lost: disk full": 1})
	s.want("another workload is learned by itself", append(began, ended...))
	usual["ERROR order # was lost: disk full"] = 3
	began, ended = s.goOn(5, orders, usual)
	s.want("new", began, "orders new: ERROR order <*> was lost: disk full")
	s.want("new", ended)
	if all := s.Standing(); len(all) != 1 || all[0].Signal.Lines < 13 || all[0].Of != key("orders") || all[0].Signal.Template.Example == "" {
		t.Errorf("%+v", all)
	}
	delete(usual, "ERROR order # was lost: disk full")
	began, ended = s.goOn(40, orders, usual)
	s.want("it is no news any more", ended, "orders new: ERROR order <*> was lost: disk full")
	s.want("it is no news any more", began)
	began, ended = s.goOn(4, orders, map[string]int{"order # came": 50, "ERROR payment # failed": 400})
	s.want("surge", began, "orders surging: ERROR payment <*> failed")
	s.want("surge", ended)
	began, ended = s.goOn(10, orders, usual)
	s.want("after it", began)
	s.want("after it", ended, "orders surging: ERROR payment <*> failed")
	if c := s.Count(); c.Workloads != 2 || c.Templates != 4 || c.Lines < 3000 || c.Refused+c.Untold+c.Forgotten != 0 {
		t.Errorf("%+v", c)
	}
}

// TestWhatWasThereBefore is told to nobody, whenever it is read.
func TestWhatWasThereBefore(t *testing.T) {
	s := begin(t, live.Settings{})
	orders := s.Open(key("orders"))
	add := func(at time.Duration, text string) { orders.Add(noon.Add(at).UnixNano(), []byte(text)) }
	add(-15*time.Minute, "started")
	add(-2*time.Minute, "ERROR disk full")
	began, ended := s.goOn(1, orders, map[string]int{"ERROR disk full": 9})
	s.want("before", append(began, ended...))
	began, _ = s.goOn(1, orders, map[string]int{"ERROR no more memory": 9})
	s.want("since", began, "orders new: ERROR no more memory")
}

// TestOldLogsAreNoSurge reads the logs of containers one after the other, each with what
// it wrote before the start and while it could not be read.
func TestOldLogsAreNoSurge(t *testing.T) {
	s := begin(t, live.Settings{})
	steady := func(st *live.Stream, from, to time.Time) {
		for at := from; at.Before(to); at = at.Add(6 * time.Second) {
			st.Add(at.UnixNano(), []byte(fmt.Sprintf("ERROR payment %d failed", at.Unix())))
		}
	}
	var open []*live.Stream
	for range 4 { // one more each minute
		st := s.Open(key("orders"))
		steady(st, s.now.Add(-15*time.Minute), s.now)
		open = append(open, st)
		for range 6 {
			for _, st := range open {
				steady(st, s.now, s.now.Add(10*time.Second))
			}
			s.now = s.now.Add(10 * time.Second)
			began, ended := s.Look(s.now)
			s.want("backfill", append(words(began), words(ended)...))
		}
	}
	for minute := range 40 {
		for range 6 {
			for i, st := range open {
				if i == 3 && minute < 30 {
					continue // it cannot be reached
				}
				steady(st, s.now, s.now.Add(10*time.Second))
			}
			s.now = s.now.Add(10 * time.Second)
			began, ended := s.Look(s.now)
			s.want("in turn", append(words(began), words(ended)...))
		}
		if minute == 29 {
			steady(open[3], s.now.Add(-30*time.Minute), s.now)
		}
	}
	for range 6 {
		for range 5 {
			steady(open[0], s.now, s.now.Add(10*time.Second))
			steady(open[1], s.now, s.now.Add(10*time.Second))
		}
		s.now = s.now.Add(10 * time.Second)
	}
	began, _ := s.Look(s.now)
	s.want("a true surge", words(began), "orders surging: ERROR payment <*> failed")
}

// TestSilenceAfterTheStart is no past: what was usual before it is not unusual after.
func TestSilenceAfterTheStart(t *testing.T) {
	s := begin(t, live.Settings{})
	st := s.Open(key("orders"))
	for at := noon.Add(-15 * time.Minute); at.Before(noon); at = at.Add(4 * time.Second) {
		st.Add(at.UnixNano(), []byte(fmt.Sprintf("ERROR payment %d failed", at.Unix())))
	}
	began, _ := s.goOn(1, st, map[string]int{"fine": 1})
	s.want("silence", began)
	began, _ = s.goOn(15, st, map[string]int{"ERROR payment # failed": 15})
	s.want("as before", began)
}

// TestTraces has a stack trace be one line, of each container by itself, also the last
// one.
func TestTraces(t *testing.T) {
	s := begin(t, live.Settings{})
	a, b := s.Open(key("orders")), s.Open(key("orders"))
	s.goOn(12, a, map[string]int{"fine": 1})
	at := s.now.UnixNano()
	a.Add(at, []byte("java.lang.IllegalStateException: no table"))
	b.Add(at, []byte("all is well"))
	a.Add(at, []byte("\tat shop.Orders.find(Orders.java:7)"))
	b.Add(at, []byte("all is well"))
	began, _ := s.goOn(1, b, nil)
	s.want("trace", began, "orders new: java.lang.IllegalStateException: no table")
	a.Add(s.now.UnixNano(), []byte("FATAL the end is near"))
	a.Close()
	began, _ = s.goOn(1, b, nil)
	s.want("the last line", began, "orders new: FATAL the end is near")
}

// TestFlood tells a few of many findings, counts the others, and tells none of them later.
func TestFlood(t *testing.T) {
	s := begin(t, live.Settings{Told: 3})
	orders := s.Open(key("orders"))
	s.goOn(12, orders, map[string]int{"fine": 1})
	many := map[string]int{}
	for i := range 20 {
		many[fmt.Sprintf("ERROR %s broke", strings.Repeat(string(rune('a'+i)), 5+i))+strings.Repeat(" so", i)] = 1
	}
	began, _ := s.goOn(5, orders, many)
	if len(began) != 3 || s.Count().Untold < 10 {
		t.Errorf("%d are told, %+v", len(began), s.Count())
	}
	began, ended := s.goOn(40, orders, map[string]int{"fine": 1})
	s.want("later", began)
	if len(ended) != 3 {
		t.Errorf("%d end", len(ended))
	}
}

// TestBounds follows so many workloads and no more, until one is gone for long.
func TestBounds(t *testing.T) {
	s := begin(t, live.Settings{Workloads: 2, Forget: 20 * time.Minute})
	a, b, c := s.Open(key("a")), s.Open(key("b")), s.Open(key("c"))
	for _, st := range []*live.Stream{a, b, c} {
		st.Add(noon.UnixNano(), []byte("hello"))
	}
	s.Look(noon)
	if n := s.Count(); n.Workloads != 2 || n.Refused != 1 {
		t.Errorf("%+v", n)
	}
	a.Close()
	c.Close()
	s.goOn(25, b, map[string]int{"hello": 1})
	if n := s.Count(); n.Workloads != 1 || n.Lines < 26 {
		t.Errorf("%+v", n)
	}
	s.Open(key("c")).Add(s.now.UnixNano(), []byte("hello"))
	s.goOn(1, b, nil)
	if n := s.Count(); n.Workloads != 2 || n.Refused != 1 {
		t.Errorf("%+v", n)
	}
	if _, err := live.New(live.Settings{Miner: logs.Settings{Templates: -1}}, noon); err == nil {
		t.Error("wrong settings are taken")
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	s := begin(t, live.Settings{Workloads: 3})
	done := make(chan struct{})
	for i := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for n := range 50 {
				st := s.Open(key(fmt.Sprint("w", (i+n)%5)))
				for k := range 20 {
					st.Add(noon.Add(time.Duration(k)*time.Second).UnixNano(), []byte("ERROR \xff no "+fmt.Sprint(k)))
				}
				st.Close()
			}
		}()
	}
	for left := 8; left > 0; {
		select {
		case <-done:
			left--
		default:
			s.now = s.now.Add(time.Minute)
			s.Look(s.now)
			s.Standing()
			s.Count()
		}
	}
}
