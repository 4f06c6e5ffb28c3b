package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Place makes an empty place for a ledger and returns a function that opens
// it, as often as wanted: each store returned is one more process's view.
type Place func(t *testing.T) (open func() ledger.Store)

// Run runs the suite on stores in fresh places.
func Run(t *testing.T, place Place) {
	for name, test := range map[string]func(*testing.T, func() ledger.Store){
		"create": create, "tree": tree, "again": again, "whole": whole, "concurrent": concurrent, "processes": processes,
		"refused": refused, "personal": personal, "cosign": cosign, "text": text, "beyond": beyond, "cancelled": cancelled,
		"export": export, "time": times,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
}

// Key makes a signing key for tests.
func Key(t *testing.T, name string) *ledger.SigningKey {
	t.Helper()
	k, _, err := ledger.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Public returns the public key of a signing key.
func Public(t *testing.T, k *ledger.SigningKey) *ledger.Key {
	t.Helper()
	p, err := ledger.ParseKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Open opens a ledger that is closed when the test ends.
func Open(t *testing.T, s ledger.Store, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Event is a small record.
func Event(source, key string) ops.Record {
	return ops.Record{Source: source, Key: key, Actor: ops.Actor{Kind: ops.ActorOperator, Name: "aeod"}, Action: "test.event", Phase: ops.PhaseEvent}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func want(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("the error is %v, want kind %s", err, kind)
	}
}

// Good fails the test if the ledger does not verify.
func Good(t *testing.T, r ledger.Reader, o ledger.VerifyOptions) *ledger.Report {
	t.Helper()
	src, _, err := ledger.Live(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := ledger.Verify(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rep.Findings {
		t.Errorf("found: %s", f)
	}
	return rep
}

func create(t *testing.T, open func() ledger.Store) {
	s := open()
	if h, err := s.Head(t.Context()); err != nil || h != (ledger.Head{}) {
		t.Fatalf("a new store has the head %+v, %v", h, err)
	}
	key := Key(t, "example.com/a")
	l := Open(t, s, ledger.Options{Key: key})
	must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1"), Event("b", "1"), Event("a", "2")))
	if h, err := s.Head(t.Context()); err != nil || h != (ledger.Head{Origin: "example.com/a", Key: key.Public(), Size: 3}) {
		t.Fatalf("the head is %+v, %v", h, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	_, err := l.Append(t.Context(), Event("a", "3"))
	want(t, err, fault.Unavailable)

	other := open()
	_, err = ledger.Open(t.Context(), other, ledger.Options{Key: Key(t, "example.com/a")})
	want(t, err, fault.Conflict)
	_, err = ledger.Open(t.Context(), other, ledger.Options{})
	want(t, err, fault.Invalid)
	l = Open(t, other, ledger.Options{Key: key})
	got := must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "3"), Event("b", "2")))
	if got[0].Index != 3 || got[0].Sequence != 3 || got[1].Index != 4 || got[1].Sequence != 2 || got[0].Again {
		t.Errorf("after opening again: %+v", got)
	}
}

// tree compares the tree that is kept with one that is computed from scratch.
func tree(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/tree"), CheckpointEntries: 1 << 40, CheckpointAge: time.Hour})
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	n := int64(0)
	for _, size := range []int64{1, 2, 3, 100, 255, 256, 257, 511, 512, 700} {
		for n < size {
			k := min(size-n, 97)
			var batch []ops.Record
			for i := range k {
				batch = append(batch, Event("a", fmt.Sprint(n+i)))
			}
			must[[]ledger.Receipt](t)(l.Append(t.Context(), batch...))
			for _, body := range must[[][]byte](t)(s.Bodies(t.Context(), n, n+k)) {
				stored = append(stored, must[[]tlog.Hash](t)(tlog.StoredHashes(n, body, reader))...)
				n++
			}
		}
		c := must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
		if root := must[tlog.Hash](t)(tlog.TreeHash(n, reader)); c.N != n || c.Hash != root {
			t.Fatalf("%d entries: the checkpoint is of %d with root %s, want %s", n, c.N, c.Hash, root)
		}
		if again := must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context())); string(again.Note) != string(c.Note) {
			t.Errorf("an unchanged log got a second checkpoint of %d entries", n)
		}
	}
	for _, c := range []struct {
		from  int64
		limit int
		sizes []int64
	}{{0, 3, []int64{1, 2, 3}}, {4, 2, []int64{100, 255}}, {700, 9, []int64{700}}, {701, 9, nil}} {
		var sizes []int64
		for _, x := range must[[]ledger.Signed](t)(s.Checkpoints(t.Context(), c.from, c.limit)) {
			sizes = append(sizes, x.Size)
		}
		if !slices.Equal(sizes, c.sizes) {
			t.Errorf("checkpoints from %d, at most %d: %v, want %v", c.from, c.limit, sizes, c.sizes)
		}
	}
	if rep := Good(t, s, ledger.VerifyOptions{}); rep.Entries != 700 || rep.Checkpoints != 11 {
		t.Errorf("verified %d entries and %d checkpoints", rep.Entries, rep.Checkpoints)
	}
	proof := must[tlog.TreeProof](t)(ledger.ProveGrowth(t.Context(), s, 257, 700))
	old, new := must[tlog.Hash](t)(tlog.TreeHash(257, reader)), must[tlog.Hash](t)(tlog.TreeHash(700, reader))
	if err := tlog.CheckTree(proof, 700, new, 257, old); err != nil {
		t.Error(err)
	}
}

// again appends records a second time.
func again(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/again")})
	r := History(rand.New(rand.NewPCG(1, 2)), time.Now(), 20)
	first := must[[]ledger.Receipt](t)(l.Append(t.Context(), r...))
	for i := range r {
		r[i].Time = time.Time{} // whoever repeats does not remember
	}
	second := must[[]ledger.Receipt](t)(l.Append(t.Context(), append(r, Event("x", "new"))...))
	for i := range first {
		first[i].Again = true
		if second[i] != first[i] {
			t.Errorf("record %d: first %+v, then %+v", i, first[i], second[i])
		}
	}
	if second[20].Index != 20 || second[20].Again {
		t.Errorf("the new one is %+v", second[20])
	}
	twice := must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("x", "twice"), Event("x", "twice")))
	if twice[0].Index != 21 || twice[1].Index != 21 || !twice[1].Again {
		t.Errorf("twice in one call: %+v", twice)
	}
	for _, change := range []func(*ops.Record){
		func(r *ops.Record) { r.Action += "x" }, func(r *ops.Record) { r.After = "sha256:0" }, func(r *ops.Record) { r.TraceID = "ab" },
		func(r *ops.Record) { r.Sequence = 99 }, func(r *ops.Record) { r.Actor.Name = "other" }, func(r *ops.Record) { r.Details = map[string]string{"a": "b"} },
	} {
		other := r[0]
		change(&other)
		_, err := l.Append(t.Context(), other)
		want(t, err, fault.Conflict)
	}
	if h := must[ledger.Head](t)(s.Head(t.Context())); h.Size != 22 {
		t.Errorf("there are %d entries", h.Size)
	}
	Good(t, s, ledger.VerifyOptions{})
}

// whole appends calls of which one record is refused.
func whole(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/whole")})
	must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1")))
	bad := Event("a", "1")
	bad.Action = "test.other"
	_, err := l.Append(t.Context(), Event("a", "2"), Event("new", "1"), bad)
	want(t, err, fault.Conflict)
	got := must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "2"), Event("new", "1")))
	if got[0].Index != 1 || got[0].Sequence != 2 || got[1].Sequence != 1 || got[0].Again {
		t.Errorf("after a call that failed: %+v", got)
	}
	numbered := Event("a", "5")
	numbered.Sequence = 2
	_, err = l.Append(t.Context(), numbered)
	want(t, err, fault.Conflict)
	numbered.Sequence = 7
	if got := must[[]ledger.Receipt](t)(l.Append(t.Context(), numbered)); got[0].Sequence != 7 {
		t.Errorf("%+v", got)
	}
	must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	src, _, err := ledger.Live(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	rep := must[*ledger.Report](t)(ledger.Verify(t.Context(), src, ledger.VerifyOptions{}))
	if len(rep.Findings) != 1 || rep.Findings[0].From != 3 || !strings.Contains(rep.Findings[0].Problem, "3 to 6") {
		t.Errorf("a gap in the count was found as %v", rep.Findings)
	}
}

