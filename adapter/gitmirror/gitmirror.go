package gitmirror

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Options bound what repositories may cost, and say what is allowed. The zero
// value of a field means its default.
type Options struct {
	// Git is the program, "git" by default.
	Git string
	// Timeout bounds one exchange with a server: 2 minutes.
	Timeout time.Duration
	// MaxSize bounds one mirror on the disk, in bytes: 2 GiB.
	MaxSize int64
	// MaxMemory bounds one allocation of git, in bytes: 256 MiB.
	MaxMemory int64
	// MaxFile bounds one file that is read, in bytes: 32 MiB.
	MaxFile int64
	// MaxRefs bounds the branches and tags of a repository: 500,000.
	MaxRefs int
	// Parallel bounds how many exchanges run at a time: 8.
	Parallel int
	// CacheEntries bounds the parsed folders kept in memory, in entries: 100,000.
	CacheEntries int
	// AllowHTTP lets addresses be http, which anyone on the way can change.
	AllowHTTP bool
	// AllowFile lets addresses be folders of this machine.
	AllowFile bool
	// Allow, if set, decides further which addresses may be reached.
	Allow func(giturl.Address) error
	// Environ is added to git's environment: proxies as in
	// "https_proxy=http://…". Nothing else of this process's environment is.
	Environ []string
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	def(&o.Git, "git")
	def(&o.Timeout, 2*time.Minute)
	def(&o.MaxSize, 2<<30)
	def(&o.MaxMemory, 256<<20)
	def(&o.MaxFile, 32<<20)
	def(&o.MaxRefs, 500_000)
	def(&o.Parallel, 8)
	def(&o.CacheEntries, 100_000)
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

// Mirrors is a folder of mirrors. It is safe for concurrent use, also by
// several processes. Close it after use.
type Mirrors struct {
	dir    string
	opts   Options
	git    string
	secret [32]byte // keys digests of credentials; lives as long as the process

	slots chan struct{} // one for each exchange that may run
	trees *treeCache
	pool  *readers

	mu      sync.Mutex
	mirrors map[string]*mirror
	closed  chan struct{}
	work    sync.WaitGroup
}

// Open opens, or makes, a folder of mirrors.
func Open(dir string, o Options) (*Mirrors, error) {
	const op = "open git cache"
	m := &Mirrors{opts: o.withDefaults(), mirrors: map[string]*mirror{}, closed: make(chan struct{})}
	var err error
	if m.dir, err = filepath.Abs(dir); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, dir, err, "name a folder for the cache")
	}
	if m.git, err = lookGit(m.opts.Git); err != nil {
		return nil, err
	}
	if _, err := rand.Read(m.secret[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, dir, err, "")
	}
	err = os.MkdirAll(filepath.Join(m.dir, "home"), 0o700)
	if err == nil {
		err = writeGitConfig(m.configFile())
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, dir, err, "the folder must be writable and have space")
	}
	m.slots = make(chan struct{}, m.opts.Parallel)
	m.trees = newTreeCache(m.opts.CacheEntries)
	m.pool = newReaders(m)
	return m, nil
}

// Close ends what is running and releases everything. Trees cannot be read
// afterwards.
func (m *Mirrors) Close() error {
	m.mu.Lock()
	select {
	case <-m.closed:
	default:
		close(m.closed)
	}
	m.mu.Unlock()
	m.work.Wait()
	m.pool.close()
	return nil
}

// detach returns a context for work that several callers share: it does not
// end with the caller that began it, but after the timeout or with Close.
func (m *Mirrors) detach(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.opts.Timeout)
	go func() {
		select {
		case <-m.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// begin counts a piece of work in that outlives its caller.
func (m *Mirrors) begin() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.closed:
		return errClosed
	default:
		m.work.Add(1)
		return nil
	}
}

var errClosed = fault.New(fault.Unavailable, "read git repository", "", "the cache is closed", "the program is ending; try again after its start")

// mirror returns the mirror of a repository.
func (m *Mirrors) mirror(a giturl.Address) *mirror {
	key := a.Key()
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.mirrors[key]
	if r == nil {
		sum := sha256.Sum256([]byte(key))
		r = newMirror(key, filepath.Join(m.dir, hex.EncodeToString(sum[:16])))
		m.mirrors[key] = r
	}
	return r
}

// address reads and permits a repository's address.
func (m *Mirrors) address(url string) (giturl.Address, error) {
	a, err := giturl.Parse(url)
	if err != nil {
		return a, err
	}
	const op = "reach git repository"
	switch {
	case a.Scheme == giturl.HTTP && !m.opts.AllowHTTP:
		return a, fault.New(fault.Denied, op, a.String(), "plain http is not allowed: anyone on the way could change what is deployed", "use https, or allow http in the operator's settings")
	case a.Scheme == giturl.File && !m.opts.AllowFile:
		return a, fault.New(fault.Denied, op, a.String(), "folders of the operator's own machine are not allowed", "use https or ssh, or allow file addresses in the operator's settings")
	}
	if m.opts.Allow != nil {
		return a, m.opts.Allow(a)
	}
	return a, nil
}
