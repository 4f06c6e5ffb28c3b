package daemon

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
)

// TestNamespaceOfOurs has the daemon's namespace made where that is missing: only
// beside a cluster, and only with the right to; else the error says how.
func TestNamespaceOfOurs(t *testing.T) {
	for name, c := range map[string]struct {
		beside, allowed bool
		made            bool
		log             string
	}{
		"beside a cluster": {true, true, true, `"level":"INFO","msg":"made the namespace`},
		"with few rights":  {true, false, false, `"level":"WARN"`},
		"in a cluster":     {false, true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			made, secret := false, []byte(nil)
			status := func(w http.ResponseWriter, code int, text string) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_, _ = io.WriteString(w, text) // the client notices
			}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/api/v1/namespaces" && c.allowed:
					made = true
					status(w, 201, `{"apiVersion":"v1","kind":"Namespace"}`)
				case r.URL.Path == "/api/v1/namespaces":
					status(w, 403, `{"apiVersion":"v1","kind":"Status","status":"Failure","code":403,"reason":"Forbidden","message":"namespaces is forbidden: User \"dev\" cannot create resource \"namespaces\""}`)
				case r.Method == http.MethodPost && !made:
					status(w, 404, `{"apiVersion":"v1","kind":"Status","status":"Failure","code":404,"reason":"NotFound","message":"namespaces \"ours\" not found","details":{"kind":"namespaces","name":"ours"}}`)
				case r.Method == http.MethodPost:
					secret, _ = io.ReadAll(r.Body)
					status(w, 201, string(secret))
				case secret == nil:
					status(w, 404, `{"apiVersion":"v1","kind":"Status","status":"Failure","code":404,"reason":"NotFound","message":"secrets \"aeod-digest-key\" not found","details":{"kind":"secrets","name":"aeod-digest-key"}}`)
				default:
					status(w, 200, string(secret))
				}
			}))
			defer web.Close()
			client, err := kube.New(&rest.Config{Host: web.URL})
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			key, err := ownKey(t.Context(), client, "ours", c.beside, slog.New(slog.NewJSONHandler(&log, nil)))
			if made != c.made || c.made != (err == nil) || c.made && len(key) != 32 || !strings.Contains(log.String(), c.log) {
				t.Errorf("made %t, key of %d bytes, %v\n%s", made, len(key), err, log.String())
			}
			if f, ok := errors.AsType[*fault.Error](err); !c.made && (!ok || !strings.Contains(f.Hint, "kubectl create namespace ours")) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestUsage has errors of the command line name the right program.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"--frob"}, {"frob"}, {"ledger-key"}, {"ledger-key", "--frob"}, {"--workers", "0"}} {
		c := command(io.Discard)
		c.SetArgs(args)
		c.SetOut(io.Discard)
		err := usage("aeod", c.ExecuteContext(t.Context()))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid || !strings.HasPrefix(f.Hint, "see `aeod") || !strings.HasSuffix(f.Hint, " --help`") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestReadyOnlyWithALedger has the daemon be not ready, and say why, from the
// first record that cannot be written to the next that is.
func TestReadyOnlyWithALedger(t *testing.T) {
	var log bytes.Buffer
	j, err := openLedger(t.Context(), Ledger{Location: filepath.Join(t.TempDir(), "ledger.db")}, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	})
	p := newPages(prometheus.NewRegistry(), quiet())
	p.ready.Store(true)
	p.checks["ledger"] = j.check
	probe := func(path string, code int, words string) {
		t.Helper()
		w := httptest.NewRecorder()
		p.mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != code || !strings.Contains(w.Body.String(), words) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body.String())
		}
	}
	probe("/readyz", 200, "ok")
	if err := j.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Append(t.Context(), record(1)); err == nil {
			t.Fatal("written to a ledger that is closed")
		}
	}
	probe("/readyz", 503, "[-] ledger: append to the ledger: the ledger is closed")
	probe("/livez", 200, "ok")
	if n := strings.Count(log.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("%d errors in\n%s", n, log.String())
	}
	j.ledger = nil // it is opened anew, as after a restart
	if err := j.Append(t.Context(), record(2)); err != nil {
		t.Fatal(err)
	}
	probe("/readyz?verbose", 200, "[+] ledger")
	if !strings.Contains(log.String(), "the ledger is written again") {
		t.Error(log.String())
	}
	// One that was never opened is asked by the probe itself.
	never := &journal{place: Ledger{Location: filepath.Join(t.TempDir(), "none", "ledger.db")}, log: quiet(), now: j.now}
	p.checks["ledger"] = never.check
	probe("/readyz", 503, "[-] ledger: ")
	if err := os.MkdirAll(filepath.Dir(never.place.Location), 0o750); err != nil {
		t.Fatal(err)
	}
	never.failed = nil // as if a second passed
	probe("/readyz", 200, "ok")
	if err := never.close(); err != nil {
		t.Error(err)
	}
}