// concurrent appends from many goroutines.
func concurrent(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/concurrent")})
	write(t, []*ledger.Ledger{l}, 8, 40)
	check(t, s, 8, 40)
}

// processes appends through several stores of one place.
func processes(t *testing.T, open func() ledger.Store) {
	key := Key(t, "example.com/processes")
	var ledgers []*ledger.Ledger
	s := open()
	for range 3 {
		ledgers = append(ledgers, Open(t, open(), ledger.Options{Key: key}))
	}
	write(t, ledgers, 6, 15)
	check(t, s, 6, 15)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// write appends from several goroutines to a source each and one in common,
// every record by two of the ledgers.
func write(t *testing.T, ledgers []*ledger.Ledger, writers, each int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				mine, common := Event(fmt.Sprint("writer", w), fmt.Sprint(i)), Event("common", fmt.Sprint(i))
				for turn := range 2 {
					l := ledgers[(w+turn)%len(ledgers)]
					if got, err := l.Append(t.Context(), mine, common); err != nil || len(got) != 2 || got[0].Sequence != int64(i+1) {
						t.Errorf("%+v, %v", got, err)
					}
				}
			}
		})
	}
	wg.Wait()
	must[*ledger.Checkpoint](t)(ledgers[0].Checkpoint(t.Context()))
}

