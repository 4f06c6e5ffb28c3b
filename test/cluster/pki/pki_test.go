package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/pki"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestBothSidesAreProven lets a server and a client of one authority talk, and
// nobody of another.
func TestBothSidesAreProven(t *testing.T) {
	now := time.Now()
	authority, pair, key := must[*pki.Authority](t), must[pki.Pair](t), must[tls.Certificate](t)
	ours, other := authority(pki.New("ours", now)), authority(pki.New("other", now))
	pool := func(a *pki.Authority) *x509.CertPool {
		p := x509.NewCertPool()
		if !p.AppendCertsFromPEM(a.Pair().Cert) {
			t.Fatal("the authority's certificate is no PEM")
		}
		return p
	}
	serving := pair(ours.Issue(pki.Subject{Name: "server", Hosts: []string{"127.0.0.1", "server.example.com"}}, now))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject := r.TLS.PeerCertificates[0].Subject
		_, _ = io.WriteString(w, subject.CommonName+" "+subject.Organization[0])
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{key(tls.X509KeyPair(serving.Cert, serving.Key))},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool(ours),
	}
	server.StartTLS()
	defer server.Close()
	ask := func(trusted, by *pki.Authority, s pki.Subject) (string, error) {
		p := pair(by.Issue(s, now))
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: pool(trusted), Certificates: []tls.Certificate{key(tls.X509KeyPair(p.Cert, p.Key))},
		}}}
		resp, err := client.Get(server.URL)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return string(text), err
	}
	jane := pki.Subject{Name: "jane", Groups: []string{"team-a"}}
	if text, err := ask(ours, ours, jane); err != nil || text != "jane team-a" {
		t.Errorf("the server knows the client as %q, error %v", text, err)
	}
	if _, err := ask(ours, other, jane); err == nil {
		t.Error("a client of another authority is let in")
	}
	if _, err := ask(other, ours, jane); err == nil {
		t.Error("a server of another authority is trusted")
	}
	if _, err := ask(ours, ours, pki.Subject{Name: "jane", Groups: []string{"team-a"}, Hosts: []string{"jane"}}); err == nil {
		t.Error("a server's certificate is taken for a client's")
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	a := must[*pki.Authority](t)(pki.New("a", now))
	if err := a.Pair().Save(dir, "ca"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has the mode %v, error %v", info.Mode(), err)
	}
	loaded := must[*pki.Authority](t)(pki.Load(dir, "ca"))
	p := must[pki.Pair](t)(loaded.Issue(pki.Subject{Name: "x"}, now))
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), p.Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Load(dir, "ca"); err == nil {
		t.Error("a certificate loads with another's key")
	}
	if _, err := pki.Load(dir, "missing"); err == nil {
		t.Error("a missing authority loads")
	}
	if err := p.Save(filepath.Join(dir, "missing"), "x"); err == nil {
		t.Error("a pair is saved in a folder that does not exist")
	}
}

func TestKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	pair := pki.Pair{Cert: []byte("certificate"), Key: []byte("key")}
	if err := pki.SaveKubeconfig(path, "c", "https://127.0.0.1:1", "jane", []byte("authority"), pair); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		CurrentContext string `json:"current-context"`
		Clusters       []struct {
			Cluster struct {
				Server string
				CA     []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			Name string
			User struct {
				Key []byte `json:"client-key-data"`
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "c" || config.Clusters[0].Cluster.Server != "https://127.0.0.1:1" || string(config.Clusters[0].Cluster.CA) != "authority" ||
		config.Users[0].Name != "jane" || string(config.Users[0].User.Key) != "key" {
		t.Errorf("the kubeconfig is %+v", config)
	}
}
