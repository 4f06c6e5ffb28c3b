package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Auditor finds ledgers; internal/app wires it. A location is the path of a
// file or a postgres:// address.
type Auditor interface {
	// OpenLedger opens a ledger, or the folder of an export, for reading; call
	// the function to close it.
	OpenLedger(ctx context.Context, location string) (ledger.Reader, func() error, error)
	// WriteLedger opens a ledger for appending, with the signing key of a file,
	// "" for the one beside the ledger.
	WriteLedger(ctx context.Context, location, keyFile string) (*ledger.Ledger, error)
	// OpenExport opens the folder of an export; call the function to close it.
	OpenExport(dir string) (ledger.Source, func() error, error)
	// NewExport makes the folder of an export.
	NewExport(dir string) (ledger.Folder, func() error, error)
}

// ledgerVariable is the environment variable that names the ledger.
const ledgerVariable = "AEO_LEDGER"

// auditOptions are what every command about the ledger has.
type auditOptions struct {
	auditor  Auditor
	streams  *Streams
	location string
}

func newAudit(a Auditor, s *Streams) *cobra.Command {
	o := &auditOptions{auditor: a, streams: s}
	c := &cobra.Command{
		Use:   "audit",
		Short: "Read the ledger, and prove that nobody changed it",
		Long: `Everything that is decided and done is in the ledger: an intent before it
happens, an outcome after. The ledger is a Merkle log that is signed from time
to time, so that nobody can change, remove, add or move an entry unseen.

The ledger is a file, a database, or a folder that "aeo audit export" wrote.
Data about people is not in the log but encrypted beside it, and can be erased
without breaking a proof.`,
		Example: `  aeo audit log --ledger /var/lib/aeod/ledger.db      what happened lately
  aeo audit show 57 --proof                            one entry, and that it is in the log
  aeo audit export evidence/                           files for somebody who has no access
  aeo audit verify evidence/                           check them, without any server
  aeo audit verify evidence/ --checkpoint kept.txt     and that nothing is gone since`,
	}
	c.PersistentFlags().StringVar(&o.location, "ledger", "", "the ledger: a `FILE`, postgres://USER@HOST/DATABASE, or an export's folder (env "+ledgerVariable+")")
	c.AddCommand(newAuditLog(o), newAuditShow(o), newAuditVerify(o), newAuditProve(o), newAuditExport(o), newAuditCheckpoint(o), newAuditErase(o))
	return c
}

// where returns the ledger's location.
func (o *auditOptions) where() (string, error) {
	if o.location != "" {
		return o.location, nil
	}
	if l := o.streams.Getenv(ledgerVariable); l != "" {
		return l, nil
	}
	return "", fault.New(fault.Invalid, "open the ledger", "", "it is not said where it is", "name its file or database with --ledger, or in "+ledgerVariable)
}

// read opens the ledger for f.
func (o *auditOptions) read(ctx context.Context, f func(ledger.Reader) error) error {
	location, err := o.where()
	if err != nil {
		return err
	}
	r, done, err := o.auditor.OpenLedger(ctx, location)
	if err != nil {
		return err
	}
	return errors.Join(f(r), done())
}

// addOutput adds -o with the formats of a command, the first is the default.
func addOutput(c *cobra.Command, to *string, formats ...string) {
	c.Flags().StringVarP(to, "output", "o", formats[0], "`FORMAT`: "+strings.Join(formats, ", "))
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if slices.Contains(formats, *to) {
			return run(c, args)
		}
		return fault.New(fault.Invalid, "read the command line", "-o "+*to, "there is no such format here", "use "+strings.Join(formats, " or "))
	}
}

// listedEntry is an entry in JSON: the contract of -o json.
type listedEntry struct {
	Index int64 `json:"index"`
	// Hash is the entry's leaf hash, base64.
	Hash string `json:"hash"`
	// Entry is the entry itself, as it is in the log.
	Entry json.RawMessage `json:"entry"`
	// Personal is the data behind its commitment, where it was asked for.
	Personal map[string]string `json:"personal,omitempty"`
}

func listEntry(i *ledger.Item) listedEntry {
	return listedEntry{Index: i.Index, Hash: i.Hash().String(), Entry: i.Body, Personal: i.Private}
}

func writeJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(visible(text.Bytes()))
	return err
}

// printable replaces what would act on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// parseMoment reads a time: how long ago ("90m", "7d"), a date, or a date and
// a time.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days+"\n", "%d\n", &n); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "read the command line", text, "it is no time", "write how long ago, as 90m or 7d, or a time, as 2026-11-25 or 2026-11-25T14:00:00Z")
}

// readText reads a short file, or takes the text itself if it is none.
func readKey(text string) (*ledger.Key, error) {
	if strings.Count(text, "+") >= 2 {
		return ledger.ParseKey(text)
	}
	data, err := readSmall(text, "read a public key")
	if err != nil {
		return nil, err
	}
	key, err := ledger.ParseKey(string(data))
	if f, ok := errors.AsType[*fault.Error](err); ok {
		f.Subject = text
	}
	return key, err
}
