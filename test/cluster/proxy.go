package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/pki"
)

// Proxy starts a proxy in front of the API server, in which the test t can
// have requests go wrong. It ends with the test. Several proxies of one
// cluster know nothing of each other.
func (c *Cluster) Proxy(t testing.TB) *faultproxy.Proxy {
	t.Helper()
	p, err := c.proxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("end the proxy: %v", err)
		}
	})
	return p
}

func (c *Cluster) proxy() (*faultproxy.Proxy, error) {
	dir := keeper.PKIDir(c.RunDir())
	ca, err := pki.Load(dir, "ca")
	if err != nil {
		return nil, err
	}
	front, err := pki.Load(dir, "front")
	if err != nil {
		return nil, err
	}
	now := time.Now()
	serving, err := keyPair(ca.Issue(pki.Subject{Name: "fault-proxy", Hosts: []string{"127.0.0.1", "localhost"}}, now))
	if err != nil {
		return nil, err
	}
	client, err := keyPair(front.Issue(pki.Subject{Name: keeper.FrontName}, now))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.Pair().Cert)
	return faultproxy.New(faultproxy.Options{Upstream: c.config.Host, CA: pool, Serving: serving, Front: client})
}

func keyPair(p pki.Pair, err error) (tls.Certificate, error) {
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(p.Cert, p.Key)
}

// Through returns config changed so that the client goes through p. What the
// client is allowed stays the same.
func Through(p *faultproxy.Proxy, config *rest.Config) *rest.Config {
	through := rest.CopyConfig(config)
	through.Host = p.URL()
	return through
}

// ProxyConfig returns the administrator's client configuration through p.
func (c *Cluster) ProxyConfig(p *faultproxy.Proxy) *rest.Config { return Through(p, c.config) }

// WriteKubeconfig writes a configuration that Config, User or Through returned
// to the file path, for programs that read one.
func WriteKubeconfig(path string, config *rest.Config) error {
	text, err := clientcmd.Write(api.Config{
		CurrentContext: "cluster",
		Contexts:       map[string]*api.Context{"cluster": {Cluster: "cluster", AuthInfo: "user"}},
		Clusters:       map[string]*api.Cluster{"cluster": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*api.AuthInfo{"user": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
		}},
	})
	if err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	return nil
}
