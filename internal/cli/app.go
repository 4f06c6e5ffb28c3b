package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// ClusterOptions say which cluster a command is about.
type ClusterOptions struct {
	// Kubeconfig is a file, "" for the usual places. Context is one of its
	// contexts, "" for the current one.
	Kubeconfig, Context string
}

// Cluster is the custom resources of a cluster, with the caller's rights.
type Cluster interface {
	ClusterState
	Previews
	// Change merges a change into an Application and returns what it is then.
	Change(ctx context.Context, k deliver.AppKey, change map[string]any) (*v1alpha1.Application, error)
	// Person names the caller.
	Person(ctx context.Context) string
	// Namespace is that of the kubeconfig's context.
	Namespace() string
}

// ClusterState is what can be read and watched. A namespace "" means all.
type ClusterState interface {
	Applications(ctx context.Context, namespace string) (apps []v1alpha1.Application, version string, err error)
	Releases(ctx context.Context, namespace string) ([]v1alpha1.Release, error)
	// SLOs lists the Objectives.
	SLOs(ctx context.Context, namespace string) ([]v1alpha1.Objective, error)
	// Around tells what happened in a namespace since a moment, and to nodes, and who runs
	// where. What it returns with an error is what could be read.
	Around(ctx context.Context, namespace string, since time.Time, progress func(done, total int)) (Around, error)
	// Watch tells the changes since a version until f has seen enough.
	Watch(ctx context.Context, namespace, version string, f func(app *v1alpha1.Application, deleted bool) (enough bool)) error
}

// clusterFlags are the flags of every command that talks to a cluster.
type clusterFlags struct {
	backend   Backend
	streams   *Streams
	where     ClusterOptions
	namespace string
	all       bool
	output    string
	now       func() time.Time
}

func (f *clusterFlags) add(c *cobra.Command, formats string) {
	c.Flags().StringVar(&f.where.Kubeconfig, "kubeconfig", "", "the kubeconfig `FILE` (default: $KUBECONFIG, ~/.kube/config, or the cluster this runs in)")
	c.Flags().StringVar(&f.where.Context, "context", "", "the `NAME` of a context of the kubeconfig")
	c.Flags().StringVarP(&f.namespace, "namespace", "n", "", "the `NAMESPACE` (default: that of the context)")
	if formats != "" {
		c.Flags().StringVarP(&f.output, "output", "o", "table", "`FORMAT`: "+formats)
		c.PreRunE = func(*cobra.Command, []string) error {
			if slices.Contains(strings.Split(formats, ", "), f.output) {
				return nil
			}
			return fault.New(fault.Invalid, "read the command line", "--output", fmt.Sprintf("there is no format %q here", f.output), "use one of "+formats)
		}
	}
}

func (f *clusterFlags) addAll(c *cobra.Command) {
	c.Flags().BoolVarP(&f.all, "all-namespaces", "A", false, "of all namespaces")
}

// open returns the cluster and the namespace that is asked for, "" for all.
func (f *clusterFlags) open() (Cluster, string, error) {
	cluster, err := f.backend.Cluster(f.where)
	if err != nil {
		return nil, "", err
	}
	switch {
	case strings.Contains(f.namespace, "/"):
		return nil, "", fault.New(fault.Invalid, "read the command line", "--namespace", fmt.Sprintf("%q is no name of a namespace: none has a slash in it", clean(f.namespace)), "`kubectl get namespaces` lists what there is")
	case f.all && f.namespace != "":
		return nil, "", fault.New(fault.Invalid, "read the command line", "", "--namespace and --all-namespaces exclude each other", "leave one out")
	case f.all:
		return cluster, "", nil
	case f.namespace != "":
		return cluster, f.namespace, nil
	}
	return cluster, cluster.Namespace(), nil
}

// find returns one application and the version it was read at. If there is
// none of that name, the error names those that are nearest.
func find(ctx context.Context, c ClusterState, namespace, name string) (*v1alpha1.Application, string, error) {
	apps, version, err := c.Applications(ctx, namespace)
	if err != nil {
		return nil, "", about(err, "find application", namespace+"/"+name)
	}
	names := make([]string, len(apps))
	for i := range apps {
		if apps[i].Name == name {
			return &apps[i], version, nil
		}
		names[i] = apps[i].Name
	}
	return nil, "", missing("application", namespace, name, names)
}

// about has a failure to read a list say what it was read for.
func about(err error, op, subject string) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	said := *f
	said.Op, said.Subject = op, subject
	return &said
}

func missing(what, namespace, name string, names []string) error {
	group := "app"
	if what == "objective" {
		group = "slo"
	}
	hint := "`aeo " + group + " list -A` shows what there is in other namespaces"
	if near := nearest(name, names, 3); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "? " + hint
	}
	return fault.New(fault.NotFound, "find "+what, namespace+"/"+name, "there is no "+what+" of that name in namespace "+namespace, hint)
}

// nearest returns the names that are at most a third of their letters away,
// the nearest first.
func nearest(name string, names []string, most int) []string {
	type near struct {
		name string
		far  int
	}
	var found []near
	for _, n := range names {
		far := distance(name, n)
		if far <= max(1, len(n)/3) || name != "" && strings.Contains(n, name) {
			found = append(found, near{n, far})
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	out := make([]string, 0, most)
	for _, n := range found[:min(most, len(found))] {
		out = append(out, n.name)
	}
	return out
}

// distance is how many letters must be added, taken away or replaced to turn
// a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func newApp(b Backend, s *Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "app",
		Short: "Applications in a cluster: look, sync, go back",
		Long: `Look at the Applications of a cluster and ask the operator to act on them.

The commands use your kubeconfig and your rights. What you ask for is written
to the Application; the operator acts on it and records who asked.`,
		Example: `  aeo app list -A                     every application, with health and revision
  aeo app get shop -n shop            one in full
  aeo app diff shop -n shop --revision feature/cart   what a merge would change
  aeo app trace shop -n shop          from commit to healthy, step by step
  aeo app sync shop -n shop           look at Git now, and wait until it is done
  aeo app rollback shop -n shop       back to the last good revision`,
	}
	flags := func() *clusterFlags { return &clusterFlags{backend: b, streams: s, now: time.Now} }
	c.AddCommand(newAppList(flags()), newAppGet(flags()), newAppHistory(flags()),
		newAppDiff(flags()), newAppTrace(flags()), newAppSync(flags()), newAppRollback(flags()), newAppSuspend(flags(), true), newAppSuspend(flags(), false))
	return c
}

// oneName takes the one NAME of a command.
func oneName(c *cobra.Command, args []string) error {
	if len(args) == 1 {
		if namespace, name, slash := strings.Cut(args[0], "/"); slash {
			hint := "see `" + c.CommandPath() + " --help`"
			if namespace != "" && name != "" && !strings.Contains(name, "/") {
				hint = fmt.Sprintf("`%s %s -n %s`, if %s is its namespace", c.CommandPath(), clean(name), clean(namespace), clean(namespace))
			}
			return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("%q is no NAME: none has a slash in it", clean(args[0])), hint)
		}
		return nil
	}
	return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("%s takes one NAME, not %d", c.CommandPath(), len(args)), "see `"+c.CommandPath()+" --help`")
}
