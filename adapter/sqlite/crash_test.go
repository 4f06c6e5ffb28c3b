package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// The environment of a child process that writes: what it does, where, and
// with which key.
const (
	jobVariable  = "AEO_TEST_JOB"
	pathVariable = "AEO_TEST_PATH"
	keyVariable  = "AEO_TEST_KEY"
)

// work is the child's main function.
func work(job string) int {
	key, err := ledger.ParseSigningKey(os.Getenv(keyVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, os.Getenv(pathVariable), true)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := ledger.Open(ctx, s, ledger.Options{Key: key, CheckpointEntries: 20})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Four writers; each says what was acknowledged, in one write call.
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%d-%d", job, w, i)
				one, two := ledgertest.Event("child", name+"a"), ledgertest.Event("child", name+"b")
				got, err := l.Append(ctx, one, two)
				if err != nil {
					fmt.Fprintf(os.Stdout, "failed %s %s\n", fault.KindOf(err), name)
					return
				}
				fmt.Fprintf(os.Stdout, "done %d %sa\ndone %d %sb\n", got[0].Index, name, got[1].Index, name)
			}
		})
	}
	wg.Wait()
	return 0
}

// child starts a process that writes.
func child(t *testing.T, job, path, key string, wrap ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	args := append(append([]string{}, wrap...), os.Args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), jobVariable+"="+job, pathVariable+"="+path, keyVariable+"="+key)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKilled kills a writing process at random points, again and again. What
// it was told to be durable is there, at its place; the log verifies; calls
// are there whole or not at all.
func TestKilled(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 6
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	_, key, err := ledger.GenerateKey(nil, "example.com/killed")
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	acknowledged := map[string]int64{}
	for round := range rounds {
		cmd, lines := child(t, fmt.Sprint("round", round), path, key)
		// Kill in the middle of what follows the n-th answer.
		kill := rng.IntN(60)
		for n := 0; lines.Scan(); n++ {
			var index int64
			var name string
			if _, err := fmt.Sscanf(lines.Text(), "done %d %s", &index, &name); err != nil {
				t.Fatalf("the child says %q", lines.Text())
			}
			acknowledged[name] = index
			if n == kill {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child was not killed")
		}
		verify(t, path, key, acknowledged)
	}
	if len(acknowledged) < rounds {
		t.Errorf("only %d records were acknowledged in %d rounds", len(acknowledged), rounds)
	}
}

// verify opens the ledger as after a restart and looks for what was
// acknowledged.
func verify(t *testing.T, path, key string, acknowledged map[string]int64) {
	t.Helper()
	k, err := ledger.ParseSigningKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), s, ledger.Options{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledgertest.Good(t, s, ledger.VerifyOptions{Key: ledgertest.Public(t, k)})
	items, err := ledger.Log(t.Context(), s, ledger.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int64{}
	for _, it := range items {
		at[it.Key] = it.Index
	}
	for name, index := range acknowledged {
		if got, ok := at[name]; !ok || got != index {
			t.Errorf("%s was acknowledged as entry %d and is at %d, %v", name, index, got, ok)
		}
	}
	for name := range at {
		if first, ok := strings.CutSuffix(name, "a"); ok {
			if _, ok := at[first+"b"]; !ok {
				t.Errorf("half of a call is there: %s", name)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
