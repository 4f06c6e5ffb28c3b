package app

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// guarded is a server that asks for a user with password, and says in its refusals what it
// was shown, as some do.
type guarded struct {
	*httptest.Server
	// ca is the file with the certificate of its authority.
	ca    string
	mu    sync.Mutex
	asked []http.Header
}

// take returns what it was asked since the last time.
func (g *guarded) take() []http.Header {
	g.mu.Lock()
	defer g.mu.Unlock()
	asked := g.asked
	g.asked = nil
	return asked
}

// newGuarded has every question answered with an empty JSON, after the password.
func newGuarded(t *testing.T) *guarded {
	g := &guarded{ca: filepath.Join(t.TempDir(), "ca.crt")}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.asked = append(g.asked, r.Header)
		g.mu.Unlock()
		user, password, _ := r.BasicAuth()
		if user != "reader" || password != "open sesame" {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "%s is not the password", password)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	g.Config.ErrorLog = log.New(&bytes.Buffer{}, "", 0) // it says who distrusts it
	g.StartTLS()
	t.Cleanup(g.Close)
	if err := os.WriteFile(g.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAccess asks every source with an authority of its own, a user and a tenant, by flags
// that are called the same; each refusal names the flag that helps, and no secret.
func TestAccess(t *testing.T) {
	// Questions that were given up may reach a server late: one is to be asked nothing at all.
	g, unasked := newGuarded(t), newGuarded(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	right, wrong, slo := write("right", "open sesame\n"), write("wrong", "hunter2\n"), write("slo.yaml", shopObjectives)
	for name, c := range map[string]struct {
		command, prefix, tenant string
	}{
		"Prometheus, for budgets": {"slo budget " + slo + " --prometheus URL", "--", "X-Scope-OrgID"},
		"Prometheus":              {"observe anomalies --prometheus URL", "--", "X-Scope-OrgID"},
		"Loki":                    {"observe logs -n shop --loki URL", "--", "X-Scope-OrgID"},
		"Jaeger":                  {"observe graph --jaeger URL", "--traces-", "X-Tenant"},
		"Tempo":                   {"observe graph --tempo URL", "--traces-", "X-Scope-OrgID"},
	} {
		run := func(g *guarded, flags ...string) (code int, told string, asked []http.Header) {
			t.Helper()
			g.take()
			var out, errs bytes.Buffer
			streams := &cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
			code = cli.Main(t.Context(), backend{}, streams, cli.Build{}, append(strings.Fields(strings.Replace(c.command, "URL", g.URL, 1)), flags...))
			return code, errs.String(), g.take()
		}
		p := c.prefix
		known := []string{p + "ca-file", g.ca, p + "user", "reader", p + "tenant", "shop"}
		if _, told, asked := run(g, slices.Concat(known, []string{p + "password-file", right})...); len(asked) == 0 || asked[0].Get(c.tenant) != "shop" || strings.Contains(told, "denied") || strings.Contains(told, "certificate") {
			t.Errorf("%s, all well: %v\n%s", name, asked, told)
		}
		if code, told, asked := run(g, slices.Concat(known, []string{p + "password-file", wrong})...); code != fault.Denied.ExitCode() || len(asked) == 0 || !strings.Contains(told, "401") || !strings.Contains(told, "a user that may read") || strings.Contains(told, "hunter2") {
			t.Errorf("%s, a wrong password: %d\n%s", name, code, told)
		}
		if code, told, asked := run(unasked, p+"user", "reader", p+"password-file", right); code != fault.Unavailable.ExitCode() || len(asked) > 0 || !strings.Contains(told, p+"ca-file") || !strings.Contains(told, "certificate") {
			t.Errorf("%s, nobody's word: %d\n%s", name, code, told)
		}
		for want, flags := range map[string][]string{
			p + "password-file":                     {p + "user", "reader"},
			p + "user":                              {p + "password-file", right},
			"give one of them":                      {p + "user", "reader", p + "password-file", right, p + "token-file", right},
			"check the path given with " + p + "ca": {p + "ca-file", filepath.Join(dir, "none")},
			"certificates in PEM":                   {p + "ca-file", slo},
			"the tenant has":                        {p + "tenant", "a\nb"},
		} {
			if code, told, asked := run(unasked, flags...); code != 2 || len(asked) > 0 || !strings.Contains(told, want) {
				t.Errorf("%s, %v: %d, %q lacks %q", name, flags, code, told, want)
			}
		}
	}
}

// TestAccessOfCauses has the logs beside the metrics asked by flags of their own.
func TestAccessOfCauses(t *testing.T) {
	var out bytes.Buffer
	streams := &cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(string) string { return "" }}
	cli.Main(t.Context(), backend{}, streams, cli.Build{}, []string{"observe", "causes", "--help"})
	for _, prefix := range []string{"--", "--traces-", "--logs-"} {
		for _, flag := range []string{"token-file FILE", "user NAME", "password-file FILE", "tenant TENANT", "ca-file FILE"} {
			if !strings.Contains(out.String(), " "+prefix+flag) {
				t.Errorf("%s%s is missing:\n%s", prefix, flag, out.String())
			}
		}
	}
}
