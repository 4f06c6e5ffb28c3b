package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/fault"
)

// Previews tell what the operator would do, and where what it did comes from.
type Previews interface {
	// Preview tries a revision on the API server; nothing is changed.
	Preview(ctx context.Context, app *v1alpha1.Application, req PreviewRequest) (*Preview, error)
	// Object tells what is known of one managed object.
	Object(ctx context.Context, app *v1alpha1.Application, g deliver.GVK, k deliver.Key) (*ObjectTrace, error)
}

// PreviewRequest says what to try: a branch, tag or commit of the application's
// source, or a folder of this machine; the source's newest revision if both are
// "".
type PreviewRequest struct{ Revision, Path string }

// Preview is what an apply of a revision would change.
type Preview struct {
	// Application is namespace/name.
	Application string `json:"application"`
	// Revision is "" for a Folder.
	Revision string               `json:"revision,omitempty"`
	Ref      string               `json:"ref,omitempty"`
	Folder   string               `json:"folder,omitempty"`
	Commit   *v1alpha1.CommitInfo `json:"commit,omitempty"`
	// TriedAs is the account that the API server was asked as, "" for the
	// caller's own.
	TriedAs string            `json:"triedAs,omitempty"`
	Objects []diff.ObjectDiff `json:"objects"`
	// Hooks are the Jobs that the release would run.
	Hooks []Hook      `json:"hooks,omitempty"`
	Gate  GatePreview `json:"gate"`
	// Notes are sentences on how far the rest can be relied on.
	Notes []string `json:"notes,omitempty"`
}

// Hook is a Job that runs at a release: before, after or on-failure.
type Hook struct {
	Object string `json:"object"`
	When   string `json:"when"`
	Source string `json:"source,omitempty"`
}

// GatePreview is what the application's gate says of the revision.
type GatePreview struct {
	Refused  bool               `json:"refused"`
	Findings []v1alpha1.Finding `json:"findings,omitempty"`
	// Unknown says why there is no answer.
	Unknown string `json:"unknown,omitempty"`
}

// count returns how many objects have an action.
func (p *Preview) count(actions ...diff.Action) (n int) {
	for _, d := range p.Objects {
		for _, a := range actions {
			if d.Action == a {
				n++
			}
		}
	}
	return n
}

// code is the exit code that says what the preview found.
func (p *Preview) code() int {
	switch {
	case p.Gate.Refused || p.count(diff.Create, diff.Update, diff.Delete, diff.Refuse) > 0:
		return 1
	case p.Gate.Unknown != "" || p.count(diff.Unknown) > 0:
		return fault.Partial.ExitCode()
	}
	return 0
}

const diffFormats = "text, json, markdown"

func newAppDiff(f *clusterFlags) *cobra.Command {
	var req PreviewRequest
	exit := false
	c := &cobra.Command{
		Use: "diff NAME", Short: "Show what a revision would change, before it is merged", Args: oneName,
		Long: `Show exactly what a revision would change in the cluster: it is rendered as the
operator renders it, the API server tries each object (a server-side apply as a
dry run, so with its defaults and admission), and the answer is compared with
what is there. Objects that would be deleted are listed, and so is what the API
server or the application's gate would refuse. Nothing is changed.

Secret values are never shown. All is done with your rights, and the dry runs as
the application's service account where you may act as it: get and patch on its
objects, and get on the ConfigMaps and Secrets that its source, substitution and
decryption name. Without the Secret of spec.decryption, the keys of
SOPS_AGE_KEY_FILE are used. What stays open is shown and counted as unknown.

The revision is a branch, a tag, or a commit in full. The pull request of a fork
has none in the repository: check it out and use --path, which takes the files
as they lie in the working tree around DIR. Without either, the source's newest
revision is shown: what a sync would do now.

Exit code 0: done. With --exit-code 0: nothing would change. 1: something would,
or would be refused. 3: nothing that is known, but something is unknown.
2: could not do it, 4: not permitted.`,
		Example: `  aeo app diff shop -n shop                              what a sync would change now
  aeo app diff shop -n shop --revision feature/cart      a branch before its merge
  aeo app diff shop -n shop --path . --exit-code         the working tree here
  aeo app diff shop -n shop --revision $SHA -o markdown  a comment for a pull request`,
		RunE: func(c *cobra.Command, args []string) error {
			if req.Revision != "" && req.Path != "" {
				return fault.New(fault.Invalid, "read the command line", "", "--revision and --path exclude each other", "leave one out")
			}
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			app, _, err := find(c.Context(), cluster, namespace, args[0])
			if err != nil {
				return err
			}
			p, err := cluster.Preview(c.Context(), app, req)
			if err != nil {
				return err
			}
			if err := f.writePreview(p, app); err != nil || !exit || p.code() == 0 {
				return err
			}
			return answer{p.code()}
		},
	}
	f.add(c, diffFormats)
	out := c.Flags().Lookup("output")
	out.DefValue, f.output = "text", "text"
	c.Flags().StringVar(&req.Revision, "revision", "", "the branch, tag or commit `REV` of the application's source (default: its newest revision)")
	c.Flags().StringVar(&req.Path, "path", "", "the working tree around the folder `DIR` in place of a revision")
	c.Flags().BoolVar(&exit, "exit-code", false, "say by the exit code whether anything would change")
	return c
}

