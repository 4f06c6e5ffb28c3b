package metrics_test

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// newest returns the newest sample of each series of the state of pods, as text.
func newest(t *testing.T, s *tsdb.Store, now time.Time) []string {
	t.Helper()
	q, err := s.Querier(now.Add(-time.Hour).UnixMilli(), now.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, "kube_pod_.*"))
	var out []string
	for set.Next() {
		it, last := set.At().Iterator(nil), ""
		for it.Next() == chunkenc.ValFloat {
			_, v := it.At()
			last = fmt.Sprint(v)
			if math.Float64bits(v) == value.StaleNaN {
				last = "ended"
			}
		}
		l := set.At().Labels()
		out = append(out, strings.TrimPrefix(l.Get(model.MetricNameLabel), "kube_pod_container_status_")+" "+l.Get("job")+" "+l.Get("pod")+"/"+l.Get("container")+" "+l.Get("reason")+" "+last)
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	slices.Sort(out)
	return out
}

// TestStates follows a pod that crashes and goes, and is silent of a pod that somebody else
// speaks of, whatever his scraper made of the labels.
func TestStates(t *testing.T) {
	now := time.Now().Add(-30 * time.Minute)
	store, err := tsdb.Open(tsdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := &metrics.States{Into: store.Appendable("state", true), From: store, Interval: time.Second, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	write := func(want ...string) {
		t.Helper()
		now = now.Add(time.Second)
		if err := s.Write(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := newest(t, store, now); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	write()
	pod := kube.Pod{Namespace: "shop", Name: "web-0", Of: identity.Key{Service: "web"}, Node: "n1", Containers: []kube.Container{{Name: "setup", Init: true}, {Name: "app", Ready: true, Started: true}}}
	s.Changed(pod)
	write("ready aeod web-0/app  1", "restarts_total aeod web-0/app  0")
	pod.Containers = []kube.Container{{Name: "app", Restarts: 3, Waiting: "CrashLoopBackOff", Ended: "OOMKilled"}}
	s.Changed(pod)
	write("last_terminated_reason aeod web-0/app OOMKilled 1", "ready aeod web-0/app  0", "restarts_total aeod web-0/app  3", "waiting_reason aeod web-0/app CrashLoopBackOff 1")
	pod.Ended = true
	s.Changed(pod)
	ended := []string{"last_terminated_reason aeod web-0/app OOMKilled ended", "ready aeod web-0/app  ended", "restarts_total aeod web-0/app  ended", "waiting_reason aeod web-0/app CrashLoopBackOff ended"}
	write(ended...)
	s.Gone(kube.PodName{Namespace: "shop", Name: "web-0"})
	write(ended...)
	// Somebody else writes the same, of this pod only.
	pod.Ended = false
	s.Changed(pod)
	s.Changed(kube.Pod{Namespace: "back", Name: "web-0", Of: identity.Key{Service: "back"}, Containers: []kube.Container{{Name: "app", Ready: true}}})
	app := store.Appendable("scrape", true).Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings(model.MetricNameLabel, "kube_pod_container_status_ready", "job", "ksm", "namespace", "kube-system", "pod", "ksm-0", "exported_namespace", "shop", "exported_pod", "web-0", "container", "app"), now.UnixMilli(), 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	write("last_terminated_reason aeod web-0/app OOMKilled ended", "ready aeod web-0/app  1", "ready aeod web-0/app  ended", "ready ksm ksm-0/app  1", "restarts_total aeod web-0/app  0", "restarts_total aeod web-0/app  ended", "waiting_reason aeod web-0/app CrashLoopBackOff ended")
	// And no more.
	now = now.Add(10 * time.Minute)
	if err := s.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := newest(t, store, now); !slices.Contains(got, "restarts_total aeod web-0/app  3") {
		t.Errorf("%q", got)
	}
}
