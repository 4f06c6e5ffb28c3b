package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/adapter/git"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/fix"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/ops"
)

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// Fix implements cli.Backend.
func (b backend) Fix(ctx context.Context, req cli.FixRequest) (*cli.FixOutcome, error) {
	if _, remote := git.ParseAddress(req.Path); remote || req.Path == "-" {
		return nil, fault.New(fault.Invalid, "fix", req.Path, "only files on this machine can be mended", "clone the repository, or save the input to a file, and mend that")
	}
	tree, err := worktree.Open(req.Path)
	if err != nil {
		return nil, err
	}
	out, err := fixTree(ctx, tree, req, b.now())
	return out, errors.Join(err, tree.Close())
}

func fixTree(ctx context.Context, tree *worktree.Tree, req cli.FixRequest, now time.Time) (*cli.FixOutcome, error) {
	only, err := named(req.Settings.Only)
	if err != nil {
		return nil, err
	}
	// The patches of some checks are held to what all checks find.
	settings := req.Settings
	settings.Enable, settings.Only = slices.Concat(settings.Enable, settings.Only), nil
	opts, err := options(cli.Request{Path: req.Path, Settings: settings}, now)
	if err != nil {
		return nil, err
	}
	opts.Deviations = true
	engine := engineAt(opts.Now, settings.KubeVersion)
	o := fix.Options{
		Parser: parser{}, Values: req.Values, Progress: req.Progress,
		Assess: func(ctx context.Context, src assess.Source) (*assess.Report, error) {
			return engine.Assess(ctx, src, assess.Target{Path: req.Path}, opts)
		},
	}
	if len(only) > 0 {
		ids := map[ops.CheckID]bool{}
		for _, c := range only {
			ids[c.ID] = true
		}
		o.Only = func(id ops.CheckID) bool { return ids[id] }
	}
	found, err := fix.Run(ctx, tree, o)
	if err != nil {
		return nil, err
	}
	out := fixOutcome(found)
	if req.Write {
		for _, f := range found.Files {
			if err := tree.Write(f.Path, f.Before, f.After); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// fixOutcome says for a person what a run found.
func fixOutcome(found *fix.Outcome) *cli.FixOutcome {
	out := &cli.FixOutcome{Fixed: len(found.Fixed), Dropped: len(found.Dropped), Asked: found.Waiting}
	var diff strings.Builder
	for _, f := range found.Files {
		diff.WriteString(fix.Diff(f.Path, f.Before, f.After))
		out.Files = append(out.Files, f.Path)
	}
	out.Diff = diff.String()
	for _, d := range found.Dropped {
		out.Notes = append(out.Notes, fmt.Sprintf("not mended: %s %s: %s", d.Finding.Position, d.Finding.Check, d.Reason))
	}
	for _, a := range found.Asks {
		out.Notes = append(out.Notes, fmt.Sprintf("asked for: %s, by %s; answer with --set %s=VALUE", a.Name, findings(a.Findings), a.Name))
	}
	for _, name := range found.Unasked {
		out.Notes = append(out.Notes, fmt.Sprintf("not used: --set %s; nothing asks for it", name))
	}
	return out
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// fillEdits gives the findings of a report the edits that would remove them.
func fillEdits(ctx context.Context, rep *assess.Report, src assess.Source) error {
	return fix.Fill(ctx, rep, src, parser{})
}
