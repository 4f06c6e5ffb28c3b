package watch

import "github.com/autoecoops/autoecoops/observe/anomaly"

// requests are the metrics by which a server tells of its requests, "" where it
// has none of a kind.
type requests struct {
	count, sum, bucket string
	// failed is the matcher of requests that failed by the server's fault.
	failed string
	// milli says that durations are in milliseconds.
	milli bool
}

// The deviations that are worth a look: half a percent of requests, and five
// milliseconds.
const (
	leastErrors   = 0.005
	leastDuration = 0.005
)

// signals are rate, errors and durations.
func (r requests) signals() []signal {
	all := []signal{{"rate", Rate, "requests", "/s", []string{r.count}, "sum by () (rate(" + r.count + "{}[W]))", anomaly.Either, 0, ""}}
	if r.failed != "" {
		bad := failures(r.count, "errors", r.failed)
		if r.bucket != "" { // libraries put exemplars on the buckets of a histogram, not on its count
			bad.exemplars = r.bucket + "{" + r.failed + "}"
		}
		all = append(all, bad)
	}
	if r.sum != "" || r.bucket != "" {
		all = append(all, r.durations()...)
	}
	return all
}

// durations are the mean, which follows every request, and the 95th percentile,
// which is as coarse as the buckets are.
func (r requests) durations() []signal {
	scale, exemplars := "", ""
	if r.milli {
		scale = " / 1000"
	}
	if r.bucket != "" {
		exemplars = r.bucket + "{}"
	}
	return []signal{
		{"duration", Duration, "mean duration of requests", "s", []string{r.sum, r.count},
			"sum by () (rate(" + r.sum + "{}[W])) / (sum by () (rate(" + r.count + "{}[W])) > 0)" + scale, anomaly.Above, leastDuration, exemplars},
		{"p95", Duration, "95th percentile of the durations of requests", "s", []string{r.bucket},
			"histogram_quantile(0.95, sum by (le) (rate(" + r.bucket + "{}[W])))" + scale, anomaly.Above, leastDuration, exemplars},
	}
}

// failures is the share of requests that failed, by a label of the counter. Exemplars
// are those of failed requests.
func failures(count, short, failed string) signal {
	s := errorShare("rate("+count+"{"+failed+"}[W])", "rate("+count+"{}[W])", short, count)
	s.exemplars = count + "{" + failed + "}"
	return s
}

// errorShare divides failed requests by all. A server without a failure has no
// series of failures: that is none, and not unknown, as long as it has requests.
func errorShare(failed, all, short string, needs ...string) signal {
	sum := "sum by () (" + all + ")"
	return signal{short, Errors, "share of requests that failed", "share", needs,
		"(sum by () (" + failed + ") or 0 * " + sum + ") / (" + sum + " > 0)", anomaly.Above, leastErrors, ""}
}
