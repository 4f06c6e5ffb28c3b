package metrics

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/kube"
)

// States writes what the Kubernetes API says of pods as samples, under the names that
// kube-state-metrics gives them, of the pods that no such exporter tells of.
type States struct {
	// Into takes the samples, From tells of those that others wrote.
	Into storage.Appendable
	From storage.Queryable
	// Interval is how far apart samples are.
	Interval time.Duration
	Now      func() time.Time
	Log      *slog.Logger

	mu   sync.Mutex
	pods map[kube.PodName]kube.Pod
	// written are the series of the last time, by their labels' hash.
	written map[uint64]labels.Labels
	// shared is set while others tell of pods.
	shared bool
}

// stateJob is the job of our own series, which tells them from those of others.
const stateJob = "aeod"

// Changed takes a pod as it is now.
func (s *States) Changed(p kube.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pods == nil {
		s.pods = map[kube.PodName]kube.Pod{}
	}
	s.pods[kube.PodName{Namespace: p.Namespace, Name: p.Name}] = p
}

// Gone forgets a pod.
func (s *States) Gone(name kube.PodName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pods, name)
}

// Run writes at each interval until ctx ends.
func (s *States) Run(ctx context.Context) {
	tick := time.NewTicker(s.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Write(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the state of pods could not be kept as metrics", "error", err.Error())
		}
	}
}

// sample is the value of a series.
type sample struct {
	labels labels.Labels
	value  float64
}

// Write writes a sample of each series, and marks those that ended. Of a pod that somebody
// else tells of it writes nothing: twice would be counted twice. Who tells of some need not
// tell of all: an exporter may be of a few namespaces, or one shard of several.
func (s *States) Write(ctx context.Context) error {
	others, err := s.others(ctx)
	if err != nil {
		return err
	}
	samples := s.samples(others)
	if shared := len(others) > 0; shared != s.shared {
		s.shared = shared
		s.Log.Info("the state of pods as metrics", "written by", map[bool]string{true: "kube-state-metrics", false: "aeod"}[shared], "pods", len(others))
	}
	if len(samples) == 0 && len(s.written) == 0 {
		return nil
	}
	now, written := s.Now().UnixMilli(), map[uint64]labels.Labels{}
	app := s.Into.Appender(ctx)
	for _, x := range samples {
		if _, err := app.Append(0, x.labels, now, x.value); err != nil {
			return errors.Join(err, app.Rollback())
		}
		written[x.labels.Hash()] = x.labels
	}
	for hash, l := range s.written {
		if _, goesOn := written[hash]; !goesOn {
			if _, err := app.Append(0, l, now, math.Float64frombits(value.StaleNaN)); err != nil {
				return errors.Join(err, app.Rollback())
			}
		}
	}
	s.written = written
	return app.Commit()
}

// lookBack is how old samples of others may be to count.
const lookBack = 5 * time.Minute

// others are the pods of which somebody else has written the state lately.
func (s *States) others(ctx context.Context) (map[kube.PodName]bool, error) {
	from, to := s.Now().Add(-lookBack).UnixMilli(), s.Now().UnixMilli()
	q, err := s.From.Querier(from, to)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	pods := map[kube.PodName]bool{}
	set := q.Select(ctx, false, &storage.SelectHints{Start: from, End: to},
		labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "kube_pod_container_status_ready"),
		labels.MustNewMatcher(labels.MatchNotEqual, "job", stateJob))
	for set.Next() {
		l := set.At().Labels()
		pods[kube.PodName{Namespace: told(l, "namespace"), Name: told(l, "pod")}] = true
	}
	return pods, set.Err()
}

// told is what a metric says itself where its scraper has a label of that name too.
func told(l labels.Labels, name string) string {
	if v := l.Get("exported_" + name); v != "" {
		return v
	}
	return l.Get(name)
}

// samples are those of all pods that are there, but for those that others tell of.
func (s *States) samples(others map[kube.PodName]bool) (out []sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pods {
		if p.Ended || others[kube.PodName{Namespace: p.Namespace, Name: p.Name}] {
			continue
		}
		add := func(name string, v float64, more ...string) {
			all := append([]string{model.MetricNameLabel, name, "job", stateJob, "namespace", p.Namespace, "pod", p.Name, "workload", p.Of.Service}, more...)
			if p.Node != "" {
				all = append(all, "node", p.Node)
			}
			out = append(out, sample{labels.FromStrings(all...), v})
		}
		for _, c := range p.Containers {
			if c.Init {
				continue
			}
			ready := 0.0
			if c.Ready {
				ready = 1
			}
			add("kube_pod_container_status_ready", ready, "container", c.Name)
			add("kube_pod_container_status_restarts_total", float64(c.Restarts), "container", c.Name)
			if c.Waiting != "" {
				add("kube_pod_container_status_waiting_reason", 1, "container", c.Name, "reason", c.Waiting)
			}
			if c.Ended != "" {
				add("kube_pod_container_status_last_terminated_reason", 1, "container", c.Name, "reason", c.Ended)
			}
		}
	}
	return out
}
