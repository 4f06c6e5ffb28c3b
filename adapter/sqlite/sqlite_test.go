package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) func() ledger.Store {
		path := filepath.Join(t.TempDir(), "a ledger? 100%.db")
		return func() ledger.Store {
			s, err := sqlite.Open(t.Context(), path, true)
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
	})
}
