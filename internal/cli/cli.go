// Package cli is the command line of aeo: one file a command, each an options
// struct, a constructor and a run function.
//
// The rules of the interface: standard output carries only the answer;
// progress, notes and errors go to standard error, progress only to a
// terminal; words carry the meaning, never colour alone.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// OutTerminal and ErrTerminal tell whether a person is looking; ErrTerminal also
	// that a line there can be written again, as progress is.
	OutTerminal, ErrTerminal bool
	// Width is the terminal's width in columns, 0 if unknown.
	Width  int
	Getenv func(string) string
}

// Color reports whether standard output may be coloured.
func (s *Streams) Color() bool {
	if s.Getenv("CLICOLOR_FORCE") != "" && s.Getenv("CLICOLOR_FORCE") != "0" {
		return true
	}
	return s.OutTerminal && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}

// counting returns a function that shows on a terminal how much of something is done, nil
// if nobody is looking. Call end when it is over, however it ended.
func (s *Streams) counting(doing string) (progress func(done, total int), end func()) {
	if !s.ErrTerminal {
		return nil, func() {}
	}
	shown := false
	progress = func(done, total int) {
		shown = true
		fmt.Fprintf(s.Err, "\r\x1b[K%s: %d of %d", doing, done, total)
	}
	return progress, func() {
		if shown {
			fmt.Fprint(s.Err, "\r\x1b[K")
		}
	}
}

// Build says which program this is.
type Build struct{ Version, Commit string }

// Request is one assessment to be made.
type Request struct {
	// Path is a folder, a file, "-" or a Git address.
	Path string
	// Live asks for what is in a cluster; Path and ChangedSince are "" then.
	Live         *Live
	ChangedSince string
	Settings     config.Assess
	// Exceptions is the path of a central exceptions file, "" for none.
	Exceptions string
	KeepPassed bool
	// Edits asks for the findings' edits, for formats that carry them.
	Edits    bool
	NoCache  bool
	Progress func(stage string, done, total int)
}

// Outcome is an assessment with the files that it is made of.
type Outcome struct {
	// Judge returns the report, which may be remembered or take its time.
	Judge func(ctx context.Context) (*assess.Report, error)
	// Memory keeps finished outputs; it is nil if none are to be kept.
	Memory Memory
	// Files are the assessed files, for excerpts.
	Files fs.FS
	// Close releases them.
	Close func() error
}

// Text is a remembered output.
type Text interface {
	io.WriterTo
	io.Closer
}

// Memory keeps finished outputs of one assessment, so that an unchanged rerun
// need not write them anew. A view says all that an output depends on besides
// the assessment and its target.
type Memory interface {
	// Recall returns the output of a view, and the summary behind it, if that
	// is what would be written now. Close the text.
	Recall(view string) (summary assess.Summary, text Text, ok bool)
	// Keep has an output written to w and keeps it if write succeeds. Its error
	// is that of write.
	Keep(view string, summary assess.Summary, w io.Writer, write func(io.Writer) error) error
}

// Backend does the work behind the commands; internal/app wires it.
type Backend interface {
	Repositories
	Auditor
	Objectives
	Telemetry
	// Cluster finds the way to a cluster; nothing is asked yet.
	Cluster(o ClusterOptions) (Cluster, error)
}

// Repositories judges, renders and mends what is in a folder or in Git.
type Repositories interface {
	// Settings returns the settings for a path: default, file, environment.
	Settings(path string) (config.Assess, error)
	Assess(ctx context.Context, req Request) (*Outcome, error)
	// Render writes what the tool of a root prints.
	Render(ctx context.Context, path string, opts RenderOptions, w io.Writer) error
	Fix(ctx context.Context, req FixRequest) (*FixOutcome, error)
	// Manifests reads what a path declares, as Assess does, and judges nothing.
	Manifests(ctx context.Context, path string) (*Manifests, error)
}

// answer is the error of a command that did its work and whose answer is no.
type answer struct{ code int }

