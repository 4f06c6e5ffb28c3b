package daemon

import (
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/autoecoops/autoecoops/fault"
)

func TestKubeletsAreAskedAsTheAPIServerIs(t *testing.T) {
	inside, err := kubeletAs(&rest.Config{BearerToken: "read before", BearerTokenFile: "/token", TLSClientConfig: rest.TLSClientConfig{CAFile: "/ca.crt"}})
	if err != nil || inside.TokenFile != "/token" || inside.CAFile != "/ca.crt" {
		t.Errorf("%+v %v", inside, err)
	}
	beside, err := kubeletAs(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: []byte("ca"), CertData: []byte("cert"), KeyData: []byte("key")}})
	if err != nil || beside.CA != "ca" || beside.Certificate != "cert" || beside.Key != "key" {
		t.Errorf("%+v %v", beside, err)
	}
	for _, c := range []*rest.Config{{ExecProvider: &api.ExecConfig{}}, {AuthProvider: &api.AuthProviderConfig{}}, {Username: "root"}} {
		if _, err := kubeletAs(c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
