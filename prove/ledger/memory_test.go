package ledger_test

import (
	"testing"

	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) func() ledger.Store {
		m := &ledger.Memory{}
		return func() ledger.Store { return m }
	})
}
