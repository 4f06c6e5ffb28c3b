package script

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// makeLedger makes a ledger with so many entries, and its key beside it:
// ledger FILE N. A second run adds to it.
func makeLedger(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx := context.Background()
	l, _, err := audit.Open(ctx, ts.MkAbs(args[0]), audit.Options{Origin: "shop.example/ledger"})
	ts.Check(err)
	now := time.Now().UTC()
	records := ledgertest.History(rand.New(rand.NewPCG(1, uint64(n))), now, n)
	for i := range records {
		records[i].Time = now.Add(time.Duration(i-n) * 10 * time.Millisecond)
		records[i].Key += now.String()
	}
	_, err = l.Append(ctx, records...)
	ts.Check(errors.Join(err, l.Close()))
}

// witness cosigns a checkpoint in the name of a new witness: witness IN OUT
// KEY.
func witness(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	keyText, err := os.ReadFile(ts.MkAbs("log.vkey"))
	ts.Check(err)
	log, err := ledger.ParseKey(string(keyText))
	ts.Check(err)
	key, _, err := ledger.GenerateKey(nil, "witness.example")
	ts.Check(err)
	signed, err := ledger.Cosign(key, log, nil, text, nil, time.Now())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), signed, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(key.Witness()+"\n"), 0o600))
}

// flip changes one bit of the byte of a file: flip FILE OFFSET.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
