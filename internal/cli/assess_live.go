package cli

import (
	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
)

// Live says which objects of which cluster are judged.
type Live struct {
	ClusterOptions
	// Namespace is "" for that of the context; All asks for every one, and for
	// what is in none.
	Namespace string
	All       bool
}

// liveNames are the flags that ask for a cluster.
var liveNames = []string{"kubeconfig", "context", "namespace", "all-namespaces"}

func (l *Live) add(c *cobra.Command) {
	c.Flags().StringVar(&l.Kubeconfig, "kubeconfig", "", "judge the cluster of this kubeconfig `FILE`")
	c.Flags().StringVar(&l.Context, "context", "", "judge the cluster of the kubeconfig's context `NAME`")
	c.Flags().StringVarP(&l.Namespace, "namespace", "n", "", "judge this `NAMESPACE` of the cluster (default: that of the context)")
	c.Flags().BoolVarP(&l.All, "all-namespaces", "A", false, "judge the whole cluster")
}

// asked tells whether a flag asks for a cluster.
func (l *Live) asked(c *cobra.Command) bool {
	for _, name := range liveNames {
		if c.Flags().Changed(name) {
			return true
		}
	}
	return false
}

func (l *Live) check(args []string, since string) error {
	why := ""
	switch {
	case len(args) > 0:
		why = "a PATH and a cluster exclude each other"
	case since != "":
		why = "a cluster has no earlier revision to compare with"
	case l.All && l.Namespace != "":
		why = "--namespace and --all-namespaces exclude each other"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "read the command line", "", why, "leave one out; see `aeo assess --help`")
}
