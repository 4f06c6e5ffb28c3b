package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs/store"
)

// clock is a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func pod(name string) map[string]string {
	return map[string]string{"namespace": "shop", "pod": name}
}

// all is a query for everything.
func all() store.Query { return store.Query{From: 0, To: 1 << 62} }

func texts(t *testing.T, s *store.Store, q store.Query, limit int, backward bool) []string {
	t.Helper()
	lines, err := s.Lines(t.Context(), q, limit, backward)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

// TestLines compares what is read with a plain list, for many streams, chunks and
// queries.
func TestLines(t *testing.T) {
	type line struct {
		at   int64
		pod  string
		text string
	}
	rng := rand.New(rand.NewPCG(1, 2))
	c := &clock{noon}
	s := store.New(store.Settings{}, c.now)
	var plain []line
	at := noon.UnixNano()
	for i := range 30_000 {
		at += int64(rng.IntN(1000)) // some have the same moment
		name := fmt.Sprintf("web-%d", rng.IntN(7))
		l := line{at - int64(rng.IntN(50)), name, fmt.Sprintf("%s: request %d took %d ms", name, i, rng.IntN(9000))}
		plain = append(plain, l)
		s.Stream(pod(name)).Add(l.at, []byte(l.text))
	}
	if u := s.Usage(); u.Lines != len(plain) || u.Streams != 7 || u.Received != uint64(len(plain)) || u.Bytes > 30_000*30 || u.Oldest.After(noon.Add(time.Second)) {
		t.Errorf("%+v", u)
	}
	first, last := plain[0].at, at
	for range 200 {
		from := first + rng.Int64N(last-first)
		to := from + 1 + rng.Int64N(last-from)
		limit, backward, name := 1+rng.IntN(3000), rng.IntN(2) == 0, fmt.Sprintf("web-%d", rng.IntN(9))
		q := store.Query{From: from, To: to, Match: func(m map[string]string) bool { return name > "web-6" || m["pod"] == name }}
		if rng.IntN(3) == 0 {
			q.Keep = func(b []byte) bool { return strings.Contains(string(b), "took 7") }
		}
		var want []line
		for _, l := range plain {
			if l.at >= from && l.at < to && q.Match(pod(l.pod)) && (q.Keep == nil || q.Keep([]byte(l.text))) {
				want = append(want, l)
			}
		}
		slices.SortStableFunc(want, func(a, b line) int { return int(a.at - b.at) })
		if backward {
			slices.Reverse(want)
		}
		want = want[:min(limit, len(want))]
		got, err := s.Lines(t.Context(), q, limit, backward)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d lines, want %d; %v", len(got), len(want), err)
		}
		count := 0
		for i, l := range got {
			if l.At != want[i].at || l.Labels["pod"] == "" || !strings.HasPrefix(l.Text, l.Labels["pod"]) {
				t.Fatalf("line %d: %+v, want %+v", i, l, want[i])
			}
			count++
		}
		n := 0
		if err := s.Each(t.Context(), q, func(map[string]string) func(int64, []byte) { return func(int64, []byte) { n++ } }); err != nil || count == limit && n < count || count < limit && n != count {
			t.Fatalf("counted %d of %d, %v", n, count, err)
		}
	}
}

func TestAgeAndRoom(t *testing.T) {
	c := &clock{noon}
	s := store.New(store.Settings{Bytes: 1, Age: time.Minute, Line: 100}, c.now) // 1 MiB at least
	web := s.Stream(pod("web"))
	rng := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 99)
	for i := range 40_000 { // 4 MB that cannot be packed
		for j := range noise {
			noise[j] = byte(rng.Uint32())
		}
		web.Add(noon.UnixNano()+int64(i), noise)
	}
	u := s.Usage()
	if u.Bytes > 1<<20+64<<10 || u.Evicted == 0 || u.Lines+int(u.Evicted) != 40_000 {
		t.Errorf("%+v", u)
	}
	// What is read is the newest.
	lines, err := s.Lines(t.Context(), all(), 1, true)
	if err != nil || len(lines) != 1 || lines[0].At != noon.UnixNano()+39_999 {
		t.Errorf("%+v %v", lines, err)
	}
	web.Add(noon.UnixNano()+40_000, []byte(strings.Repeat("long ", 100)))
	if u := s.Usage(); u.Cut != 1 {
		t.Errorf("%+v", u)
	}
	web.Close()
	c.at = noon.Add(2 * time.Minute)
	if u := s.Usage(); u.Lines != 0 || u.Streams != 0 || u.Bytes != 0 || !u.Oldest.IsZero() {
		t.Errorf("%+v", u)
	}
	if got := texts(t, s, all(), 10, false); got != nil {
		t.Errorf("%q", got)
	}
	// A pod that speaks again is heard.
	web.Add(c.at.UnixNano(), []byte("back"))
	if got := texts(t, s, all(), 10, false); len(got) != 1 || got[0] != "back" || len(s.Labels()) != 1 {
		t.Errorf("%q", got)
	}
}

// TestManyShortStreams has more streams than room, each of few lines.
func TestManyShortStreams(t *testing.T) {
	c := &clock{noon}
	s := store.New(store.Settings{Bytes: 1 << 20, Streams: 1500}, c.now)
	for i := range 2000 {
		s.Stream(pod(fmt.Sprint(i))).Add(noon.UnixNano()+int64(i), []byte(fmt.Sprintf("%d %s", i, strings.Repeat("x", 2000))))
	}
	u := s.Usage()
	if u.Refused != 500 || u.Bytes > 1<<20 || u.Lines == 0 || u.Lines+int(u.Evicted) != 1500 {
		t.Errorf("%+v", u)
	}
	s.Stream(pod("1999")).Close() // one of those that are refused
}

// TestFromManySides writes and reads at the same time.
func TestFromManySides(t *testing.T) {
	s := store.New(store.Settings{Bytes: 1 << 20}, time.Now)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			st := s.Stream(pod(fmt.Sprint(i)))
			for j := range 5000 {
				st.Add(time.Now().UnixNano(), fmt.Appendf(nil, "line %d of %d", j, i))
			}
			st.Close()
		})
		wg.Go(func() {
			for range 50 {
				if _, err := s.Lines(context.Background(), all(), 100, i%2 == 0); err != nil {
					t.Error(err)
				}
				s.Usage()
				s.Labels()
			}
		})
	}
	wg.Wait()
	if u := s.Usage(); u.Received != 20_000 || u.Lines+int(u.Evicted) != 20_000 {
		t.Errorf("%+v", u)
	}
}

func TestEnded(t *testing.T) {
	s := store.New(store.Settings{}, time.Now)
	s.Stream(pod("web")).Add(1, []byte("x"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Lines(ctx, all(), 1, false); err == nil {
		t.Error("lines of a question that is over")
	}
	if err := s.Each(ctx, all(), func(map[string]string) func(int64, []byte) { return func(int64, []byte) {} }); err == nil {
		t.Error("counted for a question that is over")
	}
	if got := texts(t, s, all(), 0, false); got != nil {
		t.Errorf("%q", got)
	}
}

// BenchmarkAdd adds lines as a service writes them.
func BenchmarkAdd(b *testing.B) {
	s := store.New(store.Settings{}, time.Now)
	st := s.Stream(pod("web"))
	b.ReportAllocs()
	now := time.Now().UnixNano()
	for i := range b.N {
		st.Add(now+int64(i), fmt.Appendf(nil, `{"time":"2026-11-26T12:00:00Z","level":"INFO","msg":"request","path":"/orders/%d","status":200,"took":%d}`, i%977, i%83))
	}
}