func (f *clusterFlags) writePreview(p *Preview, app *v1alpha1.Application) error {
	switch f.output {
	case "json":
		return structured(f.streams.Out, "json", p)
	case "markdown":
		return writeTo("", f.streams.Out, func(w io.Writer) error { return previewMarkdown(w, p, app) })
	}
	style := diff.Style{Color: f.streams.Color()}
	if f.streams.OutTerminal {
		style.Width = f.streams.Width
	}
	return writeTo("", f.streams.Out, func(w io.Writer) error { return previewText(w, p, app, style) })
}

// subject says in a line what is compared with what.
func (p *Preview) subject(app *v1alpha1.Application) string {
	what := "revision " + deliver.Short(p.Revision)
	if p.Ref != "" {
		what += " (" + strings.TrimPrefix(strings.TrimPrefix(p.Ref, "refs/heads/"), "refs/tags/") + ")"
	}
	if p.Folder != "" {
		what = "the working tree in " + p.Folder
	}
	against := "a cluster that has nothing of it yet"
	if app.Status.Sync != nil {
		against = "the cluster, which is at " + shortOf(app.Status.Sync)
	}
	return clean(p.Application + ": " + what + " against " + against)
}

func previewText(w io.Writer, p *Preview, app *v1alpha1.Application, style diff.Style) error {
	fmt.Fprintf(w, "%s\n\n", p.subject(app))
	if err := diff.Text(w, p.Objects, style); err != nil {
		return err
	}
	for _, h := range p.Hooks {
		fmt.Fprintf(w, "runs at the release (%s): %s%s\n", clean(h.When), clean(h.Object), prefixed(", ", h.Source))
	}
	switch {
	case p.Gate.Unknown != "":
		fmt.Fprintf(w, "the gate: unknown: %s\n", clean(p.Gate.Unknown))
	case p.Gate.Refused:
		fmt.Fprintf(w, "the gate would refuse this revision:\n")
		for _, x := range p.Gate.Findings {
			fmt.Fprintf(w, "  %s:%d: %s (%s, %s)\n", clean(x.File), x.Line, clean(x.Message), clean(x.Severity), clean(x.Check))
		}
	default:
		fmt.Fprintln(w, "the gate would let it pass")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "note: %s\n", clean(n))
	}
	return nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + clean(text)
}

// escapeMarkdown keeps text from being markup or from calling anyone.
var escapeMarkdown = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "@", "&#64;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "|", "&#124;")

func previewMarkdown(w io.Writer, p *Preview, app *v1alpha1.Application) error {
	text := func(s string) string { return escapeMarkdown.Replace(clean(s)) }
	fmt.Fprintf(w, "### %s\n\n", text(p.subject(app)))
	if err := diff.Markdown(w, p.Objects); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, h := range p.Hooks {
		fmt.Fprintf(w, "- runs at the release (%s): %s%s\n", text(h.When), text(h.Object), text(prefixed(", ", h.Source)))
	}
	switch {
	case p.Gate.Unknown != "":
		fmt.Fprintf(w, "- the gate: **unknown**: %s\n", text(p.Gate.Unknown))
	case p.Gate.Refused:
		fmt.Fprintf(w, "- **the gate would refuse this revision**:\n")
		for _, x := range p.Gate.Findings[:min(len(p.Gate.Findings), maxGateLines)] {
			fmt.Fprintf(w, "  - %s:%d: %s (%s, %s)\n", text(x.File), x.Line, text(x.Message), text(x.Severity), text(x.Check))
		}
		if n := len(p.Gate.Findings) - maxGateLines; n > 0 {
			fmt.Fprintf(w, "  - and %d more\n", n)
		}
	default:
		fmt.Fprintln(w, "- the gate would let it pass")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "- %s\n", text(n))
	}
	return nil
}

// maxGateLines bounds a comment for a pull request.
const maxGateLines = 20
