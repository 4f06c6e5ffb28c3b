package daemon

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/internal/app/audit"
)

// newLedgerKey returns the command that makes a signing key ahead of the ledger,
// to be put where the daemon can only read it.
func newLedgerKey() *cobra.Command {
	return &cobra.Command{
		Use:   "ledger-key FILE",
		Short: "Make a signing key for a ledger in a database",
		Long: `Make a signing key for a ledger, and print the public key that belongs to it.
The file is readable by its owner alone; one that is there is never replaced.
A ledger belongs to its key: keep a copy apart from the database.`,
		Example: `  aeod ledger-key ./ledger.key
  kubectl create secret generic aeod-ledger -n autoecoops \
    --from-file=ledger.key --from-file=password`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := audit.MakeKey(args[0], origin)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), key.Public())
			return err
		},
	}
}
