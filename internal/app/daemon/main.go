package daemon

import (
	"context"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Main runs the command line of aeod and returns its exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stderr := os.Stderr
	tuneMemory()
	log.SetOutput(io.Discard) // libraries that render write advice there
	cmd := command(stderr)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(ctx); err != nil {
		err = usage("aeod", err)
		cli.PrintError(stderr, err)
		return fault.KindOf(err).ExitCode()
	}
	return 0
}

func command(stderr io.Writer) *cobra.Command {
	o := Default()
	c := &cobra.Command{
		Use:   "aeod",
		Short: "Keep clusters exactly as Git says",
		Long: `aeod is the operator of AutoEcoOps. It watches Applications, applies the
revisions of their sources that pass the gate, repairs drift, rolls back what
does not become healthy, and records everything in the ledger first.`,
		Example: `  aeod                                             in a cluster
  aeod --kubeconfig ~/.kube/config --ledger ./ledger.db --cache-dir ./cache
                                                   beside one
  aeod --ledger postgres://aeod@db.example.com/aeod --ledger-password-file ./password \
    --ledger-key ./ledger.key                      with PostgreSQL`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			log := logger(stderr, o.Debug)
			klog.SetSlogLogger(slog.New(atDebug{log.Handler()}))
			return Run(c.Context(), o, log)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig, "the cluster's kubeconfig `FILE`; the usual places if empty")
	f.StringVar(&o.Context, "context", o.Context, "a context of the kubeconfig")
	f.StringVar(&o.Namespace, "namespace", o.Namespace, "the daemon's own namespace, for its lease and keys")
	f.StringVar(&o.Watch, "watch-namespace", o.Watch, "reconcile the Applications of this namespace only")
	f.StringVar(&o.Ledger.Location, "ledger", o.Ledger.Location, "the ledger: a `FILE` or a postgres:// address")
	f.StringVar(&o.Ledger.KeyFile, "ledger-key", "", "the `FILE` with the ledger's signing key; beside the ledger's file if empty")
	f.StringVar(&o.Ledger.PasswordFile, "ledger-password-file", "", "a `FILE` with the password of the ledger's database; PGPASSWORD and PGPASSFILE if empty")
	f.StringVar(&o.CacheDir, "cache-dir", o.CacheDir, "the `FOLDER` for mirrors of repositories and artifacts")
	f.StringVar(&o.Listen, "listen", o.Listen, "the `ADDRESS` for probes, metrics and webhooks; none if empty")
	o.Signals.flags(f)
	f.StringVar(&o.Objectives.Prometheus, "prometheus", "", "the `URL` of the Prometheus, Thanos or Mimir that Objectives are followed with; they are not followed if empty")
	o.Objectives.Access.AddFlags(f, "prometheus-", "that Prometheus")
	f.DurationVar(&o.Objectives.Scrape, "prometheus-scrape-interval", o.Objectives.Scrape, "how far apart the samples of its series are at most")
	f.StringArrayVar(&o.Objectives.Alertmanagers, "alertmanager", nil, "the `URL` of an Alertmanager that is told of their alerts; repeat it for each")
	o.Objectives.AlertAccess.AddFlags(f, "alertmanager-", "the Alertmanagers")
	f.StringVar(&o.DefaultAccount, "default-service-account", o.DefaultAccount, "the service account of Applications that name none; \"default\" if empty")
	f.IntVar(&o.Workers, "workers", o.Workers, "how many Applications are looked at at the same time")
	f.BoolVar(&o.Elect, "leader-elect", o.Elect, "let several daemons agree on one that works")
	f.BoolVar(&o.Allow.HTTP, "allow-http", o.Allow.HTTP, "let sources be plain http, which anyone on the way can change")
	f.BoolVar(&o.Allow.File, "allow-file", o.Allow.File, "let sources be folders of this machine")
	f.BoolVar(&o.Allow.Across, "observe-across-namespaces", o.Allow.Across, "let Applications show the status of another tool's objects in other namespaces")
	f.BoolVar(&o.Debug, "debug", o.Debug, "log more")
	c.SetErr(stderr)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c.CommandPath(), err) })
	c.CompletionOptions.DisableDefaultCmd = true
	c.AddCommand(newLedgerKey())
	return c
}

// logger writes JSON, or text for a person at a terminal.
func logger(w io.Writer, debug bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if debug {
		o.Level = slog.LevelDebug
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// atDebug makes what a library has to say a matter of debugging: what of it
// concerns anybody comes back as an error.
type atDebug struct{ slog.Handler }

// Handle implements slog.Handler.
func (h atDebug) Handle(ctx context.Context, r slog.Record) error {
	if !h.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h atDebug) WithAttrs(a []slog.Attr) slog.Handler { return atDebug{h.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (h atDebug) WithGroup(name string) slog.Handler { return atDebug{h.Handler.WithGroup(name)} }
