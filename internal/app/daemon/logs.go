package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/loki"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe/logs/live"
	"github.com/autoecoops/autoecoops/observe/logs/store"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Logs says which lines of pods are kept, and where they are asked for. The zero Logs
// keeps none.
type Logs struct {
	// Listen is the address at which lines are asked for as of a Loki.
	Listen string
	// Namespaces are those whose pods are read; none means all.
	Namespaces []string
	// Memory is a quantity such as 64Mi, Age how long a line is kept.
	Memory string
	Age    time.Duration
	// TokenFile holds a bearer token that askers must have; "" lets everybody.
	TokenFile string
}

func (l *Logs) problems(need func(ok bool, flag, why string)) {
	if l.Listen == "" {
		need(l.TokenFile == "", "logs-token-file", "it is for --logs-listen, which is not given")
		need(len(l.Namespaces) == 0, "logs-namespace", "it is for --logs-listen, which is not given")
		return
	}
	q, err := resource.ParseQuantity(l.Memory)
	need(err == nil && q.Value() >= 1<<20 && q.Value() <= 64<<30, "logs-memory", "from 1Mi to 64Gi")
	need(l.Age >= time.Minute && l.Age <= 30*24*time.Hour, "logs-age", "from 1m to 720h")
}

// followed bounds the logs that are followed at once: each is a connection to the API
// server.
const followed = 500

// backfill is how far back the logs of pods are read that are there at the start.
const backfill = 15 * time.Minute

// lines keeps what pods say, and tells what is new of it.
type lines struct {
	settings Logs
	token    func(refused bool) string // nil lets everybody in
	tail     *kube.Tail
	store    *store.Store
	mined    *live.Follower
	// every is how often it is looked what is new.
	every time.Duration
	tells lineTeller
	log   *slog.Logger
}

// openLogs returns what keeps lines of pods if that is wanted, nil if not, and
// registers what it tells of itself. events may be nil.
func openLogs(l Logs, client *kube.Client, events *kube.Events, reg prometheus.Registerer, log *slog.Logger) (*lines, error) {
	if l.Listen == "" {
		return nil, nil
	}
	token, err := tokenOf(l.TokenFile, "--logs-token-file", log)
	if err != nil {
		return nil, err
	}
	memory := resource.MustParse(l.Memory) // Validate has read it
	k := &lines{settings: l, token: token, log: log, every: lookEvery, tells: lineTeller{events, log}, store: store.New(store.Settings{Bytes: int(memory.Value()), Age: l.Age}, time.Now)}
	if k.mined, err = live.New(live.Settings{}, time.Now()); err != nil {
		return nil, err
	}
	k.tail = &kube.Tail{
		Client: client, Namespaces: l.Namespaces, Since: time.Now().Add(-min(backfill, l.Age)), Most: followed,
		Open: func(p kube.Pod, container string) kube.LineTaker {
			return both{k.store.Stream(labelsOf(p, container)), k.mined.Open(identity.Key{Namespace: p.Namespace, Service: p.Of.Service})}
		},
		Trouble: func(err error) {
			log.Warn("logs are not followed as they should be", "error", err.Error())
		},
	}
	reg.MustRegister(lineCounts{k})
	return k, nil
}

// labelsOf are a container's labels: those that Grafana's agents and ours agree on.
func labelsOf(p kube.Pod, container string) map[string]string {
	labels := map[string]string{"namespace": p.Namespace, "pod": p.Name, "container": container, "service_name": p.Of.Service}
	if p.Node != "" {
		labels["node"] = p.Node
	}
	return labels
}

// run follows and serves until ctx ends.
func (k *lines) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { k.tail.Run(ctx) })
	wg.Go(func() { k.look(ctx) })
	err := serveAt(ctx, k.settings.Listen, "--logs-listen", metrics.Admit(k.token, loki.Handler(k.store, time.Now)), k.log)
	cancel()
	wg.Wait()
	return err
}

// lineCounts are the metrics of the lines that are kept.
type lineCounts struct{ *lines }

var (
	linesReceived = prometheus.NewDesc("aeo_observe_lines_received_total", "Lines of pods that came.", nil, nil)
	linesLost     = prometheus.NewDesc("aeo_observe_lines_lost_total", "Lines that were not kept, or not whole, by the reason.", []string{"reason"}, nil)
	linesKept     = prometheus.NewDesc("aeo_observe_lines", "Lines that are kept.", nil, nil)
	linesBytes    = prometheus.NewDesc("aeo_observe_lines_bytes", "Memory that the lines take.", nil, nil)
	linesOldest   = prometheus.NewDesc("aeo_observe_lines_oldest_timestamp_seconds", "The moment of the oldest line that is kept, 0 if there is none.", nil, nil)
	logsFollowed  = prometheus.NewDesc("aeo_observe_logs_followed", "Logs of containers that are followed.", nil, nil)
	logsLeft      = prometheus.NewDesc("aeo_observe_logs_left", "Pods that have logs that are not followed, because there are too many.", nil, nil)
	logsFailed    = prometheus.NewDesc("aeo_observe_logs_failed_total", "Logs of containers that could not be read to their end.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c lineCounts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{linesReceived, linesLost, linesKept, linesBytes, linesOldest, logsFollowed, logsLeft, logsFailed, logFindings, logTemplates, logWorkloads, logUnmined} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c lineCounts) Collect(ch chan<- prometheus.Metric) {
	u, t := c.store.Usage(), c.tail.Count()
	one := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	one(linesReceived, prometheus.CounterValue, float64(u.Received))
	one(linesLost, prometheus.CounterValue, float64(u.Cut+t.Cut), "cut")
	one(linesLost, prometheus.CounterValue, float64(t.Odd), "unstamped")
	one(linesLost, prometheus.CounterValue, float64(u.Evicted), "evicted")
	one(linesLost, prometheus.CounterValue, float64(u.Refused), "refused")
	one(linesKept, prometheus.GaugeValue, float64(u.Lines))
	one(linesBytes, prometheus.GaugeValue, float64(u.Bytes))
	oldest := 0.0
	if !u.Oldest.IsZero() {
		oldest = float64(u.Oldest.UnixMilli()) / 1000
	}
	one(linesOldest, prometheus.GaugeValue, oldest)
	one(logsFollowed, prometheus.GaugeValue, float64(t.Following))
	one(logsLeft, prometheus.GaugeValue, float64(t.Left))
	one(logsFailed, prometheus.CounterValue, float64(t.Failed))
	c.collectFindings(one)
}
