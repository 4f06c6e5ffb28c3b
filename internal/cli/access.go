package cli

import (
	"github.com/spf13/pflag"
)

// Access says how a source is asked: what it is shown, whose data are asked for, and by
// what it is known. What is secret stands in files, never on a command line, where all
// who may list processes read it.
type Access struct {
	// TokenFile holds a bearer token, PasswordFile the password of User; "" for none.
	TokenFile, User, PasswordFile string
	// Tenant is whose data are asked for, "" where there is only one.
	Tenant string
	// CAFile holds certificates in PEM that the source's is checked against, "" for those
	// of the machine.
	CAFile string
	// prefix is what the names of its flags begin with.
	prefix string
}

// AddFlags adds the flags, whose names begin with a prefix, as traces-; of is what they
// are for.
func (a *Access) AddFlags(f *pflag.FlagSet, prefix, of string) {
	a.prefix = prefix
	f.StringVar(&a.TokenFile, prefix+"token-file", "", "a `FILE` with a bearer token for "+of)
	f.StringVar(&a.User, prefix+"user", "", "the `NAME` of a user of "+of+", instead of a token")
	f.StringVar(&a.PasswordFile, prefix+"password-file", "", "a `FILE` with the password of --"+prefix+"user")
	f.StringVar(&a.Tenant, prefix+"tenant", "", "the `TENANT` whose data "+of+" is asked for")
	f.StringVar(&a.CAFile, prefix+"ca-file", "", "a `FILE` with certificates in PEM to trust instead of the machine's, for "+of)
}

// Flag is how a flag is written, as --traces-user for user.
func (a Access) Flag(name string) string { return "--" + a.prefix + name }

// Given returns the first flag that is given, without its dashes, "" if none is.
func (a Access) Given() string {
	for _, f := range [...]struct{ name, value string }{
		{"token-file", a.TokenFile}, {"user", a.User}, {"password-file", a.PasswordFile}, {"tenant", a.Tenant}, {"ca-file", a.CAFile},
	} {
		if f.value != "" {
			return a.prefix + f.name
		}
	}
	return ""
}

// Problem returns the name of a flag, what is wrong with it, and what helps; "" if nothing
// is wrong.
func (a Access) Problem() (flag, why, hint string) {
	switch {
	case a.TokenFile != "" && a.User != "":
		return a.prefix + "user", "a token is given too, with " + a.Flag("token-file"), "give one of them"
	case a.User != "" && a.PasswordFile == "":
		return a.prefix + "user", "its password is missing", "put it into a file, and give that with " + a.Flag("password-file")
	case a.User == "" && a.PasswordFile != "":
		return a.prefix + "password-file", "it is not said whose password it is", "give the user with " + a.Flag("user")
	}
	return "", "", ""
}
