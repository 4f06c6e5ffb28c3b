package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/remotewrite"
	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// Metrics says where metrics are kept, and who fills the store. The zero Metrics keeps
// none.
type Metrics struct {
	// Dir is the folder; "" keeps none.
	Dir string
	// Retention is how long they are kept, as 15d, and RetentionSize how much room they
	// may take, as 2GiB.
	Retention, RetentionSize string
	// Listen is the address to ask at, and to send to, as of a Prometheus.
	Listen string
	// TokenFile holds a bearer token that senders and askers must have; "" lets
	// everybody.
	TokenFile string
	// Accept picks of what is sent what is kept, as {namespace="shop"}.
	Accept string
	// MaxSeries is how many series there may be in memory.
	MaxSeries int
	// Targets is a file of what is scraped, in the form of Prometheus' file_sd.
	Targets string
	// Pods lets pods be scraped that say where their metrics are; Namespaces are those
	// whose pods, all if there are none.
	Pods       bool
	Namespaces []string
	// Kubelet lets the kubelets of their nodes be scraped too.
	Kubelet bool
	// KubeletInsecure asks them whatever certificates they show.
	KubeletInsecure bool
	// Interval is how far apart scrapes are.
	Interval time.Duration
	// Watch says which series are judged sample by sample as they come.
	Watch Watch
	// follow says how what is kept is followed for anomalies; nil for not at all.
	follow *metrics.FollowOptions
}

// Watch says which series are judged sample by sample as they come.
type Watch struct {
	// Selectors pick them, as {__name__=~"http_.*_total"}; none if there are none.
	Selectors []string
	// MaxSeries is how many there may be.
	MaxSeries int
	// Only has them judged, and not kept.
	Only bool
	// options say how, and who is told.
	options *metrics.WatchOptions
}

func (m Metrics) wanted() bool { return m.Dir != "" }

// problems lists what is wrong.
func (m *Metrics) problems(need func(ok bool, flag, why string)) {
	if !m.wanted() {
		for flag, given := range map[string]bool{
			"metrics-listen": m.Listen != "", "metrics-token-file": m.TokenFile != "", "metrics-accept": m.Accept != "", "metrics-targets": m.Targets != "",
			"metrics-watch": len(m.Watch.Selectors) > 0, "metrics-watch-only": m.Watch.Only, "metrics-pods": m.Pods, "metrics-namespace": len(m.Namespaces) > 0, "metrics-kubelet": m.Kubelet,
		} {
			need(!given, flag, "it is for the metrics of --metrics-dir, which is not given")
		}
		return
	}
	_, err := retention(m.Retention)
	need(err == nil, "metrics-retention", "it is no duration above 0: write it as 15d or 36h")
	_, err = size(m.RetentionSize)
	need(err == nil, "metrics-retention-size", "it is no size: write it as 512MiB or 2GiB")
	need(m.MaxSeries >= 1000 && m.MaxSeries <= 50_000_000, "metrics-max-series", "from 1000 to 50000000")
	need(len(m.Watch.Selectors) == 0 || m.Watch.MaxSeries >= 1 && m.Watch.MaxSeries <= 10_000_000, "metrics-watch-max", "from 1 to 10000000")
	for _, text := range m.Watch.Selectors {
		needSelector(need, "metrics-watch", text)
	}
	need(!m.Watch.Only || len(m.Watch.Selectors) > 0, "metrics-watch-only", "it is for the series of --metrics-watch, which is not given")
	need(m.Interval >= time.Second && m.Interval <= 10*time.Minute, "metrics-interval", "from 1s to 10m")
	need(!m.Kubelet || m.Pods, "metrics-kubelet", "it is for the nodes of --metrics-pods, which is not given")
	need(!m.KubeletInsecure || m.Kubelet, "metrics-kubelet-insecure-tls", "it is for --metrics-kubelet, which is not given")
	need(len(m.Namespaces) == 0 || m.Pods, "metrics-namespace", "it is for --metrics-pods, which is not given")
	need(m.TokenFile == "" || m.Listen != "", "metrics-token-file", "it is for --metrics-listen, which is not given")
	need(m.Accept == "" || m.Listen != "", "metrics-accept", "it is for what is sent to --metrics-listen, which is not given")
	if m.Accept != "" && m.Listen != "" {
		needSelector(need, "metrics-accept", m.Accept)
	}
}

func needSelector(need func(ok bool, flag, why string), flag, text string) {
	if _, err := metrics.ParseSelector(text); err != nil {
		need(false, flag, err.Error())
	}
}

// retention reads 15d.
func retention(s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, fault.New(fault.Invalid, "read", s, "it is no duration", "write it as 15d or 36h")
	}
	if d == 0 { // which the store takes for nothing said
		return 0, fault.New(fault.Invalid, "read", s, "nothing would be kept", "write it as 15d or 36h; leave --metrics-dir out to keep none")
	}
	return time.Duration(d), nil
}

