package cli

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/report"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/ops"
)

// assessOptions are the flags of aeo assess.
type assessOptions struct {
	backend  Backend
	streams  *Streams
	build    Build
	request  Request
	flags    settingFlags
	outputs  []string
	baseline string
	show     []string
	verbose  bool
}

// settingFlags are the flags that overrule settings, by setting name.
type settingFlags map[string]*string

func (f settingFlags) add(c *cobra.Command, setting, usage string) {
	v := new(string)
	c.Flags().StringVar(v, config.FlagName(setting), "", usage+" (env "+config.EnvName(setting)+")")
	f[setting] = v
}

func (f settingFlags) apply(c *cobra.Command, s *config.Assess) error {
	for _, name := range config.Names() {
		flag := config.FlagName(name)
		if v, ok := f[name]; ok && c.Flags().Changed(flag) {
			if err := s.Set(name, *v, "--"+flag); err != nil {
				return err
			}
		}
	}
	return s.Validate()
}

const assessExample = `  aeo assess .                                   judge this folder
  aeo assess deploy/web.yaml                     one file
  kustomize build prod | aeo assess -            standard input
  aeo assess https://example.com/shop.git//deploy?ref=v2   a remote repository
  aeo assess . -o table -o sarif=aeo.sarif -o html=report.html
  aeo assess . --fail-on medium --fail-coverage-below 95   a strict gate
  aeo assess . --changed-since origin/main       only what this branch brought
  aeo assess baseline . > .aeo/baseline.json     accept what is there today
  aeo assess . --baseline .aeo/baseline.json     and fail on anything new
  aeo assess --context prod -n shop              what is in a cluster's namespace`

func newAssess(b Backend, s *Streams, build Build, runF func(context.Context, *assessOptions) error) *cobra.Command {
	o := &assessOptions{backend: b, streams: s, build: build, flags: settingFlags{}}
	if runF == nil {
		runF = runAssess
	}
	live := &Live{}
	c := &cobra.Command{
		Use:   "assess PATH",
		Short: "Judge a repository against best practice",
		Long: `Judge a repository against best practice: every finding at the line that a
person must edit, a scorecard of practices, and an account of every file.

PATH is a folder, a file, "-" for standard input, or a Git address with an
optional folder and revision: URL//folder?ref=REVISION. The network is used
for such an address only.

With --context, --kubeconfig, -n or -A instead of a PATH, the objects of a
cluster are judged, read once with your rights (get and list). Kinds that you
may not read are unknown inputs; a Secret's values are never kept. A position
is cluster:NAMESPACE/KIND/NAME.json, with the line in the object as indented
JSON; the finding names the Application that owns the object.

Exit code 0 means that no finding is at or above --fail-on; see aeo exit-codes.`,
		Example: assessExample,
		Args: func(c *cobra.Command, args []string) error {
			if live.asked(c) {
				return live.check(args, o.request.ChangedSince)
			}
			return onePath(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if live.asked(c) {
				o.request.Live = live
			} else {
				o.request.Path = args[0]
			}
			if err := o.settings(c); err != nil {
				return err
			}
			return runF(c.Context(), o)
		},
	}
	o.addFlags(c)
	c.Flags().StringArrayVarP(&o.outputs, "output", "o", nil, "`FORMAT[=FILE]`, repeatable: "+strings.Join(report.Formats(), ", "))
	c.Flags().StringVar(&o.baseline, "baseline", "", "count only findings that are not in this `FILE`")
	c.Flags().StringVar(&o.request.ChangedSince, "changed-since", "", "count only findings that came since this Git `REVISION`")
	c.Flags().StringSliceVar(&o.show, "show", nil, "also list: passed")
	c.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "list every finding in the table, however small")
	live.add(c)
	c.AddCommand(newBaseline(b, s))
	return c
}

func onePath(c *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("%s takes one PATH, not %d", c.CommandPath(), len(args)), "for the current folder: "+c.CommandPath()+" .")
}

func (o *assessOptions) addFlags(c *cobra.Command) {
	o.flags.add(c, "failOn", "fail at findings of this `SEVERITY` or above: critical, high (default), medium, low, never")
	o.flags.add(c, "failCoverageBelow", "fail if less than this `PERCENT` of the inputs could be evaluated")
	o.flags.add(c, "kubeVersion", "the target cluster's `VERSION` (default v1.37)")
	o.flags.add(c, "podSecurity", "`LEVEL@VERSION` asked where no namespace label says (default restricted@v1.37)")
	o.flags.add(c, "registries", "allowed image `REGISTRIES`, separated by commas")
	o.flags.add(c, "only", "evaluate only these `CHECKS`, separated by commas")
	o.flags.add(c, "skip", "leave these `CHECKS` out")
	o.flags.add(c, "enable", "evaluate these opt-in `CHECKS` too")
	unknown := o.flags
	c.Flags().BoolFunc("fail-on-unknown", "fail if anything could not be told (env "+config.EnvName("failOnUnknown")+")", func(v string) error {
		unknown["failOnUnknown"] = &v
		return nil
	})
	c.Flags().StringVar(&o.request.Exceptions, "exceptions", "", "a central exceptions `FILE`, above the repository's own")
	c.Flags().BoolVar(&o.request.NoCache, "no-cache", false, "neither read nor write the result cache")
}

