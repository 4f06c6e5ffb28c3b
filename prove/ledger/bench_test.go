package ledger_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func BenchmarkDecode(b *testing.B) {
	var m ledger.Memory
	key, _, err := ledger.GenerateKey(nil, "example.com/bench")
	if err != nil {
		b.Fatal(err)
	}
	l, err := ledger.Open(b.Context(), &m, ledger.Options{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	records := ledgertest.History(rand.New(rand.NewPCG(1, 1)), time.Now().Add(-time.Minute), 200)
	if _, err := l.Append(b.Context(), records...); err != nil {
		b.Fatal(err)
	}
	bodies, err := m.Bodies(b.Context(), 0, 200)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, x := range bodies {
		n += len(x)
	}
	b.SetBytes(int64(n / 200))
	for i := 0; b.Loop(); i++ {
		if _, err := ledger.Decode(bodies[i%200]); err != nil {
			b.Fatal(err)
		}
	}
}
