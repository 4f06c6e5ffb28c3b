package rest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// Login is what a server is shown. At most one of the two is.
type Login struct {
	// Token is sent as a bearer token if it is not empty; User and Password are sent by
	// basic authentication if User is not.
	Token, User, Password string
}

// Access is how a server is asked: what it is shown, and by what it is known.
type Access struct {
	Login
	// Renew, if it is not nil, returns what is shown from now on in place of Login, which may
	// have changed. refused says that the server did not take what it was shown last; only
	// then an error says why there may be nothing newer.
	Renew func(refused bool) (Login, error)
	// Tenant is whose data are asked for, "" where there is only one.
	Tenant string
	// CA holds certificates in PEM that the server's is checked against; empty for those of
	// the system.
	CA []byte
	// CAFlag is the flag that gives CA, for who has to give another.
	CAFlag string
}

// TenantHeader is where Mimir, Loki, Tempo and Alertmanagers of Mimir read the tenant.
const TenantHeader = "X-Scope-OrgID"

// Check returns what is wrong with what is shown, and what helps; "" if nothing is. It
// tells nothing of what is secret.
func (l Login) Check() (why, hint string) {
	switch {
	case l.Token != "" && l.User != "":
		return "there are a token and a user", "give one of them"
	case !Printable(l.Token) || strings.Contains(l.Token, " "):
		return "the token has characters that none has", "put it into the file without anything else"
	case !Printable(l.User) || strings.Contains(l.User, ":"):
		return "the user has characters that none has", "write its name without a colon"
	case l.User == "" && l.Password != "":
		return "there is a password without a user", "give the user too"
	}
	return "", ""
}

// Check returns what is wrong, and what helps; "" if nothing is.
func (a Access) Check() (why, hint string) {
	if !Printable(a.Tenant) || len(a.Tenant) > 1024 {
		return "the tenant has characters that none has", "write its name; several are parted by |"
	}
	return a.Login.Check()
}

// Now is what is shown now.
func (a Access) Now() Login {
	if a.Renew == nil {
		return a.Login
	}
	l, _ := a.Renew(false) // there is an error only of what was refused
	return l
}

// Refused tells whether there is something newer to show than what a server refused, and
// if not what of that is to be told.
func (a Access) Refused(shown Login) (newer bool, why string) {
	if a.Renew == nil {
		return false, ""
	}
	l, err := a.Renew(true)
	if err != nil {
		return false, "; " + err.Error()
	}
	return l != shown, ""
}

// Show writes what is shown into the headers of a question.
func (l Login) Show(h http.Header) {
	switch {
	case l.Token != "":
		h.Set("Authorization", "Bearer "+l.Token)
	case l.User != "":
		h.Set("Authorization", "Basic "+l.basic())
	}
}

func (l Login) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(l.User + ":" + l.Password))
}

// Hide leaves out of a text what is secret: some servers say what they were shown.
func (l Login) Hide(text string) string {
	for _, secret := range [...]string{l.Token, l.Password, l.basic()} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

// Transport makes connections to a server, and believes it as is said.
func (a Access) Transport() (t *http.Transport, why, hint string) {
	t = http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if len(a.CA) == 0 {
		return t, "", ""
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.CA) {
		return nil, "the file of certificates to trust holds none", "give certificates in PEM, as in -----BEGIN CERTIFICATE-----"
	}
	t.TLSClientConfig.RootCAs = pool
	return t, "", ""
}

// Distrusted returns what helps if a question failed because the server is not believed to
// be the one that is meant; ok tells whether that is why.
func (a Access) Distrusted(err error) (hint string, ok bool) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		return "", false
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	flag := a.CAFlag
	if flag == "" {
		flag = "a file with certificates"
	}
	switch {
	case !unknown:
		return "give the address by a name of its certificate, or have the certificate renewed", true
	case len(a.CA) > 0:
		return "are the certificates that are given with " + flag + " those of who signed the server's?", true
	}
	return "give the certificate of who signed the server's with " + flag, true
}