// check reads what write has written.
func check(t *testing.T, s ledger.Reader, writers, each int) {
	t.Helper()
	items := must[[]*ledger.Item](t)(ledger.Log(t.Context(), s, ledger.Filter{}))
	if len(items) != (writers+1)*each {
		t.Errorf("there are %d entries, want %d", len(items), (writers+1)*each)
	}
	counts := map[string]int64{}
	for i, it := range items {
		if counts[it.Source]++; it.Index != int64(i) || it.Sequence != counts[it.Source] {
			t.Errorf("entry %d is number %d of %s at index %d, want number %d", i, it.Sequence, it.Source, it.Index, counts[it.Source])
		}
	}
	Good(t, s, ledger.VerifyOptions{})
}

// refused gives a store transactions that end without effect.
func refused(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/refused")})
	must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1")))
	before := must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	mine := errors.New("mine")
	row := ledger.Row{Index: 1, Source: "a", Key: "2", Sequence: 2, Body: []byte("{}")}
	for name, plan := range map[string]func(ledger.State) (ledger.Batch, error){
		"an error": func(ledger.State) (ledger.Batch, error) { return ledger.Batch{Rows: []ledger.Row{row}}, mine },
		"an index twice": func(ledger.State) (ledger.Batch, error) {
			r := row
			r.Index = 0
			return ledger.Batch{Rows: []ledger.Row{row, r}}, nil
		},
		"a key twice": func(ledger.State) (ledger.Batch, error) {
			r := row
			r.Index, r.Key, r.Sequence = 2, "1", 3
			return ledger.Batch{Subjects: []ledger.Subject{{ID: "p", Name: "n", Secret: []byte("s")}}, Rows: []ledger.Row{row, r}}, nil
		},
	} {
		if err := s.Update(t.Context(), ledger.Need{}, plan); err == nil || name == "an error" && err != mine {
			t.Errorf("%s gives %v", name, err)
		}
		if h := must[ledger.Head](t)(s.Head(t.Context())); h.Size != 1 {
			t.Errorf("%s left %d entries", name, h.Size)
		}
	}
	err := s.Update(t.Context(), ledger.Need{Keys: []ledger.KeyRef{{Source: "a", Key: "2"}}, Sources: []string{"a", "z"}, Subjects: []string{"n"}, Checkpoint: 1}, func(st ledger.State) (ledger.Batch, error) {
		if len(st.Known) != 0 || len(st.Subjects) != 0 || !maps.Equal(st.Counts, map[string]int64{"a": 1, "z": 0}) || st.Checkpoint == nil || string(st.Checkpoint.Note) != string(before.Note) || st.Last == nil {
			t.Errorf("refused transactions left %+v", st)
		}
		return ledger.Batch{}, nil
	})
	if err != nil {
		t.Error(err)
	}
	Good(t, s, ledger.VerifyOptions{})
}

