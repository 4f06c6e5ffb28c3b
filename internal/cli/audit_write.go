package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

func newAuditExport(o *auditOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write the ledger as files that anybody can check",
		Long: `Write the ledger, as of its newest checkpoint, as files in the layout of C2SP
tlog-tiles: the entries, the tree, the checkpoints and the public key. There is
no personal data in them. "aeo audit verify FOLDER" checks them without any
server.

What was written is checked at once. Exit code 1: the ledger is not what was
signed; the files show how, and each finding says where.`,
		Example: `  aeo audit export evidence-2026-11/
  aeo audit checkpoint > /dev/null && aeo audit export evidence/    up to this moment`,
		Args: onePath,
		RunE: func(c *cobra.Command, args []string) error {
			return o.read(c.Context(), func(r ledger.Reader) error {
				folder, done, err := o.auditor.NewExport(args[0])
				if err != nil {
					return err
				}
				head, err := ledger.Export(c.Context(), r, folder, nil)
				if err := errors.Join(err, done()); err != nil {
					return err
				}
				fmt.Fprintf(o.streams.Err, "%s in %s, as of %s\n", entries(head.N), args[0], head.Time.Format(time.RFC3339))
				if now, err := r.Head(c.Context()); err == nil && now.Size > head.N {
					fmt.Fprintf(o.streams.Err, "note: %s behind it are not signed yet, and were left out\n", entries(now.Size-head.N))
				}
				return o.checkExport(c.Context(), args[0])
			})
		},
	}
}

// checkExport verifies what was written: whoever hands it on should be the first to
// know that it does not hold.
func (o *auditOptions) checkExport(ctx context.Context, dir string) error {
	src, done, err := o.auditor.OpenExport(dir)
	if err != nil {
		return err
	}
	var v ledger.VerifyOptions
	clear := o.streams.entriesDone(&v)
	rep, err := ledger.Verify(ctx, src, v)
	clear()
	if err := errors.Join(err, done()); err != nil || rep.OK() {
		return err
	}
	return errors.Join(reportText(o.streams.Err, rep, nil), answer{1})
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

type auditCheckpointOptions struct {
	*auditOptions
	keyFile, add, file string
	witnesses          []string
	latest             bool
}

func newAuditCheckpoint(shared *auditOptions) *cobra.Command {
	o := &auditCheckpointOptions{auditOptions: shared}
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign the ledger as it is now, and print the checkpoint",
		Long: `Sign the ledger as it is now and print the checkpoint (C2SP tlog-checkpoint).
Whoever keeps it can later see with "aeo audit verify --checkpoint" whether the
ledger still begins with what it was. Give it to people outside, best of all to
a witness.

With --latest nothing is signed: the newest checkpoint there is is printed,
which needs no key. With --add the cosignatures of witnesses (cosignature/v1)
are added to the ledger's own copy.`,
		Example: `  aeo audit checkpoint --file kept.txt
  aeo audit checkpoint --latest
  aeo audit checkpoint --add cosigned.txt --witness witness.vkey`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringVar(&o.keyFile, "key-file", "", "the `FILE` with the signing key (default: the ledger's path with .key behind it)")
	f.BoolVar(&o.latest, "latest", false, "print the newest checkpoint and sign none")
	f.StringVar(&o.add, "add", "", "a `FILE` with a checkpoint that witnesses have cosigned")
	f.StringArrayVar(&o.witnesses, "witness", nil, "the `KEY`, or a file with it, of a witness; repeatable")
	f.StringVar(&o.file, "file", "", "write to this `FILE` instead of standard output")
	return c
}

func (o *auditCheckpointOptions) run(c *cobra.Command) error {
	if o.latest && o.add != "" || (o.add == "") != (len(o.witnesses) == 0) {
		return fault.New(fault.Invalid, "read the command line", "", "--add goes with --witness, and neither with --latest", "see `aeo audit checkpoint --help`")
	}
	checkpoint, err := o.make(c)
	if err != nil {
		return err
	}
	return writeTo(o.file, o.streams.Out, func(w io.Writer) error {
		_, err := w.Write(checkpoint.Note)
		return err
	})
}

func (o *auditCheckpointOptions) make(c *cobra.Command) (checkpoint *ledger.Checkpoint, err error) {
	ctx := c.Context()
	if o.latest {
		err = o.read(ctx, func(r ledger.Reader) error {
			checkpoint, err = ledger.Newest(ctx, r, 0)
			return err
		})
		return checkpoint, err
	}
	var signed []byte
	var keys []*ledger.Key
	if o.add != "" {
		if signed, err = readSmall(o.add, "read a checkpoint"); err != nil {
			return nil, err
		}
	}
	for _, w := range o.witnesses {
		k, err := readKey(w)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	err = o.write(c, o.keyFile, func(l *ledger.Ledger) error {
		if signed != nil {
			checkpoint, err = l.Cosign(ctx, signed, keys...)
		} else {
			checkpoint, err = l.Checkpoint(ctx)
		}
		return err
	})
	return checkpoint, err
}

// write opens the ledger for appending.
func (o *auditOptions) write(c *cobra.Command, keyFile string, f func(*ledger.Ledger) error) error {
	location, err := o.where()
	if err != nil {
		return err
	}
	l, err := o.auditor.WriteLedger(c.Context(), location, keyFile)
	if err != nil {
		return err
	}
	return errors.Join(f(l), l.Close())
}

func newAuditErase(o *auditOptions) *cobra.Command {
	var keyFile, by, reason string
	c := &cobra.Command{
		Use:   "erase PERSON",
		Short: "Erase what the ledger knows about a person",
		Long: `Destroy the key that a person's data is encrypted with, the data, and which
pseudonym was whose. The entries and every proof stay as they are. The erasure
is recorded itself, with who did it and why; it does not name the person.

It cannot be undone. Backups of the ledger still have the data for as long as
you keep them. PERSON is the name that was recorded, such as an e-mail address.`,
		Example: `  aeo audit erase ada@shop.example --by grace@shop.example --reason "request 2026-17"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if by == "" || reason == "" {
				return fault.New(fault.Invalid, "read the command line", "", "an erasure has somebody who does it and a reason", "give --by and --reason")
			}
			return o.write(c, keyFile, func(l *ledger.Ledger) error {
				r, err := l.Erase(c.Context(), args[0], ops.Actor{Kind: ops.ActorPerson, Name: by}, reason)
				if err != nil {
					return err
				}
				fmt.Fprintf(o.streams.Err, "erased; recorded as entry %d\n", r.Index)
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&keyFile, "key-file", "", "the `FILE` with the signing key (default: the ledger's path with .key behind it)")
	f.StringVar(&by, "by", "", "`WHO` erases; a person's name, kept like any other")
	f.StringVar(&reason, "reason", "", "`WHY`; it stays in the log for ever, so nothing about the person")
	return c
}
