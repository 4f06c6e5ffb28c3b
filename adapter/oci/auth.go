package oci

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/autoecoops/autoecoops/fault"
)

// Auth holds credentials. It prints as "credentials", whatever it holds.
type Auth struct {
	// DockerConfig is the content of a Secret's .dockerconfigjson.
	DockerConfig []byte
	// Username and Password are shown to whichever registry the repository is
	// in, if there is no DockerConfig.
	Username, Password string
	// CA are PEM certificates to trust instead of the system's.
	CA []byte
}

// String implements fmt.Stringer without showing anything.
func (Auth) String() string { return "credentials" }

// GoString implements fmt.GoStringer without showing anything.
func (Auth) GoString() string { return "oci.Auth{…}" }

// LogValue implements slog.LogValuer without showing anything.
func (Auth) LogValue() slog.Value { return slog.StringValue("credentials") }

// MarshalText implements encoding.TextMarshaler without showing anything.
func (Auth) MarshalText() ([]byte, error) { return []byte("credentials"), nil }

type dockerConfig struct {
	Auths map[string]struct {
		Auth          string `json:"auth"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
		RegistryToken string `json:"registrytoken"`
	} `json:"auths"`
}

// of returns what to show to a registry; nothing if the Secret has nothing for
// it.
func (a Auth) of(registry string) (authn.Authenticator, error) {
	switch {
	case len(a.DockerConfig) > 0:
	case a.Username != "" || a.Password != "":
		return authn.FromConfig(authn.AuthConfig{Username: a.Username, Password: a.Password}), nil
	default:
		return authn.Anonymous, nil
	}
	const op = "read registry credentials"
	const hint = "make the Secret with kubectl create secret docker-registry"
	var c dockerConfig
	if err := json.Unmarshal(a.DockerConfig, &c); err != nil {
		// The error may quote the text.
		return nil, fault.New(fault.Invalid, op, registry, "the Secret's .dockerconfigjson cannot be read", hint)
	}
	for host, e := range c.Auths {
		if hostOf(host) != registry {
			continue
		}
		config := authn.AuthConfig{Username: e.Username, Password: e.Password, IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken}
		if e.Auth != "" && config.Username == "" {
			text, err := base64.StdEncoding.DecodeString(e.Auth)
			user, password, ok := strings.Cut(string(text), ":")
			if err != nil || !ok {
				return nil, fault.New(fault.Invalid, op, registry, "the Secret's auth is no base64 of user and password", hint)
			}
			config.Username, config.Password = user, strings.TrimRight(password, "\x00")
		}
		return authn.FromConfig(config), nil
	}
	return authn.Anonymous, nil
}

// hostOf is the registry that a key of the configuration means: some are
// written as addresses.
func hostOf(key string) string {
	if _, rest, ok := strings.Cut(key, "://"); ok {
		key = rest
	}
	host, _, _ := strings.Cut(key, "/")
	if host == "docker.io" {
		return "index.docker.io"
	}
	return host
}
