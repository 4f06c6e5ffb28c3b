package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// prometheus has a Prometheus and what aeod keeps metrics in remember the same six hours
// of many workloads, and has both asked; then the Prometheus sends what it scrapes.
func (b *bench) prometheus(ctx context.Context, workloads int) error {
	programs, err := prometheustest.Get(ctx)
	if err != nil {
		return err
	}
	dir, err := b.folder("prometheus")
	if err != nil {
		return err
	}
	end := time.Now().Truncate(time.Minute)
	file := filepath.Join(dir, "history")
	if err := remember(file, workloads, end); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, programs.Promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	own, err := b.folder("metrics")
	if err != nil {
		return err
	}
	if err := os.CopyFS(own, os.DirFS(filepath.Join(dir, "data"))); err != nil {
		return err
	}
	var settings metrics.Settings
	settings.Store.Dir = own
	keeper, err := metrics.New(settings)
	if err != nil {
		return err
	}
	ours := httptest.NewServer(keeper.Handler())
	theirs, err := prometheustest.Start(ctx, programs, dir, "global: {scrape_interval: 1m}\n")
	if err == nil {
		err = errors.Join(b.survey(ctx, theirs.URL, ours.URL), b.questions(ctx, theirs.URL, ours.URL, end), theirs.Stop())
	}
	ours.Close()
	if err := errors.Join(err, keeper.Close()); err != nil {
		return err
	}
	return b.sends(ctx, programs)
}

// ahead is how much of what comes is written.
const ahead = 5 * time.Minute

// remember writes six hours of workloads, a sample each 30 seconds, and a little of what
// comes, so that nothing ends while it is asked for. In the last ten minutes the first
// takes ten times as long.
func remember(file string, workloads int, end time.Time) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	for _, family := range [...]struct{ name, kind string }{{"http_requests", "counter"}, {"http_request_duration_seconds", "histogram"}, {"process_cpu_seconds", "counter"}} {
		fmt.Fprintf(w, "# TYPE %s %s\n", family.name, family.kind)
		for i := range workloads {
			chance := rand.New(rand.NewPCG(1, uint64(i)))
			labels := fmt.Sprintf(`namespace="team-%02d",job="shop",app="service-%d"`, i%20, i)
			var all, seconds, fast, cpu float64
			for at := end.Add(-6 * time.Hour); !at.After(end.Add(ahead)); at = at.Add(30 * time.Second) {
				n := math.Round(300 + 30*chance.NormFloat64())
				mean := 0.020 + 0.002*chance.NormFloat64()
				if i == 0 && at.After(end.Add(-10*time.Minute)) {
					mean *= 10
				}
				all += n
				seconds += n * mean
				if mean < 0.1 {
					fast += n
				}
				cpu += 30 * (0.2 + 0.01*chance.NormFloat64())
				switch family.kind + family.name[:1] {
				case "counterh":
					fmt.Fprintf(w, "http_requests_total{%s,code=\"200\"} %g %d\n", labels, all, at.Unix())
				case "counterp":
					fmt.Fprintf(w, "process_cpu_seconds_total{%s} %g %d\n", labels, cpu, at.Unix())
				default:
					for _, x := range [...]struct {
						suffix, le string
						v          float64
					}{{"bucket", `,le="0.1"`, fast}, {"bucket", `,le="+Inf"`, all}, {"sum", "", seconds}, {"count", "", all}} {
						fmt.Fprintf(w, "http_request_duration_seconds_%s{%s%s} %g %d\n", x.suffix, labels, x.le, x.v, at.Unix())
					}
				}
			}
		}
	}
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}

// surveyed is what aeo tells of anomalies.
type surveyed struct {
	Anomalies []struct {
		Signal struct{ ID, Kind, Workload string }
		Since  time.Time
	}
	Survey struct {
		Signals int
		Failed  []string
	}
}

// survey has aeo look for anomalies in both.
func (b *bench) survey(ctx context.Context, theirs, ours string) error {
	var told [2]surveyed
	for k, of := range [...]struct{ name, url string }{{"a real Prometheus", theirs}, {"what aeod keeps", ours}} {
		took, err := b.ask(ctx, &told[k], "1", "observe", "anomalies", "--prometheus", of.url, "--history", "6h", "--since", "20m")
		if err != nil {
			return err
		}
		s := told[k].Survey
		if len(s.Failed) > 0 {
			return fmt.Errorf("of %s %v failed", of.name, s.Failed)
		}
		found := false
		for _, a := range told[k].Anomalies {
			found = found || a.Signal.Workload == "service-0" && a.Signal.Kind == "duration"
		}
		if !found {
			return fmt.Errorf("the slow service is not found in %s: %+v", of.name, told[k])
		}
		b.Note(fmt.Sprintf("a survey of six hours of %d signals of %s", s.Signals, of.name), took.Seconds(), "s")
	}
	// The two are asked some seconds apart, and steps are counted from then on.
	b.AtMost("anomalies of the slow service that are told of one of the two only", float64(differ(told[0].of("service-0"), told[1].of("service-0"))), "", 0)
	b.Note("anomalies of other services", float64(len(told[0].Anomalies)-len(told[0].of("service-0"))), "")
	return nil
}

// of are the kinds of anomalies of a workload.
func (s *surveyed) of(workload string) map[string]bool {
	out := map[string]bool{}
	for _, a := range s.Anomalies {
		if a.Signal.Workload == workload {
			out[a.Signal.Kind] = true
		}
	}
	return out
}

func differ(a, b map[string]bool) (n int) {
	for k := range a {
		if !b[k] {
			n++
		}
	}
	for k := range b {
		if !a[k] {
			n++
		}
	}
	return n
}

// asked are questions as dashboards and rules ask them.
var asked = []string{
	`sum by (app) (rate(http_requests_total[5m]))`,
	`histogram_quantile(0.9, sum by (app, le) (rate(http_request_duration_seconds_bucket[5m])))`,
	`sum(rate(http_request_duration_seconds_sum[5m])) / sum(rate(http_request_duration_seconds_count[5m]))`,
	`topk(5, rate(process_cpu_seconds_total[5m]))`,
	`max by (namespace) (rate(process_cpu_seconds_total[10m]))`,
	`avg_over_time(http_requests_total[30m])`,
}

// questions asks both the same, in turn, and compares the answers.
func (b *bench) questions(ctx context.Context, theirs, ours string, end time.Time) error {
	const rounds = 5
	at := end.Add(-17*time.Second - 400*time.Millisecond) // beside the samples: at borders the two releases differ by design
	var sum float64
	differently := 0
	for _, q := range asked {
		var took [2]time.Duration
		var answers [2][]string
		for k, url := range [...]string{theirs, ours} {
			took[k] = time.Hour
			for range rounds {
				began := time.Now()
				text, err := query(ctx, url, q, at.Add(-3*time.Hour), at)
				if err != nil {
					return err
				}
				took[k] = min(took[k], time.Since(began))
				answers[k] = text
			}
		}
		if strings.Join(answers[0], "\n") != strings.Join(answers[1], "\n") {
			differently++
		}
		sum += math.Log(float64(took[1]) / float64(took[0]))
	}
	b.AtMost(fmt.Sprintf("questions that aeod and Prometheus answer differently, of %d", len(asked)), float64(differently), "", 0)
	b.Note("time of a question to aeod ÷ to Prometheus, geometric mean", math.Exp(sum/float64(len(asked))), "")
	return nil
}
