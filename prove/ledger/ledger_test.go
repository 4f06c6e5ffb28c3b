package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// gate is a store whose transactions wait to be let through, and end as the
// test wants.
type gate struct {
	ledger.Memory
	mu      sync.Mutex
	entered chan struct{}
	through chan error
	// batches counts the rows of each transaction.
	batches []int
}

var errAfter = errors.New("after")

// Update implements ledger.Store. What comes through the gate ends the
// transaction: an error before it is done, errAfter for one whose answer is
// lost.
func (g *gate) Update(ctx context.Context, need ledger.Need, plan func(ledger.State) (ledger.Batch, error)) error {
	if g.entered != nil && len(need.Keys) > 0 {
		g.entered <- struct{}{}
		select {
		case err := <-g.through:
			if err == errAfter {
				err = errors.Join(ledger.ErrUnknownOutcome, g.Memory.Update(ctx, need, plan))
				return fmt.Errorf("%w: %w", err, fault.New(fault.Unavailable, "write", "", "the connection is lost", ""))
			}
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return fault.Wrap(fault.TimedOut, "write", "", ctx.Err(), "")
		}
	}
	return g.Memory.Update(ctx, need, func(s ledger.State) (ledger.Batch, error) {
		b, err := plan(s)
		g.mu.Lock()
		g.batches = append(g.batches, len(b.Rows))
		g.mu.Unlock()
		return b, err
	})
}

// open opens a ledger on a gate that is shut.
func (g *gate) open(t *testing.T, o ledger.Options) *ledger.Ledger {
	t.Helper()
	o.Key = ledgertest.Key(t, "example.com/gate")
	l := ledgertest.Open(t, g, o)
	g.entered, g.through = make(chan struct{}, 100), make(chan error, 100)
	return l
}

type answer struct {
	receipts []ledger.Receipt
	err      error
}

func append1(ctx context.Context, l *ledger.Ledger, key string) chan answer {
	out := make(chan answer, 1)
	go func() {
		r, err := l.Append(ctx, ledgertest.Event("a", key))
		out <- answer{r, err}
	}()
	return out
}

