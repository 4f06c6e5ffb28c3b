package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// altered is a store in which somebody changed one entry's text.
type altered struct {
	*ledger.Memory
	at   int64
	text []byte
}

// Bodies implements ledger.Store.
func (e altered) Bodies(ctx context.Context, from, to int64) ([][]byte, error) {
	b, err := e.Memory.Bodies(ctx, from, to)
	if err == nil && e.at >= from && e.at < to {
		b[e.at-from] = e.text
	}
	return b, err
}

// TestUnsigned changes entries that no checkpoint covers yet.
func TestUnsigned(t *testing.T) {
	var m ledger.Memory
	key := ledgertest.Key(t, "example.com/tail")
	l := ledgertest.Open(t, &m, ledger.Options{Key: key, CheckpointAge: time.Hour})
	for i := range 300 {
		if _, err := l.Append(t.Context(), ledgertest.Event("a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	rep, err := ledger.VerifyLive(t.Context(), &m, ledger.VerifyOptions{})
	if err != nil || !rep.OK() || rep.Entries != 1 || rep.Unsigned != 299 {
		t.Fatalf("%+v, %v", rep, err)
	}
	bodies, err := m.Bodies(t.Context(), 7, 8)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"other":    strings.Replace(string(bodies[0]), `"a"`, `"b"`, 1),
		"no entry": "{}",
		"nothing":  "",
	} {
		for _, at := range []int64{1, 255, 256, 299} {
			s := altered{&m, at, []byte(text)}
			rep, err := ledger.VerifyLive(t.Context(), s, ledger.VerifyOptions{})
			if err != nil || rep.Total != 1 || rep.Unsigned != 299 || rep.Findings[0].From != at {
				t.Errorf("%s at %d: %+v, %v", name, at, rep, err)
			}
			// Whoever opens the ledger would sign what is there.
			if _, err := ledger.Open(t.Context(), s, ledger.Options{Key: key}); fault.KindOf(err) != fault.Blocked {
				t.Errorf("%s at %d: opened, %v", name, at, err)
			}
		}
	}
}

// TestStretch takes checkpoints out of an export: a ledger always has some among so
// many entries.
func TestStretch(t *testing.T) {
	var m ledger.Memory
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/long"), CheckpointEntries: 1 << 40, CheckpointAge: time.Hour})
	for i := 0; i < 13_000; i += 500 {
		var records []ops.Record
		for j := range 500 {
			records = append(records, ledgertest.Event("a", fmt.Sprint(i+j)))
		}
		if _, err := l.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := files{}
	if _, err := ledger.Export(t.Context(), &m, whole, nil); err != nil {
		t.Fatal(err)
	}
	if rep := verify(t, whole, ledger.VerifyOptions{}); !rep.OK() || rep.Checkpoints < 8 {
		t.Fatalf("%+v", rep)
	}
	for name, gone := range map[string]string{"all": "checkpoints/", "the first": "checkpoints/000", "one": "checkpoints/001"} {
		f := maps.Clone(whole)
		maps.DeleteFunc(f, func(path string, _ []byte) bool { return strings.HasPrefix(path, gone) })
		rep := verify(t, f, ledger.VerifyOptions{})
		if rep.OK() || !strings.Contains(rep.Findings[0].Problem, "checkpoints are missing") {
			t.Errorf("without %s: %+v", name, rep)
		}
	}
}

// TestEmptied takes everything out of a ledger of which somebody kept a checkpoint.
func TestEmptied(t *testing.T) {
	key := ledgertest.Key(t, "example.com/emptied")
	var full, empty ledger.Memory
	l := ledgertest.Open(t, &full, ledger.Options{Key: key})
	for i := range 3 {
		if _, err := l.Append(t.Context(), ledgertest.Event("a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Open(t, &empty, ledger.Options{Key: key})
	rep, err := ledger.VerifyLive(t.Context(), &empty, ledger.VerifyOptions{Kept: []ledger.Kept{{Name: "kept.txt", Note: kept.Note}}})
	if err != nil || rep.Total != 1 || rep.Findings[0].From != 0 || rep.Findings[0].To != 3 || !strings.Contains(rep.Findings[0].Problem, "missing: the kept checkpoint kept.txt is of 3 entries") {
		t.Errorf("%+v, %v", rep, err)
	}
	rep, err = ledger.VerifyLive(t.Context(), &empty, ledger.VerifyOptions{Kept: []ledger.Kept{{Name: "x", Note: []byte("nonsense")}}})
	if err != nil || rep.Total != 1 || !strings.Contains(rep.Findings[0].Problem, "is not of this log") {
		t.Errorf("%+v, %v", rep, err)
	}
	if _, err := ledger.VerifyLive(t.Context(), &empty, ledger.VerifyOptions{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a new ledger: %v", err)
	}
}

// TestChanged looks at entries that are about to be shown.
func TestChanged(t *testing.T) {
	var m ledger.Memory
	l := ledgertest.Open(t, &m, ledger.Options{Key: ledgertest.Key(t, "example.com/shown")})
	for i := range 300 {
		if _, err := l.Append(t.Context(), ledgertest.Event("a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	items, err := ledger.Log(t.Context(), &m, ledger.Filter{})
	if err != nil || len(items) != 300 {
		t.Fatalf("%d, %v", len(items), err)
	}
	if changed, err := ledger.Changed(t.Context(), &m, items); err != nil || len(changed) != 0 {
		t.Errorf("%v %v", changed, err)
	}
	for _, n := range []int{0, 255, 256, 299} {
		items[n].Body = append([]byte(nil), items[n].Body...)
		items[n].Body[len(items[n].Body)/2] ^= 1
	}
	if changed, err := ledger.Changed(t.Context(), &m, items); err != nil || fmt.Sprint(changed) != "[0 255 256 299]" {
		t.Errorf("%v %v", changed, err)
	}
}
