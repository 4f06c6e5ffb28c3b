package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

type auditVerifyOptions struct {
	*auditOptions
	key, output     string
	kept, witnesses []string
}

func newAuditVerify(shared *auditOptions) *cobra.Command {
	o := &auditVerifyOptions{auditOptions: shared}
	c := &cobra.Command{
		Use:   "verify [FOLDER | FILE]",
		Short: "Check that a ledger, an export or a proof is what was signed",
		Long: `Check a ledger from its own content: the signatures, that the entries are those
that were signed, that each checkpoint continues the one before, the form of
every entry, its time between the checkpoints around it, and that no source's
count has a gap. No server is asked.

FOLDER is what "aeo audit export" wrote, FILE a ledger or what "aeo audit prove"
wrote; without either the ledger of --ledger is checked.

What only the files say, whoever made the files may have made up as a whole.
Three things from elsewhere shut that out: the public key as the owner publishes
it (--key), a checkpoint that you kept (--checkpoint), which shows truncation
and rewriting, and a witness that you trust (--witness).

Exit code 0: everything holds. 1: something does not; each finding says which
entry and what is wrong. 2: it could not be checked.`,
		Example: `  aeo audit verify evidence/
  aeo audit verify evidence/ --key log.vkey --checkpoint kept.txt
  aeo audit verify evidence/ --witness witness.vkey
  aeo audit verify entry57.tlog-proof --key log.vkey
  aeo audit verify --ledger ledger.db`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	c.Flags().StringVar(&o.key, "key", "", "the log's public `KEY`, or a file with it, instead of the one that came along")
	c.Flags().StringArrayVar(&o.kept, "checkpoint", nil, "a `FILE` with a checkpoint that was kept; repeatable")
	c.Flags().StringArrayVar(&o.witnesses, "witness", nil, "the `KEY`, or a file with it, of a witness that must have cosigned; repeatable")
	addOutput(c, &o.output, "text", "json")
	return c
}

// trust reads what the log is checked against.
func (o *auditVerifyOptions) trust() (v ledger.VerifyOptions, err error) {
	if o.key != "" {
		if v.Key, err = readKey(o.key); err != nil {
			return v, err
		}
	}
	for _, w := range o.witnesses {
		k, err := readKey(w)
		if err != nil {
			return v, err
		}
		v.Witnesses = append(v.Witnesses, k)
	}
	for _, file := range o.kept {
		text, err := readSmall(file, "read a checkpoint")
		if err != nil {
			return v, err
		}
		v.Kept = append(v.Kept, ledger.Kept{Name: file, Note: text})
	}
	return v, nil
}

// proofBeginning is how a proof file begins.
const proofBeginning = "c2sp.org/tlog-proof"

func (o *auditVerifyOptions) run(ctx context.Context, args []string) error {
	trust, err := o.trust()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return o.live(ctx, trust)
	}
	path := args[0]
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fault.Wrap(fault.NotFound, "verify", path, err, "name the folder of an export, a proof, or a ledger's file")
	case info.IsDir():
		src, done, err := o.auditor.OpenExport(path)
		if err != nil {
			return err
		}
		return errors.Join(o.verify(trust, func(v ledger.VerifyOptions) (*ledger.Report, error) { return ledger.Verify(ctx, src, v) }), done())
	case !info.Mode().IsRegular(): // a ledger is opened again and again
		return fault.Wrap(fault.Invalid, "verify", path, plainfile.ErrNotPlain, "name the folder of an export, a proof, or a ledger's file")
	}
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "verify", path, err, "may you read the file?")
	}
	head := make([]byte, len(proofBeginning))
	_, err = io.ReadFull(f, head)
	if cerr := f.Close(); cerr != nil {
		return fault.Wrap(fault.Unavailable, "verify", path, cerr, "")
	}
	if err == nil && string(head) == proofBeginning {
		return o.proof(path, trust)
	}
	o.location = path
	return o.live(ctx, trust)
}

// live checks a ledger where it is.
func (o *auditVerifyOptions) live(ctx context.Context, trust ledger.VerifyOptions) error {
	return o.read(ctx, func(r ledger.Reader) error {
		return o.verify(trust, func(v ledger.VerifyOptions) (*ledger.Report, error) { return ledger.VerifyLive(ctx, r, v) })
	})
}

// verify runs one of the two ways to verify a log, and reports.
func (o *auditVerifyOptions) verify(trust ledger.VerifyOptions, check func(ledger.VerifyOptions) (*ledger.Report, error)) error {
	clear := o.streams.entriesDone(&trust)
	rep, err := check(trust)
	clear()
	if err != nil {
		return err
	}
	err = writeTo("", o.streams.Out, func(w io.Writer) error {
		if o.output == "json" {
			return writeJSON(w, rep)
		}
		return reportText(w, rep, o.kept)
	})
	if err == nil && !rep.OK() {
		err = answer{1}
	}
	return err
}

// entriesDone shows on a terminal how many entries are checked; call the result to end
// it.
func (s *Streams) entriesDone(v *ledger.VerifyOptions) (clear func()) {
	if !s.ErrTerminal {
		return func() {}
	}
	var last time.Time
	v.Progress = func(done, total int64) {
		if now := time.Now(); now.Sub(last) > 100*time.Millisecond {
			last = now
			fmt.Fprintf(s.Err, "\r\x1b[K%d of %d entries", done, total)
		}
	}
	return func() { fmt.Fprint(s.Err, "\r\x1b[K") }
}

