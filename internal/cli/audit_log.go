package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

type auditLogOptions struct {
	*auditOptions
	since, until, phase, output string
	filter                      ledger.Filter
}

func newAuditLog(shared *auditOptions) *cobra.Command {
	o := &auditLogOptions{auditOptions: shared}
	c := &cobra.Command{
		Use:   "log",
		Short: "List entries of the ledger",
		Long: `List entries of the ledger, the oldest first. The last 50 are listed, or as
many as -n says; the filters are applied before. Names of people are shown as
pseudonyms, unless --personal is given and the data was not erased.`,
		Example: `  aeo audit log --since 24h
  aeo audit log --target "Deployment shop/checkout" --action deliver.
  aeo audit log --phase intent -n 0 -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringVar(&o.since, "since", "", "entries not before this `TIME`: 90m or 7d ago, or 2026-11-25T14:00:00Z")
	f.StringVar(&o.until, "until", "", "entries before this `TIME`")
	f.StringVar(&o.filter.Actor, "actor", "", "entries of this actor: a kind, `NAME` or pseudonym; a person's name with --personal")
	f.StringVar(&o.filter.Action, "action", "", "entries of this `ACTION`, or with a dot at its end of all that begin so")
	f.StringVar(&o.filter.Target, "target", "", "entries about this `OBJECT`: \"Kind namespace/name\", namespace/name, a name or a UID")
	f.StringVar(&o.phase, "phase", "", "entries of this `PHASE`: intent, outcome, event")
	f.StringVar(&o.filter.Source, "source", "", "entries of this `WRITER`")
	f.IntVarP(&o.filter.Limit, "limit", "n", 50, "at most so `MANY`, the newest; 0 for all")
	f.BoolVar(&o.filter.Reveal, "personal", false, "decrypt personal data")
	addOutput(c, &o.output, "table", "json")
	return c
}

func (o *auditLogOptions) run(c *cobra.Command) error {
	now := time.Now()
	var err error
	if o.since != "" {
		if o.filter.Since, err = parseMoment(o.since, now); err != nil {
			return err
		}
	}
	if o.until != "" {
		if o.filter.Until, err = parseMoment(o.until, now); err != nil {
			return err
		}
	}
	o.filter.Phase = ops.Phase(o.phase)
	if o.phase != "" && !slices.Contains([]ops.Phase{ops.PhaseIntent, ops.PhaseOutcome, ops.PhaseEvent}, o.filter.Phase) {
		return fault.New(fault.Invalid, "read the command line", "--phase "+o.phase, "there is no such phase", "use intent, outcome or event")
	}
	if o.filter.Limit < 0 {
		return fault.New(fault.Invalid, "read the command line", fmt.Sprint("-n ", o.filter.Limit), "it is less than none", "use 0 for all")
	}
	return o.read(c.Context(), func(r ledger.Reader) error {
		items, err := ledger.Log(c.Context(), r, o.filter)
		if err != nil {
			return err
		}
		return errors.Join(writeTo("", o.streams.Out, func(w io.Writer) error {
			if o.output == "json" {
				list := make([]listedEntry, len(items))
				for i, it := range items {
					list[i] = listEntry(it)
				}
				return writeJSON(w, list)
			}
			return logTable(w, items)
		}), o.doubts(c.Context(), r, items))
	})
}

// doubts tells which of the entries that were shown are not what was recorded, and
// which nobody vouches for yet.
func (o *auditLogOptions) doubts(ctx context.Context, r ledger.Reader, items []*ledger.Item) error {
	if len(items) == 0 {
		return nil
	}
	head := int64(0)
	switch c, err := ledger.Newest(ctx, r, 0); {
	case err == nil:
		head = c.N
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	if last := items[len(items)-1].Index; last >= head {
		fmt.Fprintf(o.streams.Err, "note: entries from %d on are not signed yet: nobody vouches for them (\"aeo audit checkpoint\" signs)\n", head)
	}
	changed, err := ledger.Changed(ctx, r, items)
	if err != nil || len(changed) == 0 {
		return err
	}
	for _, n := range changed {
		fmt.Fprintf(o.streams.Err, "warning: entry %d is not what was recorded: see \"aeo audit verify\"\n", n)
	}
	return answer{1}
}

func logTable(w io.Writer, items []*ledger.Item) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ENTRY\tTIME\tACTOR\tACTION\tPHASE\tTARGET\tWHAT")
	for _, i := range items {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Index, i.Time.Format("2006-01-02 15:04:05.000"), printable(actorName(i)), printable(i.Action), i.Phase, printable(targetName(i.Target)), printable(what(i)))
	}
	return t.Flush()
}

// actorName is who acted, by name where it is known.
func actorName(i *ledger.Item) string {
	if name := i.Private["actor"]; name != "" {
		return name
	}
	return i.Actor.Name
}

func targetName(t ops.Target) string {
	if t.IsZero() {
		return "-"
	}
	return t.Ref.String()
}

// what says in a few words what an entry tells.
func what(i *ledger.Item) string {
	var words []string
	if d := i.Decision; d != nil {
		words = append(words, strings.TrimSpace(d.Verdict+" "+d.Reason))
	}
	if n := len(i.Effects); n > 0 {
		results := map[string]int{}
		for _, e := range i.Effects {
			results[e.Result]++
		}
		var parts []string
		for r, n := range results {
			parts = append(parts, strings.TrimSpace(fmt.Sprint(n, " ", r)))
		}
		slices.Sort(parts)
		words = append(words, "objects: "+strings.Join(parts, ", "))
	}
	for _, k := range []string{"release", "revision", "reason"} {
		if v := i.Details[k]; v != "" {
			words = append(words, v)
			break
		}
	}
	return strings.Join(words, "; ")
}

type auditShowOptions struct {
	*auditOptions
	proof, personal bool
	output          string
}

func newAuditShow(shared *auditOptions) *cobra.Command {
	o := &auditShowOptions{auditOptions: shared}
	c := &cobra.Command{
		Use:   "show N",
		Short: "Show one entry",
		Long: `Show one entry as it is in the log. With --proof also the proof that it is
there, which is checked before it is printed.`,
		Example: `  aeo audit show 57
  aeo audit show 57 --proof
  aeo audit show 57 --personal -o json`,
		Args: oneEntry,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.Flags().BoolVar(&o.proof, "proof", false, "print the proof that it is in the log")
	c.Flags().BoolVar(&o.personal, "personal", false, "decrypt personal data")
	addOutput(c, &o.output, "text", "json")
	return c
}

func oneEntry(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fault.New(fault.Invalid, "read the command line", "", "it needs the number of one entry", "aeo audit log lists them")
	}
	_, err := entryNumber(args[0])
	return err
}

func entryNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, "read the command line", strconv.Quote(text), "it is no number of an entry", "count from 0; aeo audit log lists them")
	}
	return n, nil
}

// shown is the JSON of audit show.
type shown struct {
	listedEntry
	// Proof is a proof file, where it was asked for.
	Proof string `json:"proof,omitempty"`
}

func (o *auditShowOptions) run(c *cobra.Command, number string) error {
	n, err := entryNumber(number)
	if err != nil {
		return err
	}
	return o.read(c.Context(), func(r ledger.Reader) error {
		item, err := ledger.Get(c.Context(), r, n, o.personal)
		if err != nil {
			return err
		}
		var proof []byte
		if o.proof {
			if proof, err = ledger.Prove(c.Context(), r, n); err != nil {
				return err
			}
		}
		return writeTo("", o.streams.Out, func(w io.Writer) error {
			if o.output == "json" {
				return writeJSON(w, shown{listEntry(item), string(proof)})
			}
			return showText(w, item, proof)
		})
	})
}

func showText(w io.Writer, i *ledger.Item, proof []byte) error {
	var entry any
	if err := json.Unmarshal(i.Body, &entry); err != nil {
		return err
	}
	fmt.Fprintf(w, "entry %d, hash %s\n", i.Index, i.Hash())
	if err := writeJSON(w, entry); err != nil {
		return err
	}
	switch {
	case i.Private != nil:
		fmt.Fprintln(w, "personal data:")
		if err := writeJSON(w, i.Private); err != nil {
			return err
		}
	case i.Commitment != "":
		fmt.Fprintln(w, "personal data: not shown (use --personal), or erased")
	}
	if proof != nil {
		_, err := fmt.Fprintf(w, "proof (checked):\n%s", proof)
		return err
	}
	return nil
}

func newAuditProve(o *auditOptions) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "prove N",
		Short: "Write a proof that an entry is in the log",
		Long: `Write a proof file (C2SP tlog-proof) that has the entry, its path to the root,
the signed checkpoint and the public key. Anybody can check it alone with
"aeo audit verify FILE".`,
		Example: `  aeo audit prove 57 --file entry57.tlog-proof
  aeo audit verify entry57.tlog-proof --key log.vkey`,
		Args: oneEntry,
		RunE: func(c *cobra.Command, args []string) error {
			n, err := entryNumber(args[0])
			if err != nil {
				return err
			}
			return o.read(c.Context(), func(r ledger.Reader) error {
				proof, err := ledger.Prove(c.Context(), r, n)
				if err != nil {
					return err
				}
				return writeTo(file, o.streams.Out, func(w io.Writer) error {
					_, err := w.Write(proof)
					return err
				})
			})
		},
	}
	c.Flags().StringVar(&file, "file", "", "write to this `FILE` instead of standard output")
	return c
}

// maxSmall is the most bytes of a key, a checkpoint or a proof.
const maxSmall = 1 << 20

// readSmall reads a file that has to be short.
func readSmall(path, op string) ([]byte, error) {
	f, err := plainfile.Open(path)
	if errors.Is(err, plainfile.ErrNotPlain) {
		return nil, fault.Wrap(fault.Invalid, op, path, err, "write it to a file, and name that")
	}
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, op, path, err, "name a file that you can read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, path, err, "name a file that you can read")
	}
	if len(data) > maxSmall {
		return nil, fault.New(fault.Invalid, op, path, "it is too long to be one", "")
	}
	return data, nil
}
