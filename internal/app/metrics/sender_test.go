package metrics_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/autoecoops/autoecoops/test/prometheustest"
	"github.com/autoecoops/autoecoops/test/storetest"
)

// shop is what a Prometheus scrapes: one page of text, one of messages with native
// histograms. It shows nothing before it is opened.
type shop struct {
	*httptest.Server
	mu      sync.Mutex
	since   time.Time // zero while it is closed
	looks   int
	page    http.Handler
	latency prometheus.Histogram
	served  prometheus.Counter
	// more is put on the page of text, told the look's number.
	more func(look int) string
}

func newShop(t *testing.T) *shop {
	s := &shop{more: func(int) string { return "" }}
	mux := http.NewServeMux()
	mux.HandleFunc("/text", s.text)
	mux.HandleFunc("/message", s.message)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// seen waits until somebody looked at it, and a while longer.
func (s *shop) seen(t *testing.T, longer time.Duration) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		s.mu.Lock()
		n := s.looks
		s.mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody looks")
		}
	}
	time.Sleep(longer)
}

// open lets it be seen: all its counters begin now.
func (s *shop) open() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(2 * time.Millisecond) // whoever asked for the time before has another
	reg := prometheus.NewRegistry()
	s.latency = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "latency_seconds", Help: "How long it takes.", NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100})
	s.served = prometheus.NewCounter(prometheus.CounterOpts{Name: "served_total", Help: "What was served."})
	reg.MustRegister(s.latency, s.served)
	s.page = promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
	s.since = time.Now()
	return s.since
}

func (s *shop) message(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	s.served.(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": fmt.Sprintf("%032x", rand.Uint64())})
	for range 20 {
		v := math.Exp(rand.NormFloat64())
		s.latency.(prometheus.ExemplarObserver).ObserveWithExemplar(v, prometheus.Labels{"trace_id": fmt.Sprintf("%032x", rand.Uint64())})
	}
	s.page.ServeHTTP(w, r)
}

func (s *shop) text(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	s.looks++
	n := s.looks
	w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
	now := float64(time.Now().UnixMilli()) / 1000
	fmt.Fprint(w, "# HELP orders Orders that were taken.\n# TYPE orders counter\n")
	for i := range 3 {
		fmt.Fprintf(w, "orders_total{till=\"%d\"} %d # {trace_id=\"%032x\"} 1 %.3f\norders_created{till=\"%d\"} %.3f\n", i, n*(i+1), n*3+i, now, i, float64(s.since.UnixMilli())/1000)
	}
	fmt.Fprint(w, "# HELP basket_bytes How large a basket is.\n# TYPE basket_bytes gauge\n# UNIT basket_bytes bytes\n")
	for i, v := range []string{"NaN", "+Inf", "-Inf", strconv.FormatFloat(math.Sqrt(float64(n)), 'g', -1, 64), "5e-324"} {
		fmt.Fprintf(w, "basket_bytes{of=\"%d\"} %s\n", i, v)
	}
	if n%2 == 0 {
		fmt.Fprint(w, "basket_bytes{of=\"sometimes\"} 1\n")
	}
	fmt.Fprint(w, "# TYPE \"größe.µ\" gauge\n{\"größe.µ\",\"was ist\"=\"Käse\"} 1\n")
	fmt.Fprint(w, "# HELP wait_seconds How long one waits.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n")
	for i, le := range []string{"0.1", "1.0", "10.0", "+Inf"} {
		fmt.Fprintf(w, "wait_seconds_bucket{le=%q} %d\n", le, n*(i+1))
	}
	fmt.Fprintf(w, "wait_seconds_sum %d\nwait_seconds_count %d\n", n*2, n*4)
	fmt.Fprint(w, s.more(n), "# EOF\n")
}

// prometheus3 is a Prometheus 3 that scrapes a shop and sends what it has to an address.
type prometheus3 struct {
	*prometheustest.Server
	dir, config, to string
}

// window is how late a sample may come to the sender itself.
const window = 30 * time.Minute

// need3 skips a test where there is no Prometheus 3, or where it should be quick.
func need3(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a real sender takes a quarter of a minute")
	}
	storetest.Prometheus3Program.Need(t)
}

