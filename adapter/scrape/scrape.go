// Package scrape fetches metrics from those that serve them, as Prometheus does: at an
// interval, with up and the other series about each scrape, with markers where a series
// ends.
//
// What a target may send is bounded: in bytes, samples, labels and time. A target over a
// bound is scraped as one that is down, with the reason, and what it sent is not kept.
package scrape

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/fault"
)

// Options say what is scraped and how. What is 0 gets the value in brackets.
type Options struct {
	// Into is where samples are put.
	Into storage.Appendable
	// Interval is how far apart scrapes are [30 s], Timeout how long one may take
	// [10 s, at most the interval].
	Interval, Timeout time.Duration
	// File lists targets, in the form of Prometheus' file_sd; it is read again when it
	// changes. "" for none.
	File string
	// Kubelet says how the kubelet of each node is scraped; nil does not scrape any.
	Kubelet *Kubelet
	// MaxTargets is how many targets there may be of each kind [1000].
	MaxTargets int
	// MaxSamples is how many samples a target has [10,000], MaxBody how many bytes
	// [16 MiB].
	MaxSamples int
	MaxBody    int
	// MaxLabels is how many labels a series has [64], MaxName and MaxValue how many
	// bytes a label's name [256] and value [2048].
	MaxLabels, MaxName, MaxValue int
	// Log is told what happens; nil tells nobody.
	Log *slog.Logger
}

// Kubelet says how those of nodes are asked, by whom may get nodes/metrics. Of what is
// there as a file and as text, the file counts.
type Kubelet struct {
	// Token is a bearer token, Certificate and Key are a client's, in PEM.
	TokenFile, Token                           string
	CertificateFile, Certificate, KeyFile, Key string
	// CA is whom the kubelets' certificates must be from.
	CAFile, CA string
	// Insecure asks a kubelet whatever certificate it shows. The token is shown to it.
	Insecure bool
}

// config is the part of Prometheus' own configuration.
func (k *Kubelet) config() string {
	var tls []string
	// given adds what there is under the name of the file, or of the text.
	given := func(to []string, name, file, text string) []string {
		switch {
		case file != "":
			return append(to, fmt.Sprintf("%s_file: %q", name, file))
		case text != "":
			return append(to, fmt.Sprintf("%s: %q", name, text))
		}
		return to
	}
	if k.Insecure {
		tls = append(tls, "insecure_skip_verify: true")
	} else {
		tls = given(tls, "ca", k.CAFile, k.CA)
	}
	tls = given(tls, "cert", k.CertificateFile, k.Certificate)
	tls = given(tls, "key", k.KeyFile, k.Key)
	text := "tls_config: {" + strings.Join(tls, ", ") + "}"
	for _, token := range given(nil, "credentials", k.TokenFile, k.Token) {
		text += ", authorization: {" + token + "}"
	}
	return text
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v <= 0 {
		*v = standard
	}
}

// Scraper scrapes. Make one with New.
type Scraper struct {
	options Options
	manager *scrape.Manager
	inner   *prometheus.Registry
	targets chan map[string][]*targetgroup.Group

	mu   sync.Mutex
	sets map[string][]*targetgroup.Group
	left map[string]int
	bad  error
}

// The pools of targets.
const (
	poolPods    = "pods"
	poolFile    = "targets"
	poolKubelet = "kubelet"
)

// A kubelet speaks for a hundred pods and more: it may say as much as several targets.
const kubeletPods = 5

// neverAsked are the series of cAdvisor that are many and that nobody asks for: half of
// all.
const neverAsked = "container_(tasks_state|memory_failures_total|memory_failcnt|memory_kernel_usage|memory_mapped_file|memory_max_usage_bytes|memory_total_.*|memory_swap|blkio_.*|fs_(io|read_seconds|write_seconds|sector|reads_merged|writes_merged|inodes).*|hugetlb_.*|last_seen|llc_.*|spec_(memory_reservation|memory_swap|cpu_shares).*|ulimits_soft|cpu_load_.*|cpu_schedstat_.*|network_(tcp|tcp6|udp|udp6|advance_tcp)_.*|pressure_.*_stalled_.*)"