func personal(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/personal")})
	ada := ops.Actor{Kind: ops.ActorPerson, Name: "ada@example.com"}
	approve := Event("aeo", "1")
	approve.Actor = ada
	approve.Personal = &ops.Personal{Fields: map[string]string{"address": "192.0.2.7"}}
	about := Event("aeo", "2")
	about.Personal = &ops.Personal{Subject: ada.Name, Fields: map[string]string{"author": "Ada L."}}
	grace := Event("aeo", "3")
	grace.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "grace@example.com"}
	must[[]ledger.Receipt](t)(l.Append(t.Context(), approve, about, grace))
	got := must[[]ledger.Receipt](t)(l.Append(t.Context(), approve))
	if !got[0].Again {
		t.Errorf("a person's record appended again is %+v", got)
	}

	items := must[[]*ledger.Item](t)(ledger.Log(t.Context(), s, ledger.Filter{Reveal: true}))
	if items[0].Actor.Name != items[1].Subject || items[0].Subject == items[2].Subject || !strings.HasPrefix(items[0].Subject, "person-") {
		t.Errorf("pseudonyms: %s, %s, %s", items[0].Actor.Name, items[1].Subject, items[2].Subject)
	}
	if p := items[0].Private; p["actor"] != ada.Name || p["address"] != "192.0.2.7" {
		t.Errorf("revealed: %v", p)
	}
	if p := items[1].Private; p["author"] != "Ada L." || p["subject"] != ada.Name || p["actor"] != "" {
		t.Errorf("revealed: %v", p)
	}
	for _, it := range items {
		for _, secret := range []string{"ada@", "Ada", "grace@", "192.0.2"} {
			if strings.Contains(string(it.Body), secret) {
				t.Errorf("entry %d shows %q: %s", it.Index, secret, it.Body)
			}
		}
	}
	if found := must[[]*ledger.Item](t)(ledger.Log(t.Context(), s, ledger.Filter{Actor: ada.Name, Reveal: true})); len(found) != 1 || found[0].Index != 0 {
		t.Errorf("found by name: %v", found)
	}
	must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	proof := must[[]byte](t)(ledger.Prove(t.Context(), s, 0))
	pseudonym := items[0].Subject

	receipt := must[ledger.Receipt](t)(l.Erase(t.Context(), ada.Name, grace.Actor, "asked for it"))
	tomb := must[*ledger.Item](t)(ledger.Get(t.Context(), s, receipt.Index, true))
	if tomb.Action != "ledger.erase" || tomb.Target.Name != pseudonym || tomb.Private["actor"] != "grace@example.com" {
		t.Errorf("the erasure is recorded as %s, %v", tomb.Body, tomb.Private)
	}
	for i := range int64(2) {
		if it := must[*ledger.Item](t)(ledger.Get(t.Context(), s, i, true)); it.Private != nil || it.Commitment == "" {
			t.Errorf("after erasing entry %d gives %v", i, it.Private)
		}
	}
	if it := must[*ledger.Item](t)(ledger.Get(t.Context(), s, 2, true)); it.Private["actor"] != "grace@example.com" {
		t.Errorf("the other person is gone too: %v", it.Private)
	}
	if _, err := ledger.OpenProof(proof, nil); err != nil {
		t.Errorf("a proof from before does not hold: %v", err)
	}
	_, err := l.Erase(t.Context(), ada.Name, grace.Actor, "asked for it")
	want(t, err, fault.NotFound)
	late := about
	late.Key = "4"
	must[[]ledger.Receipt](t)(l.Append(t.Context(), late))
	if it := must[*ledger.Item](t)(ledger.Get(t.Context(), s, receipt.Index+1, true)); it.Subject == pseudonym || it.Private["author"] != "Ada L." {
		t.Errorf("an erased person comes back as %s, %v", it.Subject, it.Private)
	}
	// A person who erases herself leaves no name behind.
	own := must[ledger.Receipt](t)(l.Erase(t.Context(), grace.Actor.Name, grace.Actor, "my own"))
	if it := must[*ledger.Item](t)(ledger.Get(t.Context(), s, own.Index, true)); it.Private != nil {
		t.Errorf("her own erasure still says %v", it.Private)
	}
	must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	Good(t, s, ledger.VerifyOptions{})
}

