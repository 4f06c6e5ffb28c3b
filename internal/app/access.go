package app

import (
	"fmt"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// maxCA is how long a file of certificates may be: those of all authorities of the web
// are a quarter of it.
const maxCA = 1 << 20

// OpenAccess reads the files that say how a source is asked. Those of tokens and passwords
// are read anew while it is; trouble, which may be nil, is told if they cannot be.
func OpenAccess(a cli.Access, trouble func(error)) (rest.Access, error) {
	out := rest.Access{Tenant: a.Tenant, CAFlag: a.Flag("ca-file")}
	if flag, why, hint := a.Problem(); why != "" {
		return out, fault.New(fault.Invalid, "read the command line", "--"+flag, why, hint)
	}
	token, err := OpenToken(a.TokenFile, a.Flag("token-file"))
	if err != nil {
		return out, err
	}
	password, err := OpenPassword(a.PasswordFile, a.Flag("password-file"))
	if err != nil {
		return out, err
	}
	if out.CA, err = certificates(a.CAFile, a.Flag("ca-file")); err != nil {
		return out, err
	}
	if trouble != nil {
		token.Troubled(trouble)
		password.Troubled(trouble)
	}
	out.Login = rest.Login{Token: token.Value(), User: a.User, Password: password.Value()}
	out.Renew = func(refused bool) (l rest.Login, err error) {
		l.User = a.User
		if !refused {
			l.Token, l.Password = token.Value(), password.Value()
			return l, nil
		}
		if l.Token, err = token.Renew(); err == nil {
			l.Password, err = password.Renew()
		}
		return l, err
	}
	return out, nil
}

// certificates reads those that are trusted, nil for no file.
func certificates(file, flag string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := head(file, maxCA+1)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "read the certificates to trust", file, err, "check the path given with "+flag)
	}
	if len(text) > maxCA {
		return nil, fault.New(fault.Invalid, "read the certificates to trust", file, fmt.Sprintf("it is longer than %d MiB", maxCA>>20), "check the path given with "+flag)
	}
	if len(text) == 0 {
		return nil, fault.New(fault.Invalid, "read the certificates to trust", file, "the file is empty", "put certificates in PEM into it, or leave "+flag+" out")
	}
	return text, nil
}