// New returns a scraper that scrapes nothing yet. The error is of kind Invalid.
func New(o Options) (*Scraper, error) {
	fill(&o.Interval, 30*time.Second)
	fill(&o.Timeout, min(10*time.Second, o.Interval))
	fill(&o.MaxTargets, 1000)
	fill(&o.MaxSamples, 10_000)
	fill(&o.MaxBody, 16<<20)
	fill(&o.MaxLabels, 64)
	fill(&o.MaxName, 256)
	fill(&o.MaxValue, 2048)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Interval < time.Second || o.Timeout > o.Interval {
		return nil, fault.New(fault.Invalid, "scrape", "", fmt.Sprintf("each %s, with %s for one scrape, is too often or too long", o.Interval, o.Timeout), "take an interval of a second or more, and a timeout within it")
	}
	s := &Scraper{
		options: o, inner: prometheus.NewRegistry(), targets: make(chan map[string][]*targetgroup.Group, 1),
		sets: map[string][]*targetgroup.Group{}, left: map[string]int{},
	}
	c, err := config.Load(s.config(), o.Log)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "scrape", "", err, "")
	}
	s.manager, err = scrape.NewManager(&scrape.Options{DiscoveryReloadInterval: model.Duration(time.Second)}, o.Log.With("part", "scrape"), nil, o.Into, s.inner)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "scrape", "", err, "")
	}
	if err := s.manager.ApplyConfig(c); err != nil {
		return nil, fault.Wrap(fault.Invalid, "scrape", "", err, "")
	}
	return s, nil
}

// config writes what Prometheus' own configuration would say. Where the targets come
// from is not in it: they are handed over.
func (s *Scraper) config() string {
	o := s.options
	bounds := func(times int) string {
		return fmt.Sprintf("body_size_limit: %dB, sample_limit: %d, label_limit: %d, label_name_length_limit: %d, label_value_length_limit: %d, follow_redirects: false, fallback_scrape_protocol: PrometheusText0.0.4",
			times*o.MaxBody, times*o.MaxSamples, o.MaxLabels, o.MaxName, o.MaxValue)
	}
	text := fmt.Sprintf("global: {scrape_interval: %dms, scrape_timeout: %dms}\nscrape_configs:\n- {job_name: %s, %s}\n- {job_name: %s, %s}\n",
		o.Interval.Milliseconds(), o.Timeout.Milliseconds(), poolPods, bounds(1), poolFile, bounds(1))
	if o.Kubelet != nil {
		text += fmt.Sprintf("- {job_name: %s, scheme: https, honor_timestamps: false, %s, %s, metric_relabel_configs: [{source_labels: [__name__], regex: %q, action: drop}]}\n",
			poolKubelet, bounds(kubeletPods), o.Kubelet.config(), neverAsked)
	}
	return text
}

// Run scrapes until ctx ends.
func (s *Scraper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	if s.options.File != "" {
		wg.Go(func() { s.followFile(ctx) })
	}
	wg.Go(func() {
		if err := s.manager.Run(s.targets); err != nil {
			s.options.Log.Error("scraping ended", "error", err.Error())
		}
	})
	<-ctx.Done()
	s.manager.Stop()
	wg.Wait()
}

// set replaces the targets of a pool, at most as many as there may be.
func (s *Scraper) set(pool string, groups []*targetgroup.Group) {
	n, left := 0, 0
	for _, g := range groups {
		if room := s.options.MaxTargets - n; len(g.Targets) > room {
			left += len(g.Targets) - room
			g.Targets = g.Targets[:room]
		}
		n += len(g.Targets)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if left > 0 && s.left[pool] == 0 {
		s.options.Log.Warn("there are more targets than are scraped", "pool", pool, "scraped", n, "left", left)
	}
	s.sets[pool], s.left[pool] = groups, left
	all := make(map[string][]*targetgroup.Group, len(s.sets))
	for k, v := range s.sets {
		all[k] = v
	}
	select { // the newest replaces one that nobody took
	case <-s.targets:
	default:
	}
	s.targets <- all
}
