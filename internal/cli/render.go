package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// RenderOptions choose what aeo render prints.
type RenderOptions struct {
	// Values is the values file (relative to the chart) on top of the chart's
	// own, "" for none.
	Values string
	// IncludeCRDs prints the definitions of a chart's crds folder too.
	IncludeCRDs bool
	KubeVersion string
}

func newRender(b Backend, s *Streams) *cobra.Command {
	var o RenderOptions
	c := &cobra.Command{
		Use:   "render PATH",
		Short: "Print what a chart or kustomization renders to",
		Long: `Print what a Helm chart or a Kustomize root renders to: the same text as
helm template and kustomize build print, made without either tool.`,
		Example: `  aeo render overlays/production
  aeo render charts/shop --values values-production.yaml`,
		Args: onePath,
		RunE: func(c *cobra.Command, args []string) error {
			return writeTo("", s.Out, func(w io.Writer) error { return b.Render(c.Context(), args[0], o, w) })
		},
	}
	c.Flags().StringVarP(&o.Values, "values", "f", "", "the chart's values `FILE` to add, relative to the chart")
	c.Flags().BoolVar(&o.IncludeCRDs, "include-crds", false, "print the chart's crds folder too")
	c.Flags().StringVar(&o.KubeVersion, "kube-version", "v1.37", "the target cluster's `VERSION`")
	return c
}