func (a answer) Error() string { return fmt.Sprintf("exit status %d", a.code) }

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, b Backend, s *Streams, build Build, args []string) int {
	out := &heeded{Writer: s.Out}
	heeding := *s
	heeding.Out = out
	root := newRoot(b, &heeding, build)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if lost := out.lost(); lost != nil {
		if _, ok := errors.AsType[*fault.Error](err); !ok {
			err = unwritten(lost)
		}
	}
	if err == nil {
		return 0
	}
	if a, ok := errors.AsType[answer](err); ok {
		return a.code
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.Err, "interrupted")
		return fault.Interrupted.ExitCode()
	}
	PrintError(s.Err, err)
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fault.KindOf(err).ExitCode()
	}
	return fault.Invalid.ExitCode()
}

// PrintError writes an error as what, why and how to fix.
func PrintError(w io.Writer, err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		fmt.Fprintf(w, "error: %s\nfix:   see `aeo --help`\n", printableLines(err.Error()))
		return
	}
	fmt.Fprintf(w, "error: cannot %s\n", printable(strings.TrimSpace(f.Op+" "+f.Subject)))
	why := f.Public
	if why == "" && f.Cause != nil {
		why = f.Cause.Error()
	}
	if why = strings.TrimSpace(why); why != "" {
		// What has several lines goes on below its first.
		fmt.Fprintf(w, "why:   %s\n", strings.ReplaceAll(printableLines(why), "\n", "\n       "))
	}
	if f.Hint != "" {
		fmt.Fprintf(w, "fix:   %s\n", printableLines(f.Hint))
	}
}

// printableLines replaces in each line what would act on a terminal: errors repeat
// what servers and files say.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(strings.ReplaceAll(lines[i], "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

func newRoot(b Backend, s *Streams, build Build) *cobra.Command {
	root := &cobra.Command{
		Use:   "aeo",
		Short: "Take a change from Git to production safely, and prove it",
		Long: `aeo judges Kubernetes repositories against best practice: what is wrong, at
which line, why it matters and how to fix it. For that it needs no account, no
cluster and no network. It also speaks for the operator aeod (app, release), reads
its ledger (audit) and tells what is abnormal in production (slo, observe).`,
		Example: `  aeo assess .                          judge the current folder
  aeo assess . -o html=report.html      the same as a page to show
  aeo fix . --diff                      what can be mended automatically
  aeo explain k8s-run-as-root           why a check exists
  aeo observe anomalies                 what is abnormal in production ($AEO_PROMETHEUS)
  aeo audit verify evidence/            that nobody changed what was recorded`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New(fault.Invalid, "read the command line", "", err.Error(), "see `"+c.CommandPath()+" --help`")
	})
	root.AddCommand(newAssess(b, s, build, nil), newFix(b, s, nil), newChecks(s), newExplain(s), newRender(b, s), newApp(b, s), newRelease(b, s), newAudit(b, s), newSLO(b, s), newObserve(b, s), newVersion(s, build), newExitCodes(s))
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, c := range root.Commands() {
		knowItsOwn(c)
	}
	return root
}

// knowItsOwn has a command that only groups others refuse a word that is none of
// them; without one it tells what there is.
func knowItsOwn(c *cobra.Command) {
	if c.Runnable() || !c.HasSubCommands() {
		return
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		hint := "see `" + c.CommandPath() + " --help`"
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "? Else " + hint
		}
		return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("%s knows no command %q", c.CommandPath(), clean(args[0])), hint)
	}
}

func newVersion(s *Streams, build Build) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "aeo %s (%s)\n", build.Version, build.Commit)
			return err
		},
	}
}

func newExitCodes(s *Streams) *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "Explain the exit codes",
		Long: `The exit codes of aeo:

  0    done; the gate passed
  1    done; the answer is no: findings at or above --fail-on, or an audit that
       found something
  2    could not do it: usage, settings, files
  3    partial: coverage below --fail-coverage-below, or --fail-on-unknown
  4    not permitted
  5    timed out
  130  interrupted

When several apply, the first of 130, 4, 2, 1, 3, 5 is used.`,
	}
}
