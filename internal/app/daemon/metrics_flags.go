package daemon

import (
	"time"

	"github.com/spf13/pflag"
)

// flags adds the settings' flags.
func (m *Metrics) flags(f *pflag.FlagSet) {
	f.StringVar(&m.Dir, "metrics-dir", "", "the `FOLDER` to keep metrics of workloads in; none if empty")
	f.StringVar(&m.Retention, "metrics-retention", "15d", "how long metrics are kept, as 15d")
	f.StringVar(&m.RetentionSize, "metrics-retention-size", "2GiB", "how much room they may take, as 2GiB")
	f.StringVar(&m.Listen, "metrics-listen", "", "the `ADDRESS` to ask for metrics, and to send them to by remote write, as of a Prometheus; none if empty")
	f.StringVar(&m.TokenFile, "metrics-token-file", "", "a `FILE` with a bearer token for that address; everybody may if empty")
	f.StringVar(&m.Accept, "metrics-accept", "", `keep of what is sent only what a `+"`SELECTOR`"+` picks, as '{namespace="shop"}'`)
	f.IntVar(&m.MaxSeries, "metrics-max-series", 200_000, "how many series there may be in memory, about 4 KiB each")
	f.StringVar(&m.Targets, "metrics-targets", "", "a `FILE` with targets to scrape, in the form of Prometheus' file_sd")
	f.BoolVar(&m.Pods, "metrics-pods", false, "scrape pods that say where their metrics are, or whose Services do: annotations prometheus.io/scrape, or a port named metrics")
	f.StringArrayVar(&m.Namespaces, "metrics-namespace", nil, "scrape pods of this `NAMESPACE` only; may be repeated")
	f.BoolVar(&m.Kubelet, "metrics-kubelet", false, "scrape the kubelets of their nodes too: what containers use")
	f.BoolVar(&m.KubeletInsecure, "metrics-kubelet-insecure-tls", false, "scrape kubelets whatever certificates they show, as many clusters have them sign their own; the token is shown to them")
	f.StringArrayVar(&m.Watch.Selectors, "metrics-watch", nil, `judge each sample as it comes, sent or scraped, of the series that a `+"`SELECTOR`"+` picks, as '{__name__=~"http_.*_total",namespace="shop"}'; may be repeated`)
	f.IntVar(&m.Watch.MaxSeries, "metrics-watch-max", 100_000, "how many series are watched so, about 4 KiB each")
	f.BoolVar(&m.Watch.Only, "metrics-watch-only", false, "only judge what --metrics-watch picks, and do not keep it")
	f.DurationVar(&m.Interval, "metrics-interval", 30*time.Second, "how far apart scrapes are")
}
