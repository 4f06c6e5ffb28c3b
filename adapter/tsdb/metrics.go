package tsdb

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// tally counts samples by their source, and those that were refused by the reason.
type tally struct {
	mu       sync.Mutex
	accepted map[string]uint64
	refused  map[[2]string]uint64
	// pushed is how many exemplars had to go for newer ones, as far as was told.
	pushed float64
}

func newTally() *tally {
	return &tally{accepted: map[string]uint64{}, refused: map[[2]string]uint64{}}
}

func (t *tally) accept(source string, n int) {
	if n > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.accepted[source] += uint64(n)
	}
}

func (t *tally) refuse(source, reason string, n int) {
	if n > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused[[2]string{source, reason}] += uint64(n)
	}
}

// Refuse counts samples that a source did not even try to append. Reasons are few and
// fixed words.
func (s *Store) Refuse(source, reason string, n int) { s.tally.refuse(source, reason, n) }

// Refused returns how many samples of a source were refused for a reason.
func (s *Store) Refused(source, reason string) uint64 {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	return s.tally.refused[[2]string{source, reason}]
}

// Accepted returns how many samples of a source are kept.
func (s *Store) Accepted(source string) uint64 {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	return s.tally.accepted[source]
}

// inside returns the storage's own metrics that have no labels, by name.
func (s *Store) inside() map[string]float64 {
	families, err := s.inner.Gather()
	if err != nil {
		return nil // no metric of it fails
	}
	out := make(map[string]float64, len(families))
	for _, f := range families {
		for _, m := range f.GetMetric() {
			out[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

var (
	descAccepted = prometheus.NewDesc("aeo_observe_samples_accepted_total", "Samples that are kept, by where they come from.", []string{"source"}, nil)
	descRefused  = prometheus.NewDesc("aeo_observe_samples_refused_total", "Samples that are not kept, by where they come from and the reason.", []string{"source", "reason"}, nil)
	descSeries   = prometheus.NewDesc("aeo_observe_series", "Series in memory: those of the last two to three hours.", nil, nil)
	descLimit    = prometheus.NewDesc("aeo_observe_series_limit", "How many series there may be in memory.", nil, nil)
	descRoom     = prometheus.NewDesc("aeo_observe_metrics_writable", "1 if metrics can be kept, 0 if the disk is full.", nil, nil)
	descPushed   = prometheus.NewDesc("aeo_observe_exemplars_pushed_out_total", "Exemplars that newer ones took the place of.", nil, nil)
	descDamaged  = prometheus.NewDesc("aeo_observe_metrics_damaged_blocks", "Blocks that could not be opened and were put aside.", nil, nil)
	// insides are the storage's own metrics that are shown under our names.
	insides = map[string]struct {
		desc *prometheus.Desc
		kind prometheus.ValueType
	}{
		"prometheus_tsdb_head_chunks":                           {prometheus.NewDesc("aeo_observe_head_chunks", "Chunks of the series in memory.", nil, nil), prometheus.GaugeValue},
		"prometheus_tsdb_head_chunks_storage_size_bytes":        {prometheus.NewDesc("aeo_observe_head_bytes", "Bytes on disk of the chunks of the series in memory.", nil, nil), prometheus.GaugeValue},
		"prometheus_tsdb_storage_blocks_bytes":                  {prometheus.NewDesc("aeo_observe_blocks_bytes", "Bytes on disk of what is no longer in memory.", nil, nil), prometheus.GaugeValue},
		"prometheus_tsdb_wal_storage_size_bytes":                {prometheus.NewDesc("aeo_observe_wal_bytes", "Bytes of the log of the newest samples.", nil, nil), prometheus.GaugeValue},
		"prometheus_tsdb_wal_corruptions_total":                 {prometheus.NewDesc("aeo_observe_wal_corruptions_total", "How often the log of the newest samples was broken and was cut.", nil, nil), prometheus.CounterValue},
		"prometheus_tsdb_wal_writes_failed_total":               {prometheus.NewDesc("aeo_observe_wal_writes_failed_total", "How often the log could not be written.", nil, nil), prometheus.CounterValue},
		"prometheus_tsdb_compactions_failed_total":              {prometheus.NewDesc("aeo_observe_compactions_failed_total", "How often samples could not be moved from memory to a block.", nil, nil), prometheus.CounterValue},
		"prometheus_tsdb_exemplar_exemplars_in_storage":         {prometheus.NewDesc("aeo_observe_exemplars", "Exemplars that are kept.", nil, nil), prometheus.GaugeValue},
		"prometheus_tsdb_exemplar_out_of_order_exemplars_total": {prometheus.NewDesc("aeo_observe_exemplars_late_total", "Exemplars that are not kept because a newer one of their series came before.", nil, nil), prometheus.CounterValue},
		"prometheus_tsdb_out_of_order_samples_total":            {prometheus.NewDesc("aeo_observe_samples_late_total", "Samples that were older than another of their series, kept or not.", nil, nil), prometheus.CounterValue},
	}
)

// Describe implements prometheus.Collector.
func (s *Store) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAccepted, descRefused, descSeries, descLimit, descRoom, descDamaged, descPushed} {
		ch <- d
	}
	for _, i := range insides {
		ch <- i.desc
	}
}

// Collect implements prometheus.Collector.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	writable := 1.0
	if s.room.check(&s.options) != nil {
		writable = 0
	}
	put(descRoom, prometheus.GaugeValue, writable)
	put(descSeries, prometheus.GaugeValue, float64(s.db.Head().NumSeries()))
	put(descLimit, prometheus.GaugeValue, float64(s.options.MaxSeries))
	put(descDamaged, prometheus.GaugeValue, float64(len(s.damaged)))
	inside := s.inside()
	for name, i := range insides {
		put(i.desc, i.kind, inside[name])
	}
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	// The two are not of the same moment: what is counted must not go back.
	s.tally.pushed = max(s.tally.pushed, inside["prometheus_tsdb_exemplar_exemplars_appended_total"]-inside["prometheus_tsdb_exemplar_exemplars_in_storage"])
	put(descPushed, prometheus.CounterValue, s.tally.pushed)
	for source, n := range s.tally.accepted {
		put(descAccepted, prometheus.CounterValue, float64(n), source)
	}
	for k, n := range s.tally.refused {
		put(descRefused, prometheus.CounterValue, float64(n), k[0], k[1])
	}
}