// settings reads the settings of the path and overrules them by flags.
func (o *assessOptions) settings(c *cobra.Command) error {
	path := o.request.Path
	if o.request.Live != nil {
		path = "-" // a cluster has no settings file
	}
	s, err := o.backend.Settings(path)
	if err != nil {
		return err
	}
	if err := o.flags.apply(c, &s); err != nil {
		return err
	}
	o.request.Settings = s
	for _, show := range o.show {
		if show != "passed" {
			return fault.New(fault.Invalid, "read the command line", "--show", fmt.Sprintf("%q cannot be shown", show), "use --show passed")
		}
		o.request.KeepPassed = true
	}
	return nil
}

func runAssess(ctx context.Context, o *assessOptions) error {
	sinks, err := parseOutputs(o.outputs)
	if err != nil {
		return err
	}
	var known baseline
	if o.baseline != "" {
		if known, err = readBaseline(o.baseline); err != nil {
			return err
		}
	}
	o.request.Edits = slices.ContainsFunc(sinks, sink.carriesEdits)
	done := o.progress()
	defer done()
	out, err := o.backend.Assess(ctx, o.request)
	if err != nil {
		return err
	}
	defer out.Close()
	p := &printer{
		stdout: o.streams.Out, memory: out.Memory, known: known.digest,
		opts: report.Options{
			Version: o.build.Version, Color: o.streams.Color(), Width: o.streams.Width,
			Catalogue: catalogue.All(), Verbose: o.verbose, Excerpt: excerpts(out.Files),
		},
	}
	switch summary, ok, err := p.recall(sinks); {
	case err != nil:
		return err
	case ok:
		done()
		return gate(summary, o.request.Settings, o.streams.Err)
	}
	rep, err := out.Judge(ctx)
	done()
	if err != nil {
		return err
	}
	if known.fingerprints != nil {
		rep.Without(known.fingerprints)
	}
	for _, s := range sinks {
		if err := p.print(s, rep); err != nil {
			return err
		}
	}
	return gate(rep.Summary, o.request.Settings, o.streams.Err)
}

// baseline is what a baseline file says, and the hash of its text.
type baseline struct {
	fingerprints map[string]bool
	digest       string
}

func readBaseline(name string) (baseline, error) {
	text, err := plainfile.Read(name)
	if errors.Is(err, plainfile.ErrNotPlain) {
		return baseline{}, fault.Wrap(fault.Invalid, "read baseline", name, err, "name a file that `aeo assess baseline` wrote")
	}
	if err != nil {
		return baseline{}, fault.Wrap(fault.NotFound, "read baseline", name, err, "write one: aeo assess baseline PATH > "+name)
	}
	b, err := assess.ParseBaseline(name, text)
	if err != nil {
		return baseline{}, err
	}
	return baseline{b.Fingerprints(), fmt.Sprintf("%x", sha256.Sum256(text))}, nil
}

// gate turns the report's summary into an exit code.
func gate(sum assess.Summary, s config.Assess, stderr io.Writer) error {
	if s.FailOn != "never" {
		least, err := ops.ParseSeverity(s.FailOn)
		if err != nil {
			return fault.Wrap(fault.Invalid, "read setting", "failOn", err, "use critical, high, medium, low or never")
		}
		if sum.Findings.AtLeast(least) > 0 {
			return answer{1}
		}
	}
	if c := sum.Coverage; c.Percent < s.FailCoverageBelow {
		fmt.Fprintf(stderr, "coverage is %d %%, below the required %d %%: %d of %d inputs could not be evaluated\n", c.Percent, s.FailCoverageBelow, c.Unknown, c.Evaluated+c.Unknown)
		return answer{3}
	}
	if s.FailOnUnknown && (sum.Findings.Unknown > 0 || sum.Coverage.Unknown > 0) {
		fmt.Fprintf(stderr, "%d answers and %d inputs are unknown\n", sum.Findings.Unknown, sum.Coverage.Unknown)
		return answer{3}
	}
	return nil
}

// progress shows on a terminal what is being done; call the result to end it.
func (o *assessOptions) progress() (done func()) {
	if !o.streams.ErrTerminal {
		return func() {}
	}
	var mu sync.Mutex
	var last time.Time
	shown := false
	o.request.Progress = func(stage string, n, total int) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) > 100*time.Millisecond {
			last, shown = now, true
			fmt.Fprintf(o.streams.Err, "\r\x1b[K%s %d/%d", stage, n, total)
		}
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if shown {
			shown = false
			fmt.Fprint(o.streams.Err, "\r\x1b[K")
		}
	}
}

func newBaseline(b Backend, s *Streams) *cobra.Command {
	o := &assessOptions{backend: b, streams: s, flags: settingFlags{}}
	var file string
	c := &cobra.Command{
		Use:   "baseline PATH",
		Short: "Write down today's findings, so that only new ones count",
		Example: `  aeo assess baseline . > .aeo/baseline.json
  aeo assess baseline . --file .aeo/baseline.json`,
		Args: onePath,
		RunE: func(c *cobra.Command, args []string) error {
			o.request.Path = args[0]
			if err := o.settings(c); err != nil {
				return err
			}
			done := o.progress()
			defer done()
			out, err := b.Assess(c.Context(), o.request)
			if err != nil {
				return err
			}
			defer out.Close()
			rep, err := out.Judge(c.Context())
			done()
			if err != nil {
				return err
			}
			text, err := json.MarshalIndent(assess.NewBaseline(rep), "", "  ")
			if err != nil {
				return fault.Wrap(fault.Internal, "write baseline", file, err, "")
			}
			return writeTo(file, s.Out, func(w io.Writer) error {
				_, err := w.Write(append(text, '\n'))
				return err
			})
		},
	}
	o.addFlags(c)
	c.Flags().StringVar(&file, "file", "", "write to this `FILE` instead of standard output")
	return c
}
