package daemon

import (
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/fault"
)

// kubeletAs says how kubelets are asked by whom asks the API server, in a cluster and
// beside one. The error is of kind Invalid.
func kubeletAs(c *rest.Config) (*scrape.Kubelet, error) {
	if c.ExecProvider != nil || c.AuthProvider != nil || c.Username != "" {
		return nil, fault.New(fault.Invalid, "scrape kubelets", "", "the kubeconfig logs in by a program or a password, with which kubelets cannot be asked", "name a kubeconfig with a token or a certificate, or leave out --metrics-kubelet")
	}
	return &scrape.Kubelet{
		TokenFile: c.BearerTokenFile, Token: c.BearerToken,
		CAFile: c.CAFile, CA: string(c.CAData),
		CertificateFile: c.CertFile, Certificate: string(c.CertData), KeyFile: c.KeyFile, Key: string(c.KeyData),
	}, nil
}