// send3 runs it, and waits until it sends: what is older than that it never does. More is
// put to what it says of its queue.
func send3(t *testing.T, from *shop, to, queue string) *prometheus3 {
	t.Helper()
	s := &prometheus3{dir: t.TempDir(), to: to}
	s.config = fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms, external_labels: {cluster: test}}
storage: {tsdb: {out_of_order_time_window: %s}, exemplars: {max_exemplars: 100000}}
remote_write:
- url: %q
  protobuf_message: io.prometheus.write.v2.Request
  send_exemplars: true
  send_native_histograms: true
  metadata_config: {send: false} # 2.0 has it with the samples
  queue_config: {batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 500ms%s}
`, window, to+"/api/v1/write", queue)
	rules := `groups: [{name: shares, rules: [{record: latency, expr: "sum(rate(latency_seconds[5s]))"}, {record: "orders:rate", expr: "sum(rate(orders_total[5s]))"}]}]`
	if err := os.WriteFile(filepath.Join(s.dir, "rules.yaml"), []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	target := strings.TrimPrefix(from.URL, "http://")
	jobs := fmt.Sprintf(`
rule_files: [rules.yaml]
scrape_configs:
- {job_name: text, metrics_path: /text, convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true, scrape_native_histograms: true, static_configs: [{targets: [%q]}]}
- {job_name: message, metrics_path: /message, scrape_native_histograms: true, static_configs: [{targets: [%q]}]}
`, target, target)
	s.Server = storetest.StartPrometheus3(t, s.dir, s.config+jobs, "--web.enable-lifecycle", "--scrape.discovery-reload-interval=100ms",
		"--enable-feature=exemplar-storage,metadata-wal-records,created-timestamp-zero-ingestion")
	t.Cleanup(func() {
		if s.Server != nil {
			_ = s.Stop()
		}
	})
	for end := time.Now().Add(30 * time.Second); s.told(t, "prometheus_remote_storage_samples_total") == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it sends nothing")
		}
	}
	return s
}

// told is the sum of a metric that the sender tells of itself.
func (s *prometheus3) told(t *testing.T, name string) (sum float64) {
	t.Helper()
	_, text := fetch(t, s.URL+"/metrics")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			if err != nil {
				t.Fatal(line)
			}
			sum += v
		}
	}
	return sum
}

func fetch(t *testing.T, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// queued are the names of what the sender tells of what it sends, by kind.
func queued(what string) []string {
	return []string{"prometheus_remote_storage_samples_" + what, "prometheus_remote_storage_histograms_" + what, "prometheus_remote_storage_exemplars_" + what}
}

// quiet has the sender scrape nothing more, and waits until all that it has is sent, or
// given up.
func (s *prometheus3) quiet(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "prometheus.yaml"), []byte(s.config), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.URL+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("no new configuration: %d", res.StatusCode)
	}
	var last []float64
	since := time.Now()
	for end := time.Now().Add(2 * time.Minute); time.Since(since) < 2500*time.Millisecond; time.Sleep(100 * time.Millisecond) {
		var now []float64
		for _, name := range append(queued("total"), "prometheus_tsdb_head_samples_appended_total") {
			now = append(now, s.told(t, name))
		}
		pending := 0.0
		for _, name := range queued("pending") {
			pending += s.told(t, name)
		}
		if pending > 0 || !slices.Equal(now, last) {
			last, since = now, time.Now()
		}
		if time.Now().After(end) {
			t.Fatalf("%v pending", pending)
		}
	}
}

// failed are the samples, histograms and exemplars that the sender gave up.
func (s *prometheus3) failed(t *testing.T) (n float64) {
	t.Helper()
	for _, what := range []string{"failed_total", "dropped_total"} {
		for _, name := range queued(what) {
			n += s.told(t, name)
		}
	}
	return n
}

// complaints are the lines of its log about what it sent.
func (s *prometheus3) complaints(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") && strings.Contains(line, "remote") {
			lines = append(lines, line)
		}
	}
	return lines
}

// stop ends the sender and returns what it has from a moment on.
func (s *prometheus3) stop(t *testing.T, from time.Time) kept {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.Server = nil
	o := promtsdb.DefaultOptions()
	o.OutOfOrderTimeWindow = window.Milliseconds()
	db, err := promtsdb.Open(filepath.Join(s.dir, "data"), nil, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return read(t, db, from, "test")
}

// kept are the samples of each series, as text that tells all of them.
type kept map[string][]string

func (k kept) samples() (n int) {
	for _, all := range k {
		n += len(all)
	}
	return n
}

// read reads all samples from a moment on. A cluster is put to the labels.
func read(t *testing.T, from storage.Queryable, since time.Time, cluster string) kept {
	t.Helper()
	q, err := from.Querier(since.UnixMilli(), math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	all := kept{}
	set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	var it chunkenc.Iterator
	for set.Next() {
		s := set.At()
		l := s.Labels()
		if cluster != "" {
			l = labels.NewBuilder(l).Set("cluster", cluster).Labels()
		}
		it = s.Iterator(it)
		stale := func(v float64) bool { return math.Float64bits(v) == value.StaleNaN }
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			text := ""
			switch kind { // a mark of an end is one, of whatever kind
			case chunkenc.ValFloat:
				at, v := it.At()
				if text = fmt.Sprintf("%d %016x (%g)", at, math.Float64bits(v), v); stale(v) {
					text = fmt.Sprintf("%d ended", at)
				}
			case chunkenc.ValHistogram:
				at, h := it.AtHistogram(nil)
				h = h.Copy()                                       // what an iterator gives shares with the next
				h.CounterResetHint = histogram.UnknownCounterReset // each store knows for itself
				if text = fmt.Sprintf("%d whole %d %+v", at, math.Float64bits(h.Sum), *h.Compact(0)); stale(h.Sum) {
					text = fmt.Sprintf("%d ended", at)
				}
			case chunkenc.ValFloatHistogram:
				at, h := it.AtFloatHistogram(nil)
				h = h.Copy()
				h.CounterResetHint = histogram.UnknownCounterReset
				if text = fmt.Sprintf("%d fractions %d %+v", at, math.Float64bits(h.Sum), *h.Compact(0)); stale(h.Sum) {
					text = fmt.Sprintf("%d ended", at)
				}
			}
			all[l.String()] = append(all[l.String()], text)
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return all
}

// alike compares what was sent with what is kept, sample by sample.
func alike(t *testing.T, sent, ours kept) {
	t.Helper()
	missing, extra := without(sent, ours), without(ours, sent)
	if len(missing)+len(extra) > 0 {
		t.Errorf("of %d samples %d are missing, %d are more, as %q and %q", sent.samples(), len(missing), len(extra), missing[:min(len(missing), 5)], extra[:min(len(extra), 5)])
	}
	t.Logf("%d samples of %d series sent, %d kept", sent.samples(), len(sent), ours.samples())
}

// without are the samples of a that b has not.
func without(a, b kept) (left []string) {
	for series, samples := range a {
		there := map[string]int{}
		for _, s := range b[series] {
			there[s]++
		}
		for _, s := range samples {
			if there[s]--; there[s] < 0 {
				left = append(left, series+" "+s)
			}
		}
	}
	slices.Sort(left)
	return left
}

// exemplars are those that a Prometheus answers with, from a moment on.
func exemplars(t *testing.T, base string, from time.Time, cluster string) (all []string) {
	t.Helper()
	_, text := fetch(t, base+"/api/v1/query_exemplars?"+url.Values{
		"query": {`{__name__=~".+"}`}, "start": {fmt.Sprintf("%.3f", float64(from.UnixMilli())/1000)}, "end": {fmt.Sprint(time.Now().Unix() + 100)},
	}.Encode())
	var a struct {
		Data []struct {
			SeriesLabels map[string]string
			Exemplars    []struct {
				Labels    map[string]string
				Value     string
				Timestamp float64
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	for _, s := range a.Data {
		s.SeriesLabels["cluster"] = cmp.Or(cluster, s.SeriesLabels["cluster"])
		for _, e := range s.Exemplars {
			all = append(all, fmt.Sprint(s.SeriesLabels, e))
		}
	}
	slices.Sort(all)
	return all
}

// named counts the samples whose series match.
func (k kept) named(pattern string) (n int) {
	re := regexp.MustCompile(pattern)
	for series, samples := range k {
		if re.MatchString(series) {
			n += len(samples)
		}
	}
	return n
}
