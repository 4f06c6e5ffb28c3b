package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/adapter/git"
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/internal/app/audit"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
	"github.com/autoecoops/autoecoops/internal/plainfile"
)

// backend implements cli.Backend with the real adapters.
type backend struct {
	audit.Ledgers
	stdin io.Reader
	// clock tells the time, nil for that of the machine.
	clock func() time.Time
}

func (b backend) now() time.Time {
	if b.clock != nil {
		return b.clock()
	}
	return time.Now()
}

// parser fills assess.Parser with yamldoc.
type parser struct{}

// Split implements assess.Parser.
func (parser) Split(text []byte) []assess.Part {
	parts := yamldoc.Split(text)
	out := make([]assess.Part, len(parts))
	for i, p := range parts {
		out[i] = assess.Part(p)
	}
	return out
}

// Parse implements assess.Parser.
func (parser) Parse(p assess.Part) []tree.Document { return yamldoc.Part(p).Parse() }

// servedByAll are API versions that every supported cluster serves but that
// helm template does not know of by itself: charts that ask for them would
// render their fallback for clusters long gone.
var servedByAll = []string{"apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1/APIService"}

// today is the time that templates get when they ask for it: the day, so that a
// rerun gives the same bytes.
func today(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

// newEngine returns an engine for a target of a Kubernetes version that serves
// apis besides what helm template assumes.
func newEngine(kubeVersion string, apis ...string) *assess.Engine {
	return engineAt(time.Now(), kubeVersion, apis...)
}

// engineAt is newEngine for an assessment that began at now.
func engineAt(now time.Time, kubeVersion string, apis ...string) *assess.Engine {
	charts := helm.New(helm.Options{KubeVersion: kubeVersion, APIVersions: apis, Now: today(now)})
	return &assess.Engine{
		Parser: parser{},
		Renderers: map[assess.Tool]assess.Renderer{
			assess.Helm:      charts,
			assess.Kustomize: kustomize.New(kustomize.Options{Charts: chartFunc(charts), KubeVersion: kubeVersion}),
		},
		Roots: kustomize.Roots,
	}
}

func chartFunc(charts *helm.Renderer) kustomize.ChartFunc {
	return func(ctx context.Context, files fs.FS, dir string, o kustomize.ChartOptions) ([]byte, []string, error) {
		return charts.RenderChart(ctx, files, dir, helm.ChartOptions(o))
	}
}

// Settings implements cli.Backend.
func (b backend) Settings(path string) (config.Assess, error) {
	s := config.Default()
	if err := loadFile(&s, path); err != nil {
		return s, err
	}
	if err := s.Environment(os.Getenv); err != nil {
		return s, err
	}
	return s, nil
}

// loadFile applies the settings file of the folder that is assessed. It is
// read like any file of the tree: no link leads out of it, no pipe is waited for.
func loadFile(s *config.Assess, name string) error {
	if _, remote := git.ParseAddress(name); remote || name == "-" {
		return nil
	}
	tree, err := worktree.Open(folder(name))
	if err != nil {
		return nil //nolint:nilerr // opening the path itself says so, and better
	}
	defer tree.Close()
	text, err := tree.ReadFile(config.File)
	switch {
	case err == nil:
		return s.Load(config.File, text)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil
	}
	return fault.Wrap(fault.Unavailable, "read settings", config.File, err, "make it a regular file inside of the folder that you may read")
}

// opened is a target made ready to be read.
type opened struct {
	assess.Source
	target assess.Target
	close  func() error
}

// open makes the files of a path readable: a folder, a file, standard input
// or a remote repository.
func (b backend) open(ctx context.Context, path string) (*opened, error) {
	if path == "-" {
		text, err := io.ReadAll(io.LimitReader(b.stdin, assess.MaxFile+1))
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read", "standard input", err, "")
		}
		return &opened{stdinSource(text), assess.Target{Path: "-"}, func() error { return nil }}, nil
	}
	if a, ok := git.ParseAddress(path); ok {
		files, commit, err := git.Fetch(ctx, a)
		if err != nil {
			return nil, err
		}
		shown := git.Public(path)
		return &opened{worktree.Over(files, shown), assess.Target{Path: shown, Commit: commit}, func() error { return nil }}, nil
	}
	t, err := worktree.Open(path)
	if err != nil {
		return nil, err
	}
	return &opened{t, assess.Target{Path: path, Commit: git.Head(folder(path))}, t.Close}, nil
}

func folder(path string) string {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return filepath.Dir(path)
	}
	return path
}

// options turns settings into the engine's options.
func options(req cli.Request, now time.Time) (assess.Options, error) {
	o := assess.Default()
	o.Now, o.KeepPassed, o.Progress, o.Deviations = now, req.KeepPassed, req.Progress, req.Edits
	s := req.Settings
	var err error
	if o.KubeMinor, err = config.KubeMinor(s.KubeVersion); err != nil {
		return o, fault.Wrap(fault.Invalid, "read setting", "kubeVersion", err, "write v1.37")
	}
	if o.PodSecurity, o.PodSecurityMinor, err = config.PodSecurity(s.PodSecurity); err != nil {
		return o, fault.Wrap(fault.Invalid, "read setting", "podSecurity", err, "write restricted@v1.37")
	}
	o.Registries = s.Registries
	if o.Checks, err = chooseChecks(s); err != nil {
		return o, err
	}
	if req.Exceptions != "" {
		o.ExceptionsName = req.Exceptions
		if o.Exceptions, err = plainfile.Read(req.Exceptions); errors.Is(err, plainfile.ErrNotPlain) {
			return o, fault.Wrap(fault.Invalid, "read exceptions", req.Exceptions, err, "write them to a file, and name it with --exceptions")
		}
		if err != nil {
			return o, fault.Wrap(fault.NotFound, "read exceptions", req.Exceptions, err, "check the path given with --exceptions")
		}
	}
	return o, nil
}