// size reads 2GiB: bytes, or units of 1024.
func size(s string) (int64, error) {
	number, factor := s, int64(1)
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			number, factor = rest, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/factor {
		return 0, fault.New(fault.Invalid, "read", s, "it is no size", "write it as 512MiB or 2GiB")
	}
	return n * factor, nil
}

// openMetrics opens the store of metrics if one is wanted, nil if not, and registers
// what it tells of itself.
func openMetrics(m Metrics, client *kube.Client, reg prometheus.Registerer, log *slog.Logger) (*metrics.Keeper, error) {
	if !m.wanted() {
		return nil, nil
	}
	token, err := tokenOf(m.TokenFile, "--metrics-token-file", log)
	if err != nil {
		return nil, err
	}
	keep, err := retention(m.Retention)
	if err != nil {
		return nil, err
	}
	room, err := size(m.RetentionSize)
	if err != nil {
		return nil, err
	}
	s := metrics.Settings{
		Listen: m.Listen, Token: token, Log: log,
		Store:  tsdb.Options{Dir: m.Dir, Retention: keep, RetentionBytes: room, MaxSeries: m.MaxSeries},
		Query:  promql.Options{Version: "aeod"},
		Write:  remotewrite.Options{Accept: m.Accept},
		Scrape: scrape.Options{File: m.Targets, Interval: m.Interval},
		Follow: m.follow, Watch: m.Watch.options,
	}
	states := &metrics.States{Interval: m.Interval, Now: time.Now, Log: log}
	if m.Pods {
		s.Pods = func(ctx context.Context, to *scrape.Pods) { followPods(ctx, client, m.Namespaces, to, states, log) }
	}
	if m.Kubelet {
		if s.Scrape.Kubelet, err = kubeletAs(client.Config()); err != nil {
			return nil, err
		}
		s.Scrape.Kubelet.Insecure = m.KubeletInsecure
	}
	k, err := metrics.New(s)
	if err != nil {
		return nil, err
	}
	states.Into, states.From = k.Appendable("state", true), k.Store
	for _, c := range k.Collectors() {
		reg.MustRegister(c)
	}
	return k, nil
}

// keeping tells whether metrics are kept, and why not.
type keeping struct {
	mu  sync.Mutex
	how func() error
}

func (k *keeping) set(how func() error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.how = how
}

// err is why they are not kept; nil if they are.
func (k *keeping) err() error {
	k.mu.Lock()
	how := k.how
	k.mu.Unlock()
	if how == nil {
		return fault.New(fault.Unavailable, "keep metrics", "", "what was kept is still being read", "")
	}
	return how()
}

// reopen is how long to wait before a disk without room is tried again.
const reopen = 10 * time.Second

// keepMetrics opens the store and keeps metrics until ctx ends. The log of the newest
// samples may take half a minute to read: nobody else waits for it.
func keepMetrics(ctx context.Context, m Metrics, client *kube.Client, reg prometheus.Registerer, state *keeping, log *slog.Logger) error {
	for tries := 0; ; tries++ {
		k, err := openMetrics(m, client, reg, log)
		switch {
		case err == nil:
			state.set(k.Store.Room)
			return k.Run(ctx)
		case !errors.Is(err, tsdb.ErrDisk):
			return err
		}
		state.set(func() error { return err })
		if tries == 0 {
			log.Error("metrics are not kept, and those that were cannot be asked for; it is tried again until there is room", "error", err.Error())
		}
		select {
		case <-time.After(reopen):
		case <-ctx.Done():
			return nil
		}
	}
}

// followPods tells of pods, to whom scrapes them and to whom keeps their state, until
// ctx ends.
func followPods(ctx context.Context, client *kube.Client, namespaces []string, to *scrape.Pods, states *metrics.States, log *slog.Logger) {
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { states.Run(ctx) })
	wg.Go(func() { followServices(ctx, client, namespaces, to, log) })
	for _, namespace := range namespaces {
		w := &kube.PodWatch{
			Client: client, Namespace: namespace,
			Changed: func(p kube.Pod) { to.Changed(podOf(p)); states.Changed(p) },
			Gone:    func(n kube.PodName) { to.Gone(n.Namespace, n.Name); states.Gone(n) },
			Trouble: func(err error) {
				log.Warn("pods to scrape could not be followed", "namespace", namespace, "error", err.Error())
			},
		}
		wg.Go(func() { w.Run(ctx) })
	}
}

// podOf is what scraping needs of a pod; one that has ended is nowhere.
func podOf(p kube.Pod) scrape.Pod {
	out := scrape.Pod{Namespace: p.Namespace, Name: p.Name, Node: p.Node, Workload: p.Of.Service, Address: p.Scrape.Address, NodeAddress: p.Scrape.NodeAddress, Notes: p.Scrape.Notes, Labels: p.Scrape.Labels}
	if p.Ended {
		out.Address = ""
	}
	for _, port := range p.Scrape.Ports {
		out.Ports = append(out.Ports, scrape.Port(port))
	}
	return out
}
