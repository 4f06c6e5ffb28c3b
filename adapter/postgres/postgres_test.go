package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/postgres"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
	"github.com/autoecoops/autoecoops/test/postgrestest"
)

// server is the one that all tests share; nil if why says why there is none.
var (
	server    *postgrestest.Server
	why       error
	databases atomic.Int64
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aeo-pg-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Tests restart the server; what they want is order, not the disk.
	server, why = postgrestest.Start(context.Background(), dir, "fsync=off")
	if why != nil && !errors.Is(why, postgrestest.ErrNone) {
		fmt.Fprintln(os.Stderr, why)
		return 1
	}
	if why == nil {
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	return m.Run()
}

// database makes an empty database.
func database(t *testing.T) string {
	t.Helper()
	if why != nil {
		t.Skip(why)
	}
	url, err := server.Create(t.Context(), fmt.Sprint("test", databases.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) func() ledger.Store {
		url := database(t)
		return func() ledger.Store { return open(t, url) }
	})
}
