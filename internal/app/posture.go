package app

import (
	"bytes"
	"context"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// assessCluster judges the objects of a cluster as if each were a file.
func (b backend) assessCluster(ctx context.Context, req cli.Request, opts assess.Options) (*cli.Outcome, error) {
	config, err := kube.Load(kube.Options{Kubeconfig: req.Live.Kubeconfig, Context: req.Live.Context, UserAgent: "aeo/" + version})
	if err != nil {
		return nil, err
	}
	client, err := kube.New(config)
	if err != nil {
		return nil, err
	}
	namespace := req.Live.Namespace
	if namespace == "" && !req.Live.All {
		namespace = kube.Namespace(kube.Options{Kubeconfig: req.Live.Kubeconfig, Context: req.Live.Context})
	}
	live := &liveSource{texts: map[string][]byte{}, owners: map[string]owned{}}
	unread, err := client.TakeStock(ctx, namespace, func(s kube.Stock) {
		live.add(s)
		if req.Progress != nil {
			req.Progress("read", len(live.texts), len(live.texts))
		}
	})
	if err != nil {
		return nil, err
	}
	for _, u := range unread {
		live.entries = append(live.entries, assess.Entry{Path: livePath(namespace, u.Kind, ""), Unreadable: u.Reason})
	}
	slices.SortFunc(live.entries, func(a, b assess.Entry) int { return strings.Compare(a.Path, b.Path) })
	apps := applications(ctx, client, namespace)
	judge := func(ctx context.Context) (*assess.Report, error) {
		engine := engineAt(opts.Now, req.Settings.KubeVersion, servedByAll...)
		rep, err := engine.Assess(ctx, live, assess.Target{Path: livePath(namespace, "", "")}, opts)
		if err != nil {
			return nil, err
		}
		live.attribute(rep, apps, lines(ctx, client, live.ownersIn(rep, apps), opts.Now))
		return rep, nil
	}
	return &cli.Outcome{Judge: judge, Files: live, Close: func() error { return nil }}, nil
}

// applications reads the Applications that findings may lead to. Where they
// cannot be read, or there are none, the labels of the objects must do.
func applications(ctx context.Context, c *kube.Client, namespace string) map[deliver.AppKey]*v1alpha1.Application {
	out := map[deliver.AppKey]*v1alpha1.Application{}
	desk := kube.Desk{Client: c}
	all, _, err := desk.Applications(ctx, "")
	if err != nil && fault.KindOf(err) == fault.Denied && namespace != "" {
		all, _, err = desk.Applications(ctx, namespace)
	}
	if err != nil {
		return out
	}
	for i := range all {
		out[deliver.AppKey{Namespace: all[i].Namespace, Name: all[i].Name}] = &all[i]
	}
	return out
}

// livePath is the position of what is in a cluster: cluster:NAMESPACE/KIND/NAME.
// The ending keeps names such as logo.png from being taken for what they say.
func livePath(namespace, kind, name string) string {
	p := "cluster:" + namespace
	if kind != "" {
		p += "/" + kind
	}
	if name != "" {
		p += "/" + strings.NewReplacer("Dockerfile", "%44ockerfile", "Containerfile", "%43ontainerfile").Replace(name) + ".json"
	}
	return p
}

// liveSource implements assess.Source with the objects of a cluster.
type liveSource struct {
	entries []assess.Entry
	texts   map[string][]byte
	owners  map[string]owned
}

// owned is an object of an Application.
type owned struct {
	key deliver.Key
	app deliver.AppKey
}

func (l *liveSource) add(s kube.Stock) {
	kind := s.Kind
	if s.Group != "" {
		kind += "." + s.Group
	}
	p := livePath(s.Namespace, kind, s.Name)
	if _, twice := l.texts[p]; !twice {
		l.entries = append(l.entries, assess.Entry{Path: p})
	}
	l.texts[p] = s.Text
	if s.Owner.Name != "" {
		l.owners[p] = owned{s.Key, s.Owner}
	}
}

// Entries implements assess.Source.
func (l *liveSource) Entries(context.Context) ([]assess.Entry, error) { return l.entries, nil }

// ReadFile implements fs.ReadFileFS.
func (l *liveSource) ReadFile(name string) ([]byte, error) {
	text, ok := l.texts[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return text, nil
}

// Open implements fs.FS.
func (l *liveSource) Open(name string) (fs.File, error) {
	text, err := l.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &liveFile{bytes.NewReader(text), name}, nil
}

// liveFile is an object as a file.
type liveFile struct {
	*bytes.Reader
	name string
}

func (f *liveFile) Close() error               { return nil }
func (f *liveFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *liveFile) Name() string               { return f.name }
func (f *liveFile) Mode() fs.FileMode          { return 0o444 }
func (f *liveFile) ModTime() time.Time         { return time.Time{} }
func (f *liveFile) IsDir() bool                { return false }
func (f *liveFile) Sys() any                   { return nil }