func cosign(t *testing.T, open func() ledger.Store) {
	s := open()
	key := Key(t, "example.com/cosign")
	l := Open(t, s, ledger.Options{Key: key})
	w := []*ledger.SigningKey{Key(t, "witness.example/1"), Key(t, "witness.example/2")}
	keys := []*ledger.Key{}
	for _, k := range w {
		keys = append(keys, must[*ledger.Key](t)(ledger.ParseKey(k.Witness())))
	}
	must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1"), Event("a", "2")))
	c := must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	for i := range w {
		signed := must[[]byte](t)(ledger.Cosign(w[i], Public(t, key), nil, c.Note, nil, time.Now()))
		must[*ledger.Checkpoint](t)(l.Cosign(t.Context(), signed, keys[i]))
	}
	head := must[*ledger.Checkpoint](t)(ledger.Newest(t.Context(), s, 1))
	both := must[*ledger.Checkpoint](t)(ledger.OpenCheckpoint(head.Note, Public(t, key), keys...))
	if len(both.Witnesses) != 2 || both.Tree != c.Tree {
		t.Errorf("cosigned: %+v", both)
	}
	Good(t, s, ledger.VerifyOptions{Witnesses: keys, Key: Public(t, key)})

	_, err := l.Cosign(t.Context(), c.Note, keys...)
	want(t, err, fault.Invalid)
	_, err = l.Cosign(t.Context(), []byte("no note"), keys...)
	want(t, err, fault.Invalid)
	// The same key over another tree is another ledger.
	var m ledger.Memory
	twin := Open(t, &m, ledger.Options{Key: key})
	for i, kind := range []fault.Kind{fault.Conflict, fault.Conflict} {
		must[[]ledger.Receipt](t)(twin.Append(t.Context(), Event("b", fmt.Sprint(i)), Event("c", fmt.Sprint(i))))
		other := must[*ledger.Checkpoint](t)(twin.Checkpoint(t.Context()))
		signed := must[[]byte](t)(ledger.Cosign(w[0], Public(t, key), nil, other.Note, nil, time.Now()))
		_, err = l.Cosign(t.Context(), signed, keys...)
		want(t, err, kind)
	}
}

