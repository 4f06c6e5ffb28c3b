// Package lokitest gives tests and benchmarks the Loki that somebody runs for them. The
// project builds none: its licence is not one that we take sources under.
package lokitest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Variable names the environment variable with the address of a Loki's HTTP API, as in
// http://127.0.0.1:3100. It needs tenants (auth_enabled) and structured metadata (schema
// v13), and takes old lines (reject_old_samples: false).
const Variable = "AEO_TEST_LOKI"

// Address is where that Loki is, "" if there is none.
func Address() string { return strings.TrimSuffix(os.Getenv(Variable), "/") }

// Tenant names one that has no lines yet.
func Tenant() string { return fmt.Sprint("aeo-test-", time.Now().UnixNano()) }

// Start returns the address of a Loki and the name of a tenant without lines. Where no
// Loki is named the test is skipped.
func Start(t testing.TB) (address, tenant string) {
	t.Helper()
	if address = Address(); address == "" {
		t.Skip("set " + Variable + " to the address of a Loki to test against it")
	}
	return address, Tenant()
}

// Write writes JSON of streams, as in {"streams": [...]}, for a tenant.
func Write(ctx context.Context, address, tenant string, streams io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/loki/api/v1/push", streams)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Scope-OrgID", tenant)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("refused by Loki with status %d: %s", res.StatusCode, text)
	}
	return nil
}
