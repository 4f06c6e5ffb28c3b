package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
	"github.com/autoecoops/autoecoops/test/cluster/node"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
	"github.com/autoecoops/autoecoops/test/cluster/setup"
)

// defaultName is the cluster that is meant when no name is given.
const defaultName = "aeo"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "cluster",
		Short:         "A real Kubernetes on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.AddCommand(newUp(), newDown(), newStatus(), newKubeconfig(), newLoadImage(), newPrograms(), newKeep(), newNode())
	return root
}

// progress writes to standard error, and only on a terminal.
func progress() func(string) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(string) {}
	}
	return programs.Lines(os.Stderr)
}

func nameFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", defaultName, "the cluster's name")
}

func newUp() *cobra.Command {
	var o struct {
		name, nodes string
		simulated   int
	}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, unless it runs; return when it is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return up(cmd.Context(), cmd.OutOrStdout(), o.name, keeper.Nodes(o.nodes), o.simulated)
		},
	}
	nameFlag(cmd, &o.name)
	cmd.Flags().StringVar(&o.nodes, "nodes", string(setup.Auto), "what runs pods: real, simulated, none, or auto, which takes real where this machine allows it")
	cmd.Flags().IntVar(&o.simulated, "simulated", 0, "how many simulated nodes, also beside a real one")
	return cmd
}

func up(ctx context.Context, out io.Writer, name string, nodes keeper.Nodes, simulated int) error {
	dir, err := setup.NamedDir(name)
	if err != nil {
		return err
	}
	if _, err := keeper.NewClient(dir).Status(ctx); err == nil {
		return resume(ctx, out, dir)
	}
	if err := keeper.SweepDead(dir); err != nil && !errors.Is(err, keeper.ErrKept) {
		return err
	}
	spec, err := setup.Prepare(ctx, setup.Request{
		Spec: keeper.Spec{Name: name, Dir: dir, Simulated: simulated}, Nodes: nodes, Progress: progress(),
	})
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the cluster command: %w", err)
	}
	kept, err := keeper.Launch(ctx, exe, spec, progress())
	if errors.Is(err, keeper.ErrKept) {
		return resume(ctx, out, dir)
	}
	if err != nil {
		return err
	}
	if err := kept.Detach(); err != nil {
		return err
	}
	return announce(ctx, out, dir)
}

// resume waits for a cluster that another process is starting, and starts what
// has ended in one that runs.
func resume(ctx context.Context, out io.Writer, dir string) error {
	client := keeper.NewClient(dir)
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("the cluster is starting for more than 3 minutes"))
	defer cancel()
	status, err := client.Status(ctx)
	for ; !status.Ready && (err == nil || keeper.HasKeeper(dir)); status, err = client.Status(ctx) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
	if err != nil {
		return err
	}
	for _, s := range status.Servers {
		switch s.State {
		case "stopped", "ended":
			err = client.Start(ctx, s.Name)
		case "frozen":
			err = client.Thaw(ctx, s.Name)
		}
		if err != nil {
			return fmt.Errorf("start %s again: %w", s.Name, err)
		}
	}
	return announce(ctx, out, dir)
}

func announce(ctx context.Context, out io.Writer, dir string) error {
	s, err := keeper.NewClient(dir).Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "cluster %s is up at %s, nodes: %s\nexport KUBECONFIG=%s\n", s.Name, s.Server, nodes(s), keeper.KubeconfigPath(dir))
	return nil
}

// nodes says what runs pods, and why if something else was wished for.
func nodes(s keeper.Status) string {
	text := string(s.Nodes)
	if s.Simulated > 0 {
		text = fmt.Sprintf("%s (%d simulated)", text, s.Simulated)
	}
	if s.Why != "" {
		text += "; " + s.Why
	}
	return text
}

func newDown() *cobra.Command {
	var name string
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End the cluster; nothing of it is left",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names := []string{name}
			if all {
				var err error
				if names, err = setup.Named(); err != nil {
					return err
				}
			}
			for _, n := range names {
				dir, err := setup.NamedDir(n)
				if err == nil {
					err = keeper.Down(cmd.Context(), dir)
				}
				if err != nil {
					return fmt.Errorf("end cluster %s: %w", n, err)
				}
			}
			return nil
		},
	}
	nameFlag(cmd, &name)
	cmd.Flags().BoolVar(&all, "all", false, "end every cluster that a name was given to")
	return cmd
}

func newStatus() *cobra.Command {
	var name, output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the cluster's programs; exit status 2 if it is not up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := setup.NamedDir(name)
			if err != nil {
				return err
			}
			s, err := keeper.NewClient(dir).Status(cmd.Context())
			if err != nil {
				return fmt.Errorf("cluster %s is not up: %w", name, err)
			}
			switch output {
			case "json":
				return json.NewEncoder(cmd.OutOrStdout()).Encode(s)
			case "table":
				return table(cmd.OutOrStdout(), s)
			}
			return fmt.Errorf("output %q: choose table or json", output)
		},
	}
	nameFlag(cmd, &name)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func table(out io.Writer, s keeper.Status) error {
	state := "starting"
	if s.Ready {
		state = "up"
	}
	fmt.Fprintf(out, "%s: %s at %s, nodes: %s\n", s.Name, state, s.Server, nodes(s))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range s.Servers {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", p.Name, p.State, p.PID, p.Log)
	}
	return w.Flush()
}

func newKubeconfig() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the path of the administrator's kubeconfig",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := setup.NamedDir(name)
			if err != nil {
				return err
			}
			if _, err := os.Stat(keeper.KubeconfigPath(dir)); err != nil {
				return fmt.Errorf("cluster %s is not up; start it with: cluster up --name %s", name, name)
			}
			fmt.Fprintln(cmd.OutOrStdout(), keeper.KubeconfigPath(dir))
			return nil
		},
	}
	nameFlag(cmd, &name)
	return cmd
}

func newPrograms() *cobra.Command {
	return &cobra.Command{
		Use:   "programs",
		Short: "Build every program of a cluster and print their paths",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names := append(programs.ControlPlane(), append(programs.Node(), programs.Kwok)...)
			paths, err := programs.Builder{Progress: progress()}.Ensure(cmd.Context(), names...)
			if err != nil {
				return err
			}
			for _, n := range names {
				fmt.Fprintln(cmd.OutOrStdout(), paths[n])
			}
			return nil
		},
	}
}

// newKeep is what a keeper runs as: the cluster's spec comes on standard
// input, what it tells its starter goes to descriptor 3.
func newKeep() *cobra.Command {
	return &cobra.Command{
		Use: "keep", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return keeper.Run(cmd.Context(), os.Stdin, os.NewFile(3, "events"), slog.New(slog.NewJSONHandler(os.Stderr, nil)))
		},
	}
}

// newNode is what the first process of a node's namespaces runs as, and the
// worker that it starts.
func newNode() *cobra.Command {
	var inside bool
	cmd := &cobra.Command{
		Use: "node", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if inside {
				return node.Inside(os.Stdin, os.NewFile(3, "events"))
			}
			return node.Init()
		},
	}
	cmd.Flags().BoolVar(&inside, "inside", false, "be the worker")
	return cmd
}

func newLoadImage() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "load-image ARCHIVE",
		Short: "Import a docker or OCI image archive into the real node",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := setup.NamedDir(name)
			if err != nil {
				return err
			}
			archive, err := absolute(args[0])
			if err != nil {
				return err
			}
			return keeper.NewClient(dir).LoadImage(cmd.Context(), archive)
		},
	}
	nameFlag(cmd, &name)
	return cmd
}
