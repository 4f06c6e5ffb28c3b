package scrape

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/teststorage"
)

// clientPair is a certificate that signs itself, and its key, in PEM.
func clientPair(t *testing.T) (certificate, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aeod"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))
}

// TestKubeletIsAsked scrapes a server as the kubelets are scraped: with a token, with a
// certificate, from files, and not if it is not who it should be.
func TestKubeletIsAsked(t *testing.T) {
	certificate, key := clientPair(t)
	asked := make(chan string, 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.Header.Get("Authorization")
		if n := len(r.TLS.PeerCertificates); n > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		select {
		case asked <- who:
		default:
		}
		_, _ = io.WriteString(w, "node_load 1\n")
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // who does not trust it hangs up
	server.StartTLS()
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, _ := clientPair(t)
	for name, c := range map[string]struct {
		kubelet Kubelet
		want    string // "" means that it is not asked
	}{
		"token":                 {Kubelet{Token: "s3cret", CA: ca}, "Bearer s3cret"},
		"files":                 {Kubelet{TokenFile: file("token", "filed\n"), Token: "not this", CAFile: file("ca", ca)}, "Bearer filed"},
		"certificate":           {Kubelet{Certificate: certificate, Key: key, CA: ca}, "aeod"},
		"certificate, in files": {Kubelet{CertificateFile: file("cert", certificate), KeyFile: file("key", key), CA: ca}, "aeod"},
		"somebody else's CA":    {Kubelet{Token: "s3cret", CA: other}, ""},
		"of no known CA":        {Kubelet{Token: "s3cret"}, ""},
		"insecure":              {Kubelet{Token: "s3cret", Insecure: true}, "Bearer s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			store := teststorage.New(t)
			defer store.Close()
			s, err := New(Options{Into: store, Interval: time.Second, Kubelet: &c.kubelet})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			ended := make(chan struct{})
			go func() { defer close(ended); s.Run(ctx) }()
			s.set(poolKubelet, []*targetgroup.Group{{Source: "nodes", Targets: []model.LabelSet{{
				model.AddressLabel: model.LabelValue(strings.TrimPrefix(server.URL, "https://")), model.MetricsPathLabel: "/metrics/cadvisor",
			}}}})
			wait := ctx
			if c.want == "" {
				var cancel context.CancelFunc
				wait, cancel = context.WithTimeout(ctx, 4*time.Second)
				defer cancel()
			}
			select {
			case who := <-asked:
				if who != c.want {
					t.Errorf("asked as %q, want %q", who, c.want)
				}
			case <-wait.Done():
				if c.want != "" {
					t.Error("it was never asked")
				}
			}
			stop()
			<-ended
			for len(asked) > 0 {
				<-asked
			}
		})
	}
}

// TestKubeletMaySayMore has one speak for more pods than a target has samples, and of
// what nobody asks for.
func TestKubeletMaySayMore(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 12 {
			fmt.Fprintf(w, "container_cpu_usage_seconds_total{pod=\"p%d\"} 1\ncontainer_tasks_state{pod=\"p%d\"} 1\n", i, i)
		}
	}))
	defer server.Close()
	store := teststorage.New(t)
	defer store.Close()
	s, err := New(Options{Into: store, Interval: time.Second, MaxSamples: 3, Kubelet: &Kubelet{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	s.set(poolKubelet, []*targetgroup.Group{{Source: "nodes", Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(strings.TrimPrefix(server.URL, "https://"))}}}})
	count := func(name string) (n int) {
		q, err := store.Querier(0, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		for all := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name)); all.Next(); {
			n++
		}
		return n
	}
	for count("up") == 0 && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	if kept, dropped := count("container_cpu_usage_seconds_total"), count("container_tasks_state"); kept != 12 || dropped != 0 {
		t.Errorf("%d series are kept, and %d that nobody asks for", kept, dropped)
	}
	stop()
	<-ended
}