// text puts unusual text through the ledger.
func text(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/text")})
	var records []ops.Record
	for i, x := range []string{"plain", "ünïcödé 🚀", "quote\"back\\slash", "<script>&amp;", "line\nfeed\ttab", "\u2028\u2029", "\x00nul\x1f", "'; DROP TABLE entries; --", strings.Repeat("long", 4000), "\U0010ffff\ue000\ufffd"} {
		r := Event("source 🛰", fmt.Sprint("key ", i))
		r.Details = map[string]string{"text": x, x: "name"}
		r.Actor.Name = x
		records = append(records, r)
	}
	must[[]ledger.Receipt](t)(l.Append(t.Context(), records...))
	for i, it := range must[[]*ledger.Item](t)(ledger.Log(t.Context(), s, ledger.Filter{})) {
		if it.Actor != records[i].Actor || !maps.Equal(it.Details, records[i].Details) || it.Key != records[i].Key {
			t.Errorf("record %d came back as %s", i, it.Body)
		}
	}
	fill := func(n int) ops.Record {
		r := Event("a", fmt.Sprint(n))
		r.Details = map[string]string{"fill": strings.Repeat("x", n)}
		return r
	}
	largest := sort(65000, ledger.MaxEntry, func(n int) bool {
		_, err := l.Append(t.Context(), fill(n))
		return err != nil
	})
	_, err := l.Append(t.Context(), fill(largest))
	want(t, err, fault.Invalid)
	for _, bad := range []func(*ops.Record){
		func(r *ops.Record) { r.Action = "\xff" }, func(r *ops.Record) { r.Details = map[string]string{"\xc3": ""} }, func(r *ops.Record) { r.Source = "" },
		func(r *ops.Record) { r.Action = "" }, func(r *ops.Record) { r.Phase = "never" }, func(r *ops.Record) { r.Actor.Kind = "" }, func(r *ops.Record) { r.Sequence = -1 },
		func(r *ops.Record) { r.Key = "a\x00b" }, func(r *ops.Record) { r.Source = "a\nb" }, func(r *ops.Record) { r.Key = strings.Repeat("k", 600) },
		func(r *ops.Record) { r.Personal = &ops.Personal{} }, func(r *ops.Record) { r.Actor = ops.Actor{Kind: ops.ActorPerson, Name: "nul\x00"} },
		func(r *ops.Record) { r.Time = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) }, func(r *ops.Record) { r.Time = time.Now().Add(time.Hour) },
	} {
		r := Event("a", "bad")
		bad(&r)
		_, err := l.Append(t.Context(), r)
		want(t, err, fault.Invalid)
	}
	must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	Good(t, s, ledger.VerifyOptions{})
}

// sort finds the least n in [from, to) for which f is true.
func sort(from, to int, f func(int) bool) int {
	for from < to {
		if mid := (from + to) / 2; f(mid) {
			to = mid
		} else {
			from = mid + 1
		}
	}
	return from
}

func beyond(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/beyond")})
	must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1"), Event("a", "2")))
	for _, r := range [][2]int64{{0, 3}, {2, 3}, {-1, 1}, {1 << 40, 1<<40 + 1}} {
		_, err := s.Bodies(t.Context(), r[0], r[1])
		want(t, err, fault.NotFound)
	}
	if none, err := s.Bodies(t.Context(), 1, 1); err != nil || len(none) != 0 {
		t.Errorf("no entries are %v, %v", none, err)
	}
	for _, x := range []tlog.Tile{{H: 8, L: 0, N: 0, W: 3}, {H: 8, L: 1, N: 0, W: 1}, {H: 8, L: 0, N: 1, W: 1}} {
		_, err := s.Tiles(t.Context(), []tlog.Tile{x})
		want(t, err, fault.Blocked)
	}
	if got := must[[][]byte](t)(s.Tiles(t.Context(), []tlog.Tile{{H: 8, L: 0, N: 0, W: 1}, {H: 8, L: 0, N: 0, W: 2}})); len(got[0]) != 32 || len(got[1]) != 64 {
		t.Errorf("parts of a tile: %d and %d bytes", len(got[0]), len(got[1]))
	}
	_, _, err := s.Sealed(t.Context(), 2)
	want(t, err, fault.NotFound)
	if _, ok, err := s.Sealed(t.Context(), 1); ok || err != nil {
		t.Errorf("an entry without personal data has some: %v", err)
	}
	_, err = ledger.Get(t.Context(), s, 2, false)
	want(t, err, fault.NotFound)
	_, err = ledger.Prove(t.Context(), s, -1)
	want(t, err, fault.NotFound)
}

func cancelled(t *testing.T, open func() ledger.Store) {
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/cancelled")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Append(ctx, Event("a", "1"))
	want(t, err, fault.TimedOut)
	err = s.Update(ctx, ledger.Need{}, func(ledger.State) (ledger.Batch, error) { return ledger.Batch{}, nil })
	want(t, err, fault.TimedOut)
	if got := must[[]ledger.Receipt](t)(l.Append(t.Context(), Event("a", "1"))); got[0].Index != 0 || got[0].Again {
		t.Errorf("after a cancelled call: %+v", got)
	}
}

// memoryFolder keeps an export in memory.
type memoryFolder map[string][]byte