func reportText(w io.Writer, r *ledger.Report, kept []string) error {
	for _, f := range r.Findings {
		fmt.Fprintln(w, printable(f.String()))
	}
	if more := r.Total - len(r.Findings); more > 0 {
		fmt.Fprintf(w, "and %s more\n", count(more, "finding"))
	}
	if !r.OK() {
		_, err := fmt.Fprintf(w, "The ledger %s is not what was signed: %s.\n", printable(r.Origin), count(r.Total, "finding"))
		return err
	}
	fmt.Fprintf(w, "The ledger %s is what was signed.\n", r.Origin)
	fmt.Fprintf(w, "  entries      %d", r.Entries)
	if r.Entries > 0 {
		fmt.Fprintf(w, ", from %s to %s", r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "\n  checkpoint   signed at %s, root %s; %s checked\n", r.Signed.Format(time.RFC3339), r.Root, count(r.Checkpoints, "checkpoint"))
	if r.Unsigned > 0 {
		fmt.Fprintf(w, "  not signed   %s behind that checkpoint: nobody vouches for them yet (\"aeo audit checkpoint\" signs)\n", entries(r.Unsigned))
	}
	for _, k := range kept {
		fmt.Fprintf(w, "  continues    %s\n", k)
	}
	for _, c := range r.Cosigned {
		fmt.Fprintf(w, "  witness      %s at %s\n", c.Witness, c.Time.Format(time.RFC3339))
	}
	from := "the one you gave"
	if !r.KeyGiven {
		from = "it came along: compare it with the one that the owner publishes"
	}
	fmt.Fprintf(w, "  key          %s\n               (%s)\n", r.Key, from)
	if len(r.Cosigned) == 0 && len(kept) == 0 {
		fmt.Fprintf(w, "Keep its checkpoint: with --checkpoint a later run sees what was cut off or rewritten.\n")
	}
	return nil
}

// proofReport is the JSON of a checked proof.
type proofReport struct {
	listedEntry
	Origin   string               `json:"origin"`
	Key      string               `json:"key"`
	KeyGiven bool                 `json:"keyGiven"`
	Size     int64                `json:"size"`
	Signed   time.Time            `json:"signed"`
	Cosigned []ledger.Cosignature `json:"cosigned"`
	Problem  string               `json:"problem,omitempty"`
}

// proof checks a proof file.
func (o *auditVerifyOptions) proof(path string, trust ledger.VerifyOptions) error {
	if len(trust.Kept) > 0 {
		return fault.New(fault.Invalid, "read the command line", "--checkpoint", "a proof is about one entry, and cannot show what was cut off", "verify an export against the kept checkpoint")
	}
	text, err := readSmall(path, "read a proof")
	if err != nil {
		return err
	}
	p, err := ledger.OpenProof(text, trust.Key, trust.Witnesses...)
	problem := ""
	switch {
	case err != nil && fault.KindOf(err) == fault.Invalid:
		problem = publicText(err)
	case err != nil:
		return err
	default:
		problem = lacking(p.Checkpoint, trust.Witnesses)
	}
	err = writeTo("", o.streams.Out, func(w io.Writer) error {
		if o.output == "json" {
			return writeJSON(w, proofJSON(p, trust.Key != nil, problem))
		}
		return proofText(w, path, p, trust.Key != nil, problem)
	})
	if err == nil && problem != "" {
		err = answer{1}
	}
	return err
}

// lacking names the witnesses that have not cosigned.
func lacking(c *ledger.Checkpoint, witnesses []*ledger.Key) string {
	var names []string
	for _, w := range witnesses {
		found := false
		for _, s := range c.Witnesses {
			found = found || s.Witness == w.Name()
		}
		if !found {
			names = append(names, w.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "its checkpoint is not cosigned by " + strings.Join(names, ", ")
}

func publicText(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Public != "" {
		return f.Public
	}
	return err.Error()
}

func proofJSON(p *ledger.Proof, given bool, problem string) proofReport {
	r := proofReport{Problem: problem, KeyGiven: given, Cosigned: []ledger.Cosignature{}}
	r.Entry = []byte("null")
	if p != nil {
		r.listedEntry = listEntry(&ledger.Item{Index: p.Index, Entry: *p.Entry, Body: p.Body})
		r.Origin, r.Key, r.Size, r.Signed = p.Checkpoint.Origin, p.Key.String(), p.Checkpoint.N, p.Checkpoint.Time
		r.Cosigned = append(r.Cosigned, p.Checkpoint.Witnesses...)
	}
	return r
}

func proofText(w io.Writer, path string, p *ledger.Proof, given bool, problem string) error {
	if problem != "" {
		_, err := fmt.Fprintf(w, "%s proves nothing: %s.\n", path, printable(problem))
		return err
	}
	fmt.Fprintf(w, "Entry %d is in the ledger %s, as of its checkpoint of %d entries, signed at %s.\n", p.Index, p.Checkpoint.Origin, p.Checkpoint.N, p.Checkpoint.Time.Format(time.RFC3339))
	for _, c := range p.Checkpoint.Witnesses {
		fmt.Fprintf(w, "  witness      %s at %s\n", c.Witness, c.Time.Format(time.RFC3339))
	}
	from := "the one you gave"
	if !given {
		from = "it came along: compare it with the one that the owner publishes"
	}
	fmt.Fprintf(w, "  key          %s\n               (%s)\n", p.Key, from)
	var pretty bytes.Buffer
	if err := showText(&pretty, &ledger.Item{Index: p.Index, Entry: *p.Entry, Body: p.Body}, nil); err != nil {
		return err
	}
	_, err := pretty.WriteTo(w)
	return err
}
