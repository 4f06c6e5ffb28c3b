package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
)

// FixRequest is one run of aeo fix.
type FixRequest struct {
	Path     string
	Settings config.Assess
	Write    bool
	// Values are the answers to what a patch asks for, by name.
	Values   map[string]string
	Progress func(stage string, done, total int)
}

// FixOutcome is what a run of aeo fix did or would do.
type FixOutcome struct {
	// Diff is a unified diff of all patches that hold.
	Diff string
	// Fixed, Dropped and Asked count findings: mended, not mended because the
	// patch did not hold, and waiting for a value.
	Fixed, Dropped, Asked int
	// Notes explain what was dropped and what is asked for, a line each.
	Notes []string
	// Files are the files that changed.
	Files []string
}

type fixOptions struct {
	backend Backend
	streams *Streams
	request FixRequest
	flags   settingFlags
	diff    bool
}

func newFix(b Backend, s *Streams, runF func(context.Context, *fixOptions) error) *cobra.Command {
	o := &fixOptions{backend: b, streams: s, flags: settingFlags{}}
	if runF == nil {
		runF = runFix
	}
	c := &cobra.Command{
		Use:   "fix PATH",
		Short: "Mend findings at the lines where they were written",
		Long: `Mend findings at the lines where they were written, keeping comments and
layout. Each patch is tried on a copy and assessed again; it is dropped if it
does not remove its finding, brings a new one, or breaks a rendering.

Without --write nothing is changed: the patches are printed as a diff. Values
that only a person can choose, such as a memory request, are asked for.`,
		Example: `  aeo fix .                                     show what can be mended
  aeo fix . --write                             mend it
  aeo fix . --check k8s-token-automount --write only this check
  aeo fix . --set cpu-request=50m --set memory-request=64Mi --set memory-limit=128Mi`,
		Args: onePath,
		RunE: func(c *cobra.Command, args []string) error {
			o.request.Path = args[0]
			if o.diff && o.request.Write {
				return fault.New(fault.Invalid, "read the command line", "", "--diff and --write exclude each other", "use one of them")
			}
			st, err := b.Settings(args[0])
			if err != nil {
				return err
			}
			if err := o.flags.apply(c, &st); err != nil {
				return err
			}
			o.request.Settings = st
			return runF(c.Context(), o)
		},
	}
	o.flags.add(c, "only", "mend findings of these `CHECKS` only, separated by commas")
	o.flags.add(c, "kubeVersion", "the target cluster's `VERSION` (default v1.37)")
	c.Flags().BoolVar(&o.diff, "diff", false, "print the patches as a diff (the default)")
	c.Flags().BoolVar(&o.request.Write, "write", false, "change the files")
	c.Flags().StringToStringVar(&o.request.Values, "set", nil, "answer what a patch asks for: `NAME=VALUE`, repeatable")
	return c
}

func runFix(ctx context.Context, o *fixOptions) error {
	out, err := o.backend.Fix(ctx, o.request)
	if err != nil {
		return err
	}
	if !o.request.Write {
		if _, err := io.WriteString(o.streams.Out, out.Diff); err != nil {
			return fault.Wrap(fault.Unavailable, "write", "standard output", err, "is its reader still there?")
		}
	}
	for _, n := range out.Notes {
		fmt.Fprintln(o.streams.Err, n)
	}
	verb := "can be mended"
	if o.request.Write {
		verb = "mended"
	}
	fmt.Fprintf(o.streams.Err, "%s %s in %s; %d waiting for a value; %s did not hold\n", count(out.Fixed, "finding"), verb, count(len(out.Files), "file"), out.Asked, count(out.Dropped, "patch"))
	return nil
}

// count writes a number of things.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