func (f memoryFolder) Write(_ context.Context, path string, data []byte) error {
	f[path] = data
	return nil
}

// export compares the files with what the ledger says.
func export(t *testing.T, open func() ledger.Store) {
	s := open()
	key := Key(t, "example.com/export")
	var clock Clock
	l := Open(t, s, ledger.Options{Key: key, CheckpointEntries: 100, Now: clock.Now})
	records := History(rand.New(rand.NewPCG(3, 4)), time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC), 700)
	Fill(t, l, &clock, records, 70)
	kept := must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	files := memoryFolder{}
	c := must[*ledger.Checkpoint](t)(ledger.Export(t.Context(), s, files, nil))
	if c.N != 700 || string(files["checkpoint"]) != string(kept.Note) || len(files["tile/entries/001"]) == 0 || len(files["tile/0/002.p/188"]) != 188*32 || len(files["tile/1/000.p/2"]) != 64 {
		t.Errorf("exported: %v", slices.Sorted(maps.Keys(files)))
	}
	src := FilesOf(files)
	rep := must[*ledger.Report](t)(ledger.Verify(t.Context(), src, ledger.VerifyOptions{Key: Public(t, key), Kept: []ledger.Kept{{Name: "kept", Note: kept.Note}}}))
	if !rep.OK() || rep.Entries != 700 {
		t.Errorf("the export: %+v", rep)
	}
	a := must[ledger.Reader](t)(ledger.Archive(t.Context(), src))
	for _, n := range []int64{0, 255, 256, 511, 512, 699} {
		proof := must[[]byte](t)(ledger.Prove(t.Context(), a, n))
		if p, err := ledger.OpenProof(proof, Public(t, key)); err != nil || p.Index != n || p.Entry.Key != records[n].Key {
			t.Errorf("the proof of entry %d: %v", n, err)
		}
		one, two := must[*ledger.Item](t)(ledger.Get(t.Context(), a, n, true)), must[*ledger.Item](t)(ledger.Get(t.Context(), s, n, false))
		if string(one.Body) != string(two.Body) {
			t.Errorf("entry %d of the export is another", n)
		}
	}
	for path, data := range files {
		for _, name := range people {
			if strings.Contains(string(data), name) {
				t.Errorf("%s names %s", path, name)
			}
		}
	}
}

// times gives the ledger clocks that go wrong.
func times(t *testing.T, open func() ledger.Store) {
	var clock Clock
	clock.Set(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := open()
	l := Open(t, s, ledger.Options{Key: Key(t, "example.com/times"), Now: clock.Now})
	at := func(key string, d time.Duration) error {
		r := Event("a", key)
		r.Time = clock.Now().Add(d)
		_, err := l.Append(t.Context(), r)
		return err
	}
	for _, c := range []struct {
		move, at time.Duration
		kind     fault.Kind
	}{
		{0, 0, 0}, {time.Minute, -2 * time.Minute, 0}, {time.Hour, 0, 0}, {0, -time.Hour, fault.Invalid}, {0, time.Hour, fault.Invalid}, {0, 4 * time.Minute, 0},
		{-24 * time.Hour, 0, 0}, {0, -time.Hour, 0}, {25 * time.Hour, 0, 0}, {0, -2 * time.Hour, fault.Invalid},
	} {
		clock.Set(clock.Now().Add(c.move))
		if err := at(fmt.Sprint(c, clock.Now()), c.at); (err != nil) != (c.kind != 0) || err != nil && fault.KindOf(err) != c.kind {
			t.Errorf("%+v: %v", c, err)
		}
	}
	items := must[[]*ledger.Item](t)(ledger.Log(t.Context(), s, ledger.Filter{}))
	behind := 0
	for _, it := range items {
		if it.Details["ledger.clockBehind"] != "" {
			behind++
		}
	}
	if behind != 2 || len(items) != 7 {
		t.Errorf("%d of %d entries say that the clock was behind", behind, len(items))
	}
	must[*ledger.Checkpoint](t)(l.Checkpoint(t.Context()))
	Good(t, s, ledger.VerifyOptions{})
}
