package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// LogReader reads logs.
type LogReader interface {
	// CompareLogs reads the lines of two windows of time and compares their
	// templates.
	CompareLogs(ctx context.Context, req LogsRequest) (*ComparedLogs, error)
}

// LokiSource says which Loki to ask, and for what.
type LokiSource struct {
	URL string
	// Access says how it is asked.
	Access
	// Query is a log query in LogQL, "" for all of a namespace.
	Query string
	// MaxLines bounds what is read of each window.
	MaxLines int
}

// LogsRequest says what is read and compared. One source is set.
type LogsRequest struct {
	// Loki is set to ask one.
	Loki *LokiSource
	// Pods is set to read the logs of a cluster's containers.
	Pods *ClusterOptions
	// Files are read if neither is set; "-" is In.
	Files []string
	In    io.Reader
	// Namespace limits Loki and Pods to one; "" is that of the context for pods.
	Namespace string
	// At is the end of the later window; zero for now, and for files for the
	// moment of their last line.
	At time.Time
	// Since is how long the later window is, Before the one before that; 0 for all
	// that files have.
	Since, Before time.Duration
	// Least is the score that a change needs.
	Least float64
	// Timeout is for one question, or the log of one container.
	Timeout  time.Duration
	Progress func(done, total int)
	// Recall keeps what was read of Loki for the next request; nil keeps nothing.
	Recall *logs.Recall
}

// ComparedLogs is what was found.
type ComparedLogs struct {
	// Source says in words what was read.
	Source string
	// From is zero if all before was read.
	From, Mid, To time.Time
	Changes       []logs.Change
	Read          LinesRead
	// Counted is what became of the lines after they were joined.
	Counted            logs.Counted
	Sources, Templates int
	// Without are the sources that have no line from before.
	Without []string
	// Failed could not be read, or not to the end.
	Failed []LogProblem
	// Notes say what one should know.
	Notes []string
}

// LinesRead says what was read, before lines that belong together were joined.
type LinesRead struct {
	Lines uint64 `json:"lines"`
	Bytes uint64 `json:"bytes"`
	// Joined were put to the line that they belong to, as of stack traces.
	Joined uint64 `json:"joined"`
	// Cut were longer than is read.
	Cut uint64 `json:"cut"`
	// Undated do not say when they were written: they are taken with the line
	// before. Unplaced had none before, and were left out.
	Undated  uint64 `json:"undated"`
	Unplaced uint64 `json:"unplaced"`
}

// LogProblem is why a log could not be read.
type LogProblem struct {
	Source string
	Err    error
}

// logsOptions are those of logs.
type logsOptions struct {
	backend             Backend
	streams             *Streams
	loki                LokiSource
	where               ClusterOptions
	pods                bool
	since, before, at   string
	timeout             string
	output              string
	all                 bool
	asked, beforeWanted bool // --loki, --before are on the command line
	request             LogsRequest
}

// usualScore is the score that a change needs: by chance alone, one template in
// tens of thousands has it.
const usualScore = 4

// usualLines is how many lines of a window are read from Loki.
const usualLines = 100_000

func newObserveLogs(b Backend, s *Streams) *cobra.Command {
	o := &logsOptions{backend: b, streams: s}
	c := &cobra.Command{
		Use:   "logs [FILE...]",
		Short: "Show what is new, gone, more or less in the logs, and since when",
		Long: `Show what is new, gone, more or less in the logs, and since when: the lines of the
last --since against those of --before. Lines are told apart by their template, what
they say without the values in it; nothing has to be configured.

Lines come from a Loki (--loki), from the containers of a cluster (--pods, --context
or --kubeconfig; it needs list on pods and get on pods/log), or from files; "-" is
standard input. Of files the lines must say when they were written; the time ends
with their last line, of pipes now, and all of them before --since is compared with.
What is compressed comes through a pipe: zcat FILE | aeo observe logs -

What looks like a credential is left out of everything that is printed. The exit code
is 1 if errors are new or more, and 3 if there was nothing to compare with, or not all
could be read.`,
		Example: `  aeo observe logs app.log
  kubectl logs deploy/web --timestamps | aeo observe logs - --since 5m
  aeo observe logs --pods -n shop --since 15m --before 2h
  aeo observe logs --loki http://loki:3100 -n shop
  aeo observe logs --loki http://loki:3100 --query '{app="web"} |= "payment"' -o json`,
		RunE: func(c *cobra.Command, args []string) error {
			o.asked, o.beforeWanted = c.Flags().Changed("loki"), c.Flags().Changed("before")
			return o.logs(c.Context(), args)
		},
	}
	f := c.Flags()
	f.StringVar(&o.loki.URL, "loki", s.Getenv("AEO_LOKI"), "the `URL` of Loki, up to /loki/api/v1 (default $AEO_LOKI)")
	f.StringVar(&o.loki.Query, "query", "", "ask Loki for this `LOGQL` instead of all of --namespace")
	o.loki.AddFlags(f, "", "Loki")
	f.IntVar(&o.loki.MaxLines, "max-lines", usualLines, "read at most this `NUMBER` of lines of each window from Loki; of more, the newest part of each")
	f.BoolVar(&o.pods, "pods", false, "read the logs of the containers of a cluster")
	f.StringVar(&o.where.Kubeconfig, "kubeconfig", "", "read those of the cluster of this kubeconfig `FILE`")
	f.StringVar(&o.where.Context, "context", "", "read those of the cluster of this `NAME` of a context")
	f.StringVarP(&o.request.Namespace, "namespace", "n", "", "the `NAMESPACE` whose logs are read")
	f.StringVar(&o.since, "since", "15m", "how far back to look, a `DURATION`")
	f.StringVar(&o.before, "before", "1h", "the time before that, to compare with, a `DURATION`; of files all there is")
	f.StringVar(&o.at, "at", "", "look back from this `TIME`, as 2026-03-01T12:00:00Z, instead of from now")
	f.StringVar(&o.timeout, "timeout", "30s", "how long one question, or the log of one container, may take, a `DURATION`")
	f.BoolVar(&o.all, "all", false, "tell of weak changes, and of all lines of what is seen for the first time, too")
	f.StringVarP(&o.output, "output", "o", "table", "the `FORMAT`: table or json")
	return c
}