// TestGroupCommit shows that what waits is written together.
func TestGroupCommit(t *testing.T) {
	g := &gate{}
	l := g.open(t, ledger.Options{})
	first := append1(t.Context(), l, "first")
	<-g.entered
	var rest []chan answer
	for i := range 50 {
		rest = append(rest, append1(t.Context(), l, fmt.Sprint(i)))
	}
	l.Waiting(t, 50)
	g.through <- nil
	if a := <-first; a.err != nil {
		t.Fatal(a.err)
	}
	<-g.entered
	g.through <- nil
	for _, c := range rest {
		if a := <-c; a.err != nil || a.receipts[0].Index < 1 {
			t.Errorf("%+v", a)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if last := g.batches[len(g.batches)-1]; last != 50 {
		t.Errorf("the transactions have %v rows", g.batches)
	}
}

func TestCancelled(t *testing.T) {
	g := &gate{}
	l := g.open(t, ledger.Options{CommitTimeout: time.Hour})
	first := append1(t.Context(), l, "first")
	<-g.entered
	// One that waits is taken back.
	ctx, cancel := context.WithCancel(t.Context())
	second := append1(ctx, l, "second")
	l.Waiting(t, 1)
	cancel()
	if a := <-second; fault.KindOf(a.err) != fault.TimedOut || !errors.Is(a.err, context.Canceled) {
		t.Errorf("taken back: %+v", a)
	}
	g.through <- nil
	if a := <-first; a.err != nil {
		t.Error(a.err)
	}
	// One that is being written is told that it is not known.
	ctx, cancel = context.WithCancel(t.Context())
	third := append1(ctx, l, "third")
	<-g.entered
	cancel()
	if a := <-third; fault.KindOf(a.err) != fault.TimedOut {
		t.Errorf("under way: %+v", a)
	}
	g.through <- nil
	// Its key tells.
	fourth := append1(t.Context(), l, "third")
	<-g.entered
	g.through <- nil
	if a := <-fourth; a.err != nil || !a.receipts[0].Again || a.receipts[0].Index != 1 {
		t.Errorf("again: %+v", a)
	}
	g.entered = nil
}

// TestUnknownOutcome loses the store's answers.
func TestUnknownOutcome(t *testing.T) {
	g := &gate{}
	l := g.open(t, ledger.Options{})
	down := fault.New(fault.Unavailable, "write", "", "it is down", "")
	for name, c := range map[string]struct {
		answers []error
		kind    fault.Kind
		fails   bool
	}{
		"down":                    {[]error{down}, fault.Unavailable, true},
		"lost, written":           {[]error{errAfter, nil}, 0, false},
		"lost, down, written":     {[]error{errAfter, down, down, nil}, 0, false},
		"lost twice":              {[]error{errAfter, errAfter, nil}, 0, false},
		"lost, not written":       {[]error{fmt.Errorf("%w: %w", ledger.ErrUnknownOutcome, down), nil}, 0, false},
		"a defect":                {[]error{errors.New("defect")}, fault.Internal, true},
		"lost, then something":    {[]error{errAfter, fault.New(fault.Blocked, "write", "", "changed", "")}, fault.Blocked, true},
		"lost and down for good ": {[]error{errAfter, down, down, down, down, down, down}, fault.TimedOut, true},
	} {
		for _, a := range c.answers {
			g.through <- a
		}
		a := <-append1(t.Context(), l, name)
		for range c.answers {
			<-g.entered
		}
		if (a.err != nil) != c.fails || c.fails && fault.KindOf(a.err) != c.kind {
			t.Errorf("%s: %+v", name, a)
		}
	}
	g.entered = nil
	items, err := ledger.Log(t.Context(), g, ledger.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, it := range items {
		if seen[it.Key] {
			t.Errorf("%s is there twice", it.Key)
		}
		seen[it.Key] = true
	}
}

// TestSettles shows that quiet entries are signed without another append.
func TestSettles(t *testing.T) {
	var m ledger.Memory
	var clock ledgertest.Clock
	clock.Set(time.Now())
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/settles"), Now: clock.Now, CheckpointAge: 5 * time.Millisecond})
	for i := range 3 {
		if _, err := l.Append(t.Context(), ledgertest.Event("a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := ledger.Newest(t.Context(), &m, 3)
		if err == nil && c.N == 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the last entries are not signed: %v", err)
		}
		<-time.After(time.Millisecond)
	}
	// And when it is closed.
	var n ledger.Memory
	l = ledgertest.Open(t, &n, ledger.Options{Key: ledgertest.Key(t, "example.com/closes"), CheckpointAge: time.Hour})
	if _, err := l.Append(t.Context(), ledgertest.Event("a", "1"), ledgertest.Event("a", "2")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), ledgertest.Event("a", "3")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := ledger.Newest(t.Context(), &n, 3); err != nil || c.N != 3 {
		t.Errorf("closed with %+v, %v", c, err)
	}
}

func TestTooMany(t *testing.T) {
	var m ledger.Memory
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/many")})
	if got, err := l.Append(t.Context()); err != nil || got != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	if _, err := l.Append(t.Context(), make([]ops.Record, 1025)...); fault.KindOf(err) != fault.Invalid {
		t.Errorf("1025 records: %v", err)
	}
	if _, err := ledger.Newest(t.Context(), &m, 0); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no checkpoint: %v", err)
	}
	if _, _, err := ledger.Live(t.Context(), &ledger.Memory{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no ledger: %v", err)
	}
}

func TestFilter(t *testing.T) {
	var m ledger.Memory
	var clock ledgertest.Clock
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/filter"), Now: clock.Now})
	from := time.Date(2026, 4, 4, 0, 0, 0, 0, time.UTC)
	ledgertest.Fill(t, l, &clock, ledgertest.History(rand.New(rand.NewPCG(5, 5)), from, 900), 30)
	all, err := ledger.Log(t.Context(), &m, ledger.Filter{})
	if err != nil || len(all) != 900 {
		t.Fatal(len(all), err)
	}
	first := all[400]
	for name, c := range map[string]struct {
		f    ledger.Filter
		want func(i *ledger.Item) bool
	}{
		"since":        {ledger.Filter{Since: first.Time}, func(i *ledger.Item) bool { return !i.Time.Before(first.Time) }},
		"until":        {ledger.Filter{Until: first.Time}, func(i *ledger.Item) bool { return i.Time.Before(first.Time) }},
		"actor":        {ledger.Filter{Actor: "aeod"}, func(i *ledger.Item) bool { return i.Actor.Name == "aeod" }},
		"actor's kind": {ledger.Filter{Actor: "person"}, func(i *ledger.Item) bool { return i.Actor.Kind == ops.ActorPerson }},
		"a person":     {ledger.Filter{Actor: "ada@shop.example"}, func(*ledger.Item) bool { return false }},
		"action":       {ledger.Filter{Action: "deliver.heal"}, func(i *ledger.Item) bool { return i.Action == "deliver.heal" }},
		"actions":      {ledger.Filter{Action: "release."}, func(i *ledger.Item) bool { return i.Action == "release.approve" }},
		"phase":        {ledger.Filter{Phase: ops.PhaseIntent}, func(i *ledger.Item) bool { return i.Phase == ops.PhaseIntent }},
		"source":       {ledger.Filter{Source: "aeo"}, func(i *ledger.Item) bool { return i.Source == "aeo" }},
		"target":       {ledger.Filter{Target: "application shop/mail"}, func(i *ledger.Item) bool { return i.Target.Name == "mail" }},
		"an object":    {ledger.Filter{Target: "shop/mail"}, func(i *ledger.Item) bool { return i.Target.Name == "mail" }},
		"a kind of":    {ledger.Filter{Target: "Service shop/mail"}, func(i *ledger.Item) bool { return touches(i, "Service", "mail") }},
		"both":         {ledger.Filter{Target: "mail", Phase: ops.PhaseEvent}, func(i *ledger.Item) bool { return i.Target.Name == "mail" && i.Phase == ops.PhaseEvent }},
	} {
		var want []int64
		for _, i := range all {
			if c.want(i) {
				want = append(want, i.Index)
			}
		}
		for _, limit := range []int{0, 7} {
			c.f.Limit = limit
			got, err := ledger.Log(t.Context(), &m, c.f)
			if err != nil {
				t.Fatal(err)
			}
			w := want
			if limit > 0 && len(w) > limit {
				w = w[len(w)-limit:]
			}
			ok := len(got) == len(w)
			for i := range got {
				ok = ok && got[i].Index == w[i]
			}
			if !ok {
				t.Errorf("%s, at most %d: %d entries, want %d", name, limit, len(got), len(w))
			}
		}
		if len(want) == 0 && name != "a person" {
			t.Errorf("%s chooses nothing", name)
		}
	}
}

func touches(i *ledger.Item, kind, name string) bool {
	for _, e := range i.Effects {
		if e.Kind == kind && e.Name == name {
			return true
		}
	}
	return false
}

// TestBeside changes what is kept beside the log.
func TestBeside(t *testing.T) {
	var m ledger.Memory
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/beside")})
	r := ledgertest.Event("a", "1")
	r.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "ada"}
	if _, err := l.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ledger.Sealed){
		"the box":     func(s *ledger.Sealed) { s.Box = append([]byte{1}, s.Box...) },
		"no box":      func(s *ledger.Sealed) { s.Box = nil },
		"the key":     func(s *ledger.Sealed) { s.Secret = make([]byte, 32) },
		"a short key": func(s *ledger.Sealed) { s.Secret = s.Secret[:5] },
	} {
		if _, err := ledger.Get(t.Context(), sealer{&m, change}, 0, true); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type sealer struct {
	ledger.Reader
	change func(*ledger.Sealed)
}

// Sealed implements ledger.Reader.
func (s sealer) Sealed(ctx context.Context, n int64) (ledger.Sealed, bool, error) {
	x, ok, err := s.Reader.Sealed(ctx, n)
	s.change(&x)
	return x, ok, err
}

// TestNoRandom runs out of randomness: nothing is written.
func TestNoRandom(t *testing.T) {
	var m ledger.Memory
	r := &scarce{}
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/random"), Random: r})
	person := ledgertest.Event("a", "1")
	person.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "ada"}
	for left := range 90 {
		r.left = left
		_, err := l.Append(t.Context(), person)
		if want := left < 84; (err != nil) != want {
			t.Errorf("%d random bytes: %v", left, err)
		}
		if err == nil {
			break
		}
	}
	r.left = 15
	if _, err := l.Append(t.Context(), ledgertest.Event("a", "")); err == nil {
		t.Error("a key was made up of 15 bytes")
	}
}

type scarce struct{ left int }

func (s *scarce) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, errors.New("there is no more")
	}
	n := min(len(b), s.left)
	s.left -= n
	return n, nil
}

// tampered is a store that someone changes between two transactions.
type tampered struct {
	ledger.Memory
	change func(*ledger.State)
}

// Update implements ledger.Store.
func (s *tampered) Update(ctx context.Context, need ledger.Need, plan func(ledger.State) (ledger.Batch, error)) error {
	return s.Memory.Update(ctx, need, func(st ledger.State) (ledger.Batch, error) {
		if s.change != nil {
			s.change(&st)
		}
		return plan(st)
	})
}

// TestTampered shows that nothing is written on what is not as it was left.
func TestTampered(t *testing.T) {
	for name, change := range map[string]func(*ledger.State){
		"another key":         func(s *ledger.State) { s.Key = "x" },
		"no edge":             func(s *ledger.State) { s.Edge = nil },
		"a short edge":        func(s *ledger.State) { s.Edge[0] = s.Edge[0][:32] },
		"another edge":        func(s *ledger.State) { s.Edge[0][5] ^= 1 },
		"fewer entries":       func(s *ledger.State) { s.Size = 1; s.Edge[0] = s.Edge[0][:32] },
		"a checkpoint's size": func(s *ledger.State) { s.Last.Size = 1 },
		"no checkpoint":       func(s *ledger.State) { s.Last.Note = nil },
		"an entry of this key": func(s *ledger.State) {
			s.Known[ledger.KeyRef{Source: "a", Key: "3"}] = ledger.Known{Body: []byte("{}")}
		},
	} {
		s := &tampered{}
		l := ledgertest.Open(t, s, ledger.Options{Key: ledgertest.Key(t, "example.com/tampered")})
		if _, err := l.Append(t.Context(), ledgertest.Event("a", "1"), ledgertest.Event("a", "2")); err != nil {
			t.Fatal(err)
		}
		s.change = change
		_, err := l.Append(t.Context(), ledgertest.Event("a", "3"))
		want := fault.Blocked
		if name == "another key" {
			want = fault.Conflict
		}
		if fault.KindOf(err) != want || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		s.change = nil
		if h, err := s.Head(t.Context()); err != nil || h.Size != 2 {
			t.Errorf("%s: there are %d entries, %v", name, h.Size, err)
		}
	}
}

// TestEraseAgain loses the answer of an erasure.
func TestEraseAgain(t *testing.T) {
	g := &gate{}
	l := g.open(t, ledger.Options{})
	g.through <- nil
	g.through <- errAfter
	g.through <- nil
	person := ledgertest.Event("a", "1")
	person.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "ada"}
	if _, err := l.Append(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	r, err := l.Erase(t.Context(), "ada", ops.Actor{Kind: ops.ActorOperator, Name: "aeo"}, "test")
	if err != nil || !r.Again || r.Index != 1 || r.Sequence != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, by := range []ops.Actor{{}, {Kind: ops.ActorPerson}} {
		if _, err := l.Erase(t.Context(), "ada", by, "test"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("by nobody: %v", err)
		}
	}
	g.entered = nil
}

func TestCounts(t *testing.T) {
	count, lose := ledger.Count()
	for _, c := range []struct {
		source string
		n      int64
		want   string
	}{
		{"a", 1, ""}, {"a", 2, ""}, {"b", 1, ""}, {"a", 3, ""}, {"b", 2, ""},
		{"a", 5, `the source "a" has not recorded its number 4`}, {"a", 9, `the source "a" has not recorded its numbers 6 to 8`},
		{"a", 9, `it is number 9 of the source "a", which was at 9`}, {"a", 3, `it is number 3 of the source "a", which was at 9`},
		{"c", 3, `the source "c" has not recorded its numbers 1 to 2`}, {"a", 4, ""},
	} {
		if got := count(c.source, c.n); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.source, c.n, got, c.want)
		}
	}
	lose()
	for _, c := range []struct {
		n    int64
		want string
	}{{70, ""}, {71, ""}, {73, `the source "a" has not recorded its number 72`}} {
		if got := count("a", c.n); got != c.want {
			t.Errorf("after entries were lost, %d: %q", c.n, got)
		}
	}
	complaints := 0
	for i := range 100_010 {
		if count(fmt.Sprint("s", i), 1) != "" {
			complaints++
		}
	}
	if complaints != 1 {
		t.Errorf("too many sources are said %d times", complaints)
	}
}
