package keeper

import (
	"fmt"
	"os"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/pki"
)

// The users of the control plane. The names are those that the API server's
// built-in roles are bound to.
var users = []struct {
	file    string
	subject pki.Subject
}{
	{"kubeconfig", pki.Subject{Name: "admin", Groups: []string{"system:masters"}}},
	{"keeper.kubeconfig", pki.Subject{Name: "aeo:keeper", Groups: []string{"system:masters"}}},
	{"controller-manager.kubeconfig", pki.Subject{Name: "system:kube-controller-manager"}},
	{"scheduler.kubeconfig", pki.Subject{Name: "system:kube-scheduler"}},
	{"kwok.kubeconfig", pki.Subject{Name: "aeo:kwok", Groups: []string{"system:masters"}}},
}

// credentials are what the keeper itself needs to talk to the API server.
type credentials struct {
	ca   *pki.Authority
	self pki.Pair
}

// writeCredentials makes the authorities, certificates and kubeconfigs.
func writeCredentials(l layout, s Spec, n network, now time.Time) (credentials, error) {
	if err := os.MkdirAll(l.at("pki"), 0o700); err != nil {
		return credentials{}, fmt.Errorf("make the folder of certificates: %w", err)
	}
	ca, err := pki.New("aeo-"+s.Name, now)
	if err != nil {
		return credentials{}, err
	}
	front, err := pki.New("aeo-"+s.Name+"-front", now)
	if err != nil {
		return credentials{}, err
	}
	accounts, err := ca.Issue(pki.Subject{Name: "service-accounts"}, now) // only its key is used
	if err != nil {
		return credentials{}, err
	}
	pairs := map[string]pki.Pair{"ca": ca.Pair(), "front": front.Pair(), "accounts": accounts}
	for file, issue := range map[string]struct {
		by *pki.Authority
		to pki.Subject
	}{
		"apiserver":      {ca, pki.Subject{Name: "kube-apiserver", Hosts: apiServerNames(n)}},
		"kubelet-client": {ca, pki.Subject{Name: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}}},
		"proxy":          {front, pki.Subject{Name: FrontName}},
	} {
		if pairs[file], err = issue.by.Issue(issue.to, now); err != nil {
			return credentials{}, err
		}
	}
	for file, pair := range pairs {
		if err := pair.Save(l.at("pki"), file); err != nil {
			return credentials{}, err
		}
	}
	made := credentials{ca: ca}
	for _, u := range users {
		pair, err := ca.Issue(u.subject, now)
		if err != nil {
			return credentials{}, err
		}
		if err := pki.SaveKubeconfig(l.at(u.file), s.Name, n.url(), u.subject.Name, ca.Pair().Cert, pair); err != nil {
			return credentials{}, err
		}
		if u.file == "keeper.kubeconfig" {
			made.self = pair
		}
	}
	return made, nil
}

func apiServerNames(n network) []string {
	return []string{
		n.address, "127.0.0.1", n.kubeIP, "localhost",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
}
