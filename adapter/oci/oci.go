package oci

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/autoecoops/autoecoops/deliver/flight"
	"github.com/autoecoops/autoecoops/fault"
)

// Options bound what artifacts may cost. The zero value of a field means its
// default.
type Options struct {
	// Timeout bounds one exchange with a registry: 2 minutes.
	Timeout time.Duration
	// MaxPacked bounds one artifact as it is sent, in bytes: 256 MiB.
	MaxPacked int64
	// MaxUnpacked bounds it unpacked, in bytes: 1 GiB.
	MaxUnpacked int64
	// MaxFile bounds one file that is read, in bytes: 32 MiB.
	MaxFile int64
	// MaxFiles bounds its files and folders: 100,000.
	MaxFiles int
	// MaxTags bounds the tags that a semver range looks through: 100,000.
	MaxTags int
	// AllowHTTP lets registries be reached without TLS.
	AllowHTTP bool
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	def(&o.Timeout, 2*time.Minute)
	def(&o.MaxPacked, 256<<20)
	def(&o.MaxUnpacked, 1<<30)
	def(&o.MaxFile, 32<<20)
	def(&o.MaxFiles, 100_000)
	def(&o.MaxTags, 100_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Store is a folder of artifacts. It is safe for concurrent use, also by
// several processes.
type Store struct {
	dir    string
	opts   Options
	secret [32]byte // keys digests of credentials; lives as long as the process

	finds   flight.Group[Artifact]
	fetches flight.Group[struct{}]

	mu     sync.Mutex
	grants map[string]bool // digests of who may read which artifact
	// indexes are those of the artifacts that were read last.
	indexes map[string]*index
}

// Open opens, or makes, a folder of artifacts.
func Open(dir string, o Options) (*Store, error) {
	const op = "open artifact cache"
	s := &Store{dir: dir, opts: o.withDefaults(), grants: map[string]bool{}, indexes: map[string]*index{}}
	if _, err := rand.Read(s.secret[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, dir, err, "")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, dir, err, "the folder must be writable and have space")
	}
	return s, nil
}

// Repo is a repository of a registry and what to show the registry.
type Repo struct {
	// URL is oci://HOST[:PORT]/PATH.
	URL  string
	Auth Auth
}

// repository reads and permits a repository's address.
func (s *Store) repository(url string) (name.Repository, error) {
	const op = "read artifact address"
	refuse := func(why string) (name.Repository, error) {
		return name.Repository{}, fault.New(fault.Invalid, op, "", why, "write oci://HOST/PATH, without tag, digest and credentials")
	}
	path, ok := strings.CutPrefix(url, "oci://")
	if !ok || len(url) > 2048 {
		return refuse("it does not begin with oci://")
	}
	if strings.ContainsAny(path, "@?#") || !strings.Contains(path, "/") {
		return refuse("it has a digest, credentials or a query, or no path")
	}
	options := []name.Option{name.StrictValidation}
	if s.opts.AllowHTTP {
		options = append(options, name.Insecure)
	}
	r, err := name.NewRepository(path, options...)
	if err != nil || strings.Contains(path[strings.LastIndex(path, "/"):], ":") {
		return refuse("it is no address of a repository")
	}
	if !s.opts.AllowHTTP && r.Scheme() == "http" {
		return name.Repository{}, fault.New(fault.Denied, op, r.String(), "a registry without TLS is not allowed: anyone on the way could change what is deployed", "use a registry with TLS, or allow http in the operator's settings")
	}
	return r, nil
}

// remote are the settings of one exchange.
func (s *Store) remote(ctx context.Context, r name.Repository, auth Auth) ([]remote.Option, error) {
	transport, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fault.New(fault.Internal, "reach registry", r.String(), "there is no transport", "")
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = true // it lives for one exchange
	if len(auth.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(auth.CA) {
			return nil, fault.New(fault.Invalid, "reach registry", r.String(), "the CA's certificate cannot be read", "put PEM certificates into the Secret that the source names")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	who, err := auth.of(r.RegistryStr())
	if err != nil {
		return nil, err
	}
	return []remote.Option{remote.WithContext(ctx), remote.WithAuth(who), remote.WithTransport(transport), remote.WithUserAgent("aeod")}, nil
}

// who identifies credentials together with the repository that they are shown
// to, in this process only.
func (s *Store) who(r name.Repository, auth Auth) string {
	h := hmac.New(sha256.New, s.secret[:])
	for _, part := range []string{r.Scheme(), r.String(), string(auth.DockerConfig), auth.Username, auth.Password, string(auth.CA)} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Store) grant(who, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.grants) >= flight.MaxCalls {
		clear(s.grants)
	}
	s.grants[who+digest] = true
}

func (s *Store) granted(who, digest string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants[who+digest]
}