func (o *logsOptions) read(args []string) (err error) {
	wrong := func(subject, why, hint string) error {
		return fault.New(fault.Invalid, "read the command line", subject, why, hint)
	}
	o.pods = o.pods || o.where != ClusterOptions{}
	named := 0
	for _, is := range []bool{len(args) > 0, o.pods, o.asked} {
		if is {
			named++
		}
	}
	loki := o.asked || named == 0 && o.loki.URL != ""
	switch {
	case named > 1:
		return wrong("", "it names more than one place to read from", "name one: files, --pods or --loki")
	case named == 0 && !loki:
		return wrong("", "it does not say what to read", "name a file, or - for standard input; or add --pods -n NAMESPACE, or --loki http://HOST:3100, or set AEO_LOKI")
	case o.output != "table" && o.output != "json":
		return wrong("-o "+o.output, fmt.Sprintf("there is no format %q", o.output), "use table or json")
	case !namespaceName(o.request.Namespace):
		return wrong("--namespace", fmt.Sprintf("%q is no name of a namespace", o.request.Namespace), "write it as kubectl shows it")
	case loki && o.loki.URL == "":
		return wrong("--loki", "it is empty", "write http://HOST:3100")
	case loki && o.request.Namespace == "" && o.loki.Query == "":
		return wrong("", "it does not say whose logs Loki is asked for", `add -n NAMESPACE, or --query '{app="web"}'`)
	case loki && o.request.Namespace != "" && o.loki.Query != "":
		return wrong("--query", "--namespace is given too", "say it in the query")
	case !loki && o.loki.Query != "":
		return wrong("--query", "only Loki is asked with a query", "add --loki http://HOST:3100")
	case len(args) > 0 && o.request.Namespace != "":
		return wrong("--namespace", "files have none", "leave it out")
	case o.loki.MaxLines <= 0 || o.loki.MaxLines > 5_000_000:
		return wrong("--max-lines", "it must be from 1 to 5000000", "leave it out for the default")
	}
	for _, d := range []struct {
		name, value string
		to          *time.Duration
	}{{"since", o.since, &o.request.Since}, {"before", o.before, &o.request.Before}, {"timeout", o.timeout, &o.request.Timeout}} {
		if *d.to, err = durationFlag(d.name, d.value); err != nil {
			return err
		}
	}
	if o.at != "" {
		if o.request.At, err = time.Parse(time.RFC3339, o.at); err != nil {
			return wrong("--at", fmt.Sprintf("%q is no moment", o.at), "write it as 2026-03-01T12:00:00Z")
		}
	}
	switch {
	case loki:
		o.request.Loki = &o.loki
	case o.pods:
		o.request.Pods = &o.where
	default:
		if o.request.Files, o.request.In = args, o.streams.In; !o.beforeWanted {
			o.request.Before = 0
		}
		if n := slices.Index(args, "-"); n >= 0 && slices.Contains(args[n+1:], "-") {
			return wrong("-", "standard input is named twice", "name it once")
		}
	}
	if o.request.Least = usualScore; o.all {
		o.request.Least = 1
	}
	return nil
}

func (o *logsOptions) logs(ctx context.Context, args []string) error {
	if err := o.read(args); err != nil {
		return err
	}
	var end func()
	o.request.Progress, end = o.streams.counting("reading")
	found, err := o.backend.CompareLogs(ctx, o.request)
	end()
	if err != nil {
		return err
	}
	err = writeTo("", o.streams.Out, func(w io.Writer) error {
		if o.output == "json" {
			return logsJSON(w, found)
		}
		return o.logsTable(w, found)
	})
	if err != nil {
		return err
	}
	return o.remarks(found)
}
