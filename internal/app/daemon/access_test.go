package daemon

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// vault is a Prometheus and an Alertmanager that show themselves with a certificate of
// their own, and ask for a token that changes.
type vault struct {
	mu     sync.Mutex
	token  string
	tenant []string // of who had the token
	alerts int
}

// ServeHTTP implements http.Handler.
func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+v.token:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "what is this: ", r.Header.Get("Authorization"))
		return
	case strings.HasSuffix(r.URL.Path, "/stores"):
		http.NotFound(w, r)
		return
	case strings.HasSuffix(r.URL.Path, "/alerts"):
		v.alerts++
		return
	}
	v.tenant = append(v.tenant, r.Header.Get("X-Scope-OrgID"))
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
}

func (v *vault) wants(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.token = token
}

// TestObjectivesAccess asks a Prometheus and tells an Alertmanager with an authority of
// their own, and goes on when the token that they ask for becomes another.
func TestObjectivesAccess(t *testing.T) {
	v := &vault{token: "first"}
	web := httptest.NewUnstartedServer(v)
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // it says who distrusts it
	web.StartTLS()
	defer web.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	access := cli.Access{TokenFile: write("token", "first\n"), Tenant: "shop", CAFile: write("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})))}
	client, err := kube.New(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	opened := func(access cli.Access) *objectives {
		t.Helper()
		d := &daemon{client: client, log: slog.New(slog.DiscardHandler), reg: prometheus.NewRegistry()}
		d.pages, d.opts = newPages(d.reg, d.log), Options{CacheDir: t.TempDir()}
		d.opts.Objectives = Objectives{Prometheus: web.URL, Access: access, Scrape: time.Minute, Alertmanagers: []string{web.URL}, AlertAccess: access}
		if err := d.openAlerts(); err != nil {
			t.Fatal(err)
		}
		o, err := d.newObjectives(d.opts.Objectives)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := opened(access)
	ask := func(o *objectives) error {
		return o.follow.Samples.Raw(t.Context(), "up", time.Minute, time.Now(), func(map[string]string, []follow.Point) error { return nil })
	}
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { o.sender.Run(ctx) })
	defer sending.Wait()
	defer stop()
	tell := func(n int) {
		t.Helper()
		o.sender.Send([]follow.Alert{{Labels: map[string]string{"alertname": fmt.Sprint(n)}, Ends: time.Now().Add(time.Hour)}})
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			p := o.sender.Peers()[0]
			if p.Delivered == uint64(n) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the alert does not arrive: %+v", p)
			}
		}
	}
	if err := ask(o); err != nil {
		t.Fatal(err)
	}
	tell(1)
	time.Sleep(refusedPause)
	v.wants("second")
	if err := ask(o); fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), "first") {
		t.Errorf("an old token: %v", err)
	}
	write("token", "second\n")
	time.Sleep(refusedPause)
	if err := ask(o); err != nil {
		t.Errorf("a new token in the same file: %v", err)
	}
	tell(2)
	if len(v.tenant) == 0 || strings.Trim(strings.Join(v.tenant, ""), "shop") != "" {
		t.Errorf("asked for %q", v.tenant)
	}
	// Without the authority nothing is shown, and the flag is told.
	blind := cli.Access{}
	blind.AddFlags(pflag.NewFlagSet("aeod", pflag.ContinueOnError), "prometheus-", "it")
	err = ask(opened(blind))
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Unavailable || !strings.Contains(f.Hint, "--prometheus-ca-file") {
		t.Errorf("nobody's word: %v", err)
	}
}

// TestTokensOfSenders lets those in who show what stands in the file now.
func TestTokensOfSenders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))
	token, err := tokenOf(file, "--logs-token-file", log)
	if err != nil {
		t.Fatal(err)
	}
	received, err := openSpans(Spans{HTTP: "127.0.0.1:0", TokenFile: file}, prometheus.NewRegistry(), log)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]http.Handler{"an asker": metrics.Admit(token, http.NotFoundHandler()), "a sender": received.Handler()}
	is := func(token string, in bool) {
		t.Helper()
		for name, h := range answers {
			r, w := httptest.NewRequest(http.MethodGet, "/x", nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "Bearer "+token)
			if h.ServeHTTP(w, r); (w.Code != http.StatusUnauthorized) != in {
				t.Errorf("%s with %q: %d", name, token, w.Code)
			}
		}
	}
	is("first", true)
	is("second", false)
	write("second")
	time.Sleep(refusedPause)
	is("second", true)
	is("first", false)
	is("", false)
	// What was there stays good while the file is gone, and that is told.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(refusedPause)
	is("third", false)
	is("second", true)
	if !strings.Contains(lines.String(), "no such file") || strings.Contains(lines.String(), "second") {
		t.Errorf("told: %s", lines.String())
	}
	if token, err := tokenOf("", "--logs-token-file", log); token != nil || err != nil {
		t.Errorf("a token without a file: %v", err)
	}
}

// refusedPause is how long it takes until a refusal has a file read again.
const refusedPause = 1100 * time.Millisecond
