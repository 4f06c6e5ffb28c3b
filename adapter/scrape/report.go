package scrape

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// target is a target as the API of Prometheus shows it.
type target struct {
	DiscoveredLabels   map[string]string `json:"discoveredLabels"`
	Labels             map[string]string `json:"labels"`
	ScrapePool         string            `json:"scrapePool"`
	ScrapeURL          string            `json:"scrapeUrl"`
	GlobalURL          string            `json:"globalUrl"`
	LastError          string            `json:"lastError"`
	LastScrape         time.Time         `json:"lastScrape"`
	LastScrapeDuration float64           `json:"lastScrapeDuration"`
	Health             string            `json:"health"`
	ScrapeInterval     string            `json:"scrapeInterval"`
	ScrapeTimeout      string            `json:"scrapeTimeout"`
}

// Targets are the targets and how they are, in the form of Prometheus' API.
func (s *Scraper) Targets() any {
	out := struct {
		Active  []target       `json:"activeTargets"`
		Dropped []struct{}     `json:"droppedTargets"`
		Counts  map[string]int `json:"droppedTargetCounts"`
	}{[]target{}, []struct{}{}, map[string]int{}}
	s.mu.Lock()
	maps.Copy(out.Counts, s.left)
	s.mu.Unlock()
	all := s.manager.TargetsActive()
	for _, pool := range slices.Sorted(maps.Keys(all)) {
		for _, t := range all[pool] {
			b := labels.NewBuilder(labels.EmptyLabels())
			e := target{
				DiscoveredLabels: t.DiscoveredLabels(b).Map(), Labels: t.Labels(b).Map(), ScrapePool: pool, ScrapeURL: t.URL().String(), GlobalURL: t.URL().String(),
				LastScrape: t.LastScrape(), LastScrapeDuration: t.LastScrapeDuration().Seconds(), Health: string(t.Health()),
				ScrapeInterval: s.options.Interval.String(), ScrapeTimeout: s.options.Timeout.String(),
			}
			if err := t.LastError(); err != nil {
				e.LastError = err.Error()
			}
			out.Active = append(out.Active, e)
		}
	}
	return out
}

var (
	descTargets = prometheus.NewDesc("aeo_observe_scrape_targets", "Targets that are scraped, by pool and how they are: up, down or unknown.", []string{"pool", "health"}, nil)
	descLeft    = prometheus.NewDesc("aeo_observe_scrape_targets_left", "Targets that are not scraped because there are more than may be.", []string{"pool"}, nil)
	descFile    = prometheus.NewDesc("aeo_observe_scrape_targets_file_ok", "1 if the file of targets can be read, or there is none.", nil, nil)
	descOver    = prometheus.NewDesc("aeo_observe_scrapes_refused_total", "Scrapes of which nothing was kept, by the bound they were over.", []string{"reason"}, nil)
	// overs are the scraper's own counters of that.
	overs = map[string]string{
		"prometheus_target_scrapes_exceeded_sample_limit_total":     "samples",
		"prometheus_target_scrapes_exceeded_body_size_limit_total":  "bytes",
		"prometheus_target_scrape_pool_exceeded_label_limits_total": "labels",
	}
)

// Describe implements prometheus.Collector.
func (s *Scraper) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descTargets, descLeft, descFile, descOver} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *Scraper) Collect(ch chan<- prometheus.Metric) {
	for pool, list := range s.manager.TargetsActive() {
		n := map[scrape.TargetHealth]int{scrape.HealthGood: 0, scrape.HealthBad: 0, scrape.HealthUnknown: 0}
		for _, t := range list {
			n[t.Health()]++
		}
		for h, n := range n {
			ch <- prometheus.MustNewConstMetric(descTargets, prometheus.GaugeValue, float64(n), pool, string(h))
		}
	}
	s.mu.Lock()
	ok := 1.0
	if s.bad != nil {
		ok = 0
	}
	left := maps.Clone(s.left)
	s.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(descFile, prometheus.GaugeValue, ok)
	for pool, n := range left {
		ch <- prometheus.MustNewConstMetric(descLeft, prometheus.GaugeValue, float64(n), pool)
	}
	families, err := s.inner.Gather()
	if err != nil {
		return // no metric of it fails
	}
	for _, f := range families {
		if reason := overs[f.GetName()]; reason != "" {
			ch <- prometheus.MustNewConstMetric(descOver, prometheus.CounterValue, f.GetMetric()[0].GetCounter().GetValue(), reason)
		}
	}
}
