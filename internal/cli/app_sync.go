package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

func newAppSync(f *clusterFlags) *cobra.Command {
	a := &asking{clusterFlags: f}
	prune := ""
	c := &cobra.Command{
		Use: "sync NAME", Short: "Have the operator look at the source now", Args: oneName,
		Long: `Have the operator look at the source now, and apply what is new there, also
where spec.sync.manual holds it back.

Deletions that the operator holds back wait for a person: --confirm-prune allows
those of one revision, which is the one that ` + "`aeo app get`" + ` names.

Exit code 0: the cluster is at the source's revision and healthy. 1: it is
not, and will not be until somebody acts. 5: not yet.`,
		Example: `  aeo app sync shop -n shop --wait
  aeo app sync shop -n shop --confirm-prune 3f2a91c0   allow that revision's deletions`,
		RunE: func(c *cobra.Command, args []string) error {
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			app, version, err := find(c.Context(), cluster, namespace, args[0])
			if err != nil {
				return err
			}
			r := request{annotation: v1alpha1.AnnotationSync, value: a.stamp()}
			if c.Flags().Changed("confirm-prune") {
				if r.confirmed, err = confirmable(app, prune); err != nil {
					return err
				}
			}
			return a.ask(c.Context(), cluster, app, version, r)
		},
	}
	a.flags(c)
	c.Flags().StringVar(&prune, "confirm-prune", "", "allow the deletions of this `REVISION` that wait for a person; at least its first 7 letters")
	return c
}

// namedRevision is how a condition names the revision whose deletions wait: in
// the command by which they are allowed.
var namedRevision = regexp.MustCompile(`--confirm-prune ([0-9A-Za-z:]+)`)

// awaiting returns the revisions of an application whose deletions wait for a
// person, or for their turn.
func awaiting(app *v1alpha1.Application) []string {
	var found []string
	add := func(revision string) {
		if revision != "" && !slices.Contains(found, revision) {
			found = append(found, revision)
		}
	}
	for _, c := range app.Status.Conditions {
		for _, m := range namedRevision.FindAllStringSubmatch(c.Message, -1) {
			add(m[1])
		}
	}
	marked := func(e v1alpha1.InventoryEntry) bool { return e.Prune != nil }
	if app.Status.Sync != nil && slices.ContainsFunc(app.Status.Inventory, marked) {
		add(app.Status.Sync.Revision)
	}
	return found
}

// shortestRevision is how many letters of a revision it takes to allow its
// deletions: fewer are a slip of the hand.
const shortestRevision = 7

// confirmable returns in full the revision that a person allows to delete. The
// operator compares it letter by letter, so that anything else would be written
// and do nothing.
func confirmable(app *v1alpha1.Application, asked string) (string, error) {
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	refuse := func(kind fault.Kind, why, hint string) (string, error) {
		return "", fault.New(kind, "allow the deletions of", "application "+k.String(), why, hint)
	}
	waiting := awaiting(app)
	if len(waiting) == 0 {
		return refuse(fault.Blocked, "nothing waits to be allowed; the cluster is at revision "+shortOf(app.Status.Sync),
			fmt.Sprintf("leave --confirm-prune away; `aeo app get %s -n %s` shows what it waits for", k.Name, k.Namespace))
	}
	command := func(revision string) string {
		return fmt.Sprintf("`aeo app sync %s -n %s --confirm-prune %s`", k.Name, k.Namespace, revision)
	}
	commands, names := make([]string, len(waiting)), make([]string, len(waiting))
	var matches []string
	digest := func(revision string) string { return strings.TrimPrefix(revision, "sha256:") }
	for i, revision := range waiting {
		commands[i], names[i] = command(revision), clean(revision)
		if strings.HasPrefix(digest(revision), digest(asked)) {
			matches = append(matches, revision)
		}
	}
	hint := "if that is what you mean: " + strings.Join(commands, " or ")
	waits := "the revision that waits is " + strings.Join(names, " or ")
	switch {
	case len(digest(asked)) < shortestRevision:
		return refuse(fault.Invalid, fmt.Sprintf("%q is too short for a revision, it takes %d letters; %s", clean(asked), shortestRevision, waits), hint)
	case len(matches) == 0:
		return refuse(fault.Invalid, fmt.Sprintf("%q is not what waits; %s", clean(asked), waits), hint)
	case len(matches) > 1:
		return refuse(fault.Invalid, fmt.Sprintf("several begin with %q; %s", clean(asked), waits), hint)
	}
	return matches[0], nil
}
