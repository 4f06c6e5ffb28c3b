package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

func TestQuick(t *testing.T) {
	key, _, err := ledger.GenerateKey(nil, "example.com/ledger")
	if err != nil {
		t.Fatal(err)
	}
	var m ledger.Memory
	l, err := ledger.Open(t.Context(), &m, ledger.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 300 {
				n := 1 + rand.IntN(3)
				var recs []ops.Record
				for j := range n {
					recs = append(recs, ops.Record{Time: time.Now(), Source: fmt.Sprint("s", g%3), Key: fmt.Sprint(g, i, j), Actor: ops.Actor{Kind: ops.ActorOperator, Name: "aeod"}, Action: "deliver.apply", Phase: ops.PhaseIntent})
				}
				r, err := l.Append(t.Context(), recs...)
				if err != nil || len(r) != n || r[n-1].Index != r[0].Index+int64(n)-1 {
					t.Error(r, err)
				}
			}
		})
	}
	wg.Wait()
	c, err := l.Checkpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", c.Note)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = ledger.Open(t.Context(), &m, ledger.Options{Key: key}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Append(t.Context(), ops.Record{Source: "s0", Key: "0 0 0", Actor: ops.Actor{Kind: ops.ActorOperator, Name: "aeod"}, Action: "deliver.x", Phase: ops.PhaseIntent})
	if fault.KindOf(err) != fault.Conflict {
		t.Error(err)
	}
}
