package ledger_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func proofOf(t testing.TB, v *victim, n int64) []byte {
	t.Helper()
	r, err := ledger.Archive(t.Context(), ledgertest.FilesOf(v.files))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ledger.Prove(t.Context(), r, n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProof(t *testing.T) {
	v := newVictim(t, rand.New(rand.NewPCG(1, 2)), 100)
	proof := proofOf(t, v, 42)
	p, err := ledger.OpenProof(proof, v.log, v.watcher)
	if err != nil || p.Index != 42 || !bytes.Equal(p.Body, v.bodies[42]) || len(p.Checkpoint.Witnesses) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = ledger.OpenProof(proof, ledgertest.Public(t, ledgertest.Key(t, "example.com/other")))
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("with another key: %v", err)
	}
	// The key that came along is checked too: he who makes up a log makes it up
	// whole, and that is what a given key is for.
	lines := strings.Split(string(proof), "\n")
	extra := func(s string) string { return "extra " + base64.StdEncoding.EncodeToString([]byte(s)) }
	key := v.log.String() + "\n"
	for name, change := range map[string]func(l []string){
		"another entry":     func(l []string) { l[1] = extra(key + string(v.bodies[41])) },
		"no entry":          func(l []string) { l[1] = extra(key) },
		"no key":            func(l []string) { l[1] = extra(string(v.bodies[42])) },
		"no extra":          func(l []string) { l[1] = "other" },
		"extra in no code":  func(l []string) { l[1] = "extra ?" },
		"another index":     func(l []string) { l[2] = "index 41" },
		"an index beyond":   func(l []string) { l[2] = "index 100" },
		"a negative index":  func(l []string) { l[2] = "index -1" },
		"an index with 0":   func(l []string) { l[2] = "index 042" },
		"no index":          func(l []string) { l[2] = "42" },
		"another path":      func(l []string) { l[3], l[4] = l[4], l[3] },
		"a path of no hash": func(l []string) { l[3] = "AAAA" },
		"another form":      func(l []string) { l[0] = "c2sp.org/tlog-proof@v2" },
		"another size":      func(l []string) { l[len(l)-7] = "101" },
	} {
		l := append([]string(nil), lines...)
		change(l)
		if _, err := ledger.OpenProof([]byte(strings.Join(l, "\n")), nil); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "c2sp.org/tlog-proof@v1\n\n", strings.Repeat("x", ledger.MaxProof+1)} {
		if _, err := ledger.OpenProof([]byte(text), nil); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}

func FuzzProof(f *testing.F) {
	var m ledger.Memory
	key, _, err := ledger.GenerateKey(nil, "example.com/fuzz")
	if err != nil {
		f.Fatal(err)
	}
	l, err := ledger.Open(f.Context(), &m, ledger.Options{Key: key})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := l.Append(f.Context(), ledgertest.Event("a", "1"), ledgertest.Event("a", "2"), ledgertest.Event("a", "3")); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	var bodies [3][]byte
	for i := range bodies {
		proof, err := ledger.Prove(f.Context(), &m, int64(i))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(proof)
		p, err := ledger.OpenProof(proof, nil)
		if err != nil {
			f.Fatal(err)
		}
		bodies[i] = p.Body
	}
	log, err := ledger.ParseKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ledger.OpenProof(text, log)
		if err == nil && (p.Index > 2 || !bytes.Equal(p.Body, bodies[p.Index])) {
			t.Errorf("entry %d is proven to be %q", p.Index, p.Body)
		}
	})
}

func TestWitness(t *testing.T) {
	v := newVictim(t, rand.New(rand.NewPCG(3, 5)), 100)
	r, err := ledger.Archive(t.Context(), ledgertest.FilesOf(v.files))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 5, 5, 5, 5, 0, time.UTC)
	sign := func(n int64) []byte { return v.key.Sign(root(t, hashes(t, v.bodies), n), now) }
	open := func(text []byte) *ledger.Checkpoint {
		c, err := ledger.OpenCheckpoint(text, v.log, v.watcher)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	old, next := open(sign(30)), sign(100)
	proof, err := ledger.ProveGrowth(t.Context(), r, 30, 100)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ledger.Cosign(v.witness, v.log, old, next, proof, now)
	if err != nil {
		t.Fatal(err)
	}
	if c := open(signed); len(c.Witnesses) != 1 || !c.Witnesses[0].Time.Equal(now) || c.Witnesses[0].Witness != "witness.example" {
		t.Errorf("cosigned: %+v", c.Witnesses)
	}
	for name, c := range map[string]struct {
		last *ledger.Checkpoint
		next []byte
		kind fault.Kind
	}{
		"the same":       {open(next), next, 0},
		"the first":      {nil, next, 0},
		"after nothing":  {open(sign(0)), next, 0},
		"shorter":        {open(next), sign(30), fault.Conflict},
		"another":        {open(v.key.Sign(tlog.Tree{N: 100}, now)), next, fault.Conflict},
		"another before": {open(v.key.Sign(tlog.Tree{N: 30}, now)), next, fault.Conflict},
		"a wrong proof":  {open(sign(31)), next, fault.Conflict},
		"of another key": {nil, ledgertest.Key(t, v.log.Name()).Sign(tlog.Tree{N: 1}, now), fault.Invalid},
	} {
		_, err := ledger.Cosign(v.witness, v.log, c.last, c.next, proof, now)
		if (err != nil) != (c.kind != 0) || err != nil && fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, x := range [][2]int64{{0, 1}, {2, 1}, {1, 101}} {
		if _, err := ledger.ProveGrowth(t.Context(), r, x[0], x[1]); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("growth from %d to %d: %v", x[0], x[1], err)
		}
	}
}

func TestKeys(t *testing.T) {
	key, text, err := ledger.GenerateKey(nil, "example.com/keys")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ledger.ParseSigningKey(" " + text + "\n")
	if err != nil || again.Public() != key.Public() || again.Witness() == key.Public() {
		t.Errorf("%v", err)
	}
	secret := text[strings.LastIndex(text[:len(text)-2], "+")+1:]
	for _, bad := range []string{"", "x", "PRIVATE+KEY+a+b+c", strings.Replace(text, "example", "Example", 1), text[:len(text)-8], key.Public()} {
		_, err := ledger.ParseSigningKey(bad)
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", bad, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows the key")
		}
	}
	for _, bad := range []string{"", "a+b", "a+00000000+AAAA", strings.Replace(key.Public(), "example", "Example", 1), key.Public() + "x", "sp ace" + key.Public()} {
		if _, err := ledger.ParseKey(bad); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "é"} {
		if _, _, err := ledger.GenerateKey(nil, name); err == nil {
			t.Errorf("there is a key named %q", name)
		}
	}
	if k, err := ledger.ParseKey(key.Witness()); err != nil || k.String() != key.Witness() || k.Name() != "example.com/keys" {
		t.Errorf("%v", err)
	}
}
