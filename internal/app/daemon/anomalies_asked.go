package daemon

import (
	"context"
	"time"

	source "github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// asked is a Prometheus as the source of signals.
type asked struct{ client *source.Client }

// Range implements metrics.Source.
func (a asked) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration, each func(labels map[string]string, at []int64, values []float64) error) error {
	var at []int64
	var values []float64
	return a.client.Range(ctx, expr, from, to, step, func(labels map[string]string, points []source.Point) error {
		at, values = at[:0], values[:0]
		for _, p := range points {
			at, values = append(at, p.At), append(values, p.Value)
		}
		return each(labels, at, values)
	})
}

// Names implements metrics.Source.
func (a asked) Names(ctx context.Context, selector string, from, to time.Time) ([]string, error) {
	return a.client.Names(ctx, []string{selector}, from, to)
}

// followAsked has the signals of the Prometheus that Objectives are measured by followed
// for anomalies.
func (d *daemon) followAsked(client *source.Client) error {
	o, err := d.opts.Signals.Anomalies.follow(d.newAnomalies(), d.opts.Objectives.Scrape, d.opts.CacheDir)
	if err != nil {
		return err
	}
	f := metrics.NewFollower(asked{client}, *o)
	d.reg.MustRegister(f)
	d.signals.receivers = append(d.signals.receivers, func(ctx context.Context) error {
		f.Run(ctx)
		return nil
	})
	return nil
}
