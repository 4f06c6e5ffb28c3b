package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// Survey implements cli.Observer.
func (b backend) Survey(ctx context.Context, req cli.SurveyRequest) (cli.Survey, error) {
	client, err := metricsOf(req.Source)
	if err != nil {
		return nil, err
	}
	holiday, err := Holidays(req.Holidays, "--holidays")
	if err != nil {
		return nil, err
	}
	now := b.now().Truncate(time.Second)
	step := req.Source.Scrape
	s := &survey{client: client, request: req, survey: observe.NewSurvey(observe.Options{
		Step: step, From: now.Add(-req.Since), MaxSignals: req.MaxSignals, Location: req.Location, Holiday: holiday,
	}), now: b.now}
	if err := s.find(ctx, now); err != nil {
		return nil, err
	}
	return s, s.history(ctx, now.Add(-req.History), now)
}

// stretch is how many steps of all signals are in memory at once.
const stretch = 2880

// history learns what was, stretch by stretch: what is long must not be in memory
// as a whole.
func (s *survey) history(ctx context.Context, from, to time.Time) error {
	long := stretch * s.request.Source.Scrape
	parts := int(to.Sub(from)/long) + 1
	failed := map[string]cli.WatchProblem{}
	for i := range parts {
		end := from.Add(long - s.request.Source.Scrape)
		if i == parts-1 || end.After(to) {
			end = to
		}
		err := s.learn(ctx, from, end, func(done, total int) {
			if s.request.Progress != nil {
				s.request.Progress(i*total+done, parts*total)
			}
		})
		if err != nil {
			return err
		}
		for _, f := range s.failed {
			failed[f.Watch.Name] = f
		}
		if from = end.Add(s.request.Source.Scrape); from.After(to) {
			break
		}
	}
	s.failed = nil
	for _, w := range s.found.Watches {
		if f, ok := failed[w.Name]; ok {
			s.failed = append(s.failed, f)
		}
	}
	return nil
}

// survey asks one Prometheus, first for what was and then for what comes.
type survey struct {
	client  *prometheus.Client
	request cli.SurveyRequest
	survey  *observe.Survey
	found   watch.Found
	failed  []cli.WatchProblem
	seen    map[string]bool // watches that had a sample
	until   time.Time       // up to when was asked
	now     func() time.Time
}

// find finds out what there is to watch.
func (s *survey) find(ctx context.Context, now time.Time) error {
	matcher := `{__name__=~"` + strings.Join(watch.Metrics(), "|") + `"}`
	names, err := s.client.Names(ctx, []string{matcher}, now.Add(-s.request.History), now)
	if err != nil {
		return err
	}
	s.found = watch.Find(names, watch.Options{Namespace: s.request.Namespace, Window: 4 * s.request.Source.Scrape})
	s.found.Watches = append(s.found.Watches, s.request.Monitors...)
	s.seen = map[string]bool{}
	if len(s.found.Watches) == 0 {
		return fault.New(fault.NotFound, "find what to watch", "", "the source has none of the metrics that are known, and no --monitor was given",
			"name expressions of your own with --monitor NAME=EXPR; docs/observe.md lists the conventions that are known")
	}
	return nil
}

// answered is what a watch's question brought.
type answered struct {
	series []part
	err    error
}

// part is some samples of a series.
type part struct {
	labels map[string]string
	at     []int64
	values []float64
}

// mute is how many watches in a row are asked of a source that answers none of them in time.
const mute = 2 * askAtOnce

// learn asks every watch for a stretch of time, few at once. A watch that cannot
// be asked does not keep the others from being judged; it is told. When all
// fail, or the first of them all in want of an answer, the first error is that of the
// survey.
func (s *survey) learn(ctx context.Context, from, to time.Time, progress func(done, total int)) error {
	watches := s.found.Watches
	answers := make([]chan answered, len(watches))
	for i := range answers {
		answers[i] = make(chan answered, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() {
		free := make(chan struct{}, askAtOnce)
		for i, w := range watches {
			free <- struct{}{}
			group.Go(func() {
				defer func() { <-free }()
				answers[i] <- s.ask(ctx, w, from, to)
			})
		}
	})
	s.failed = nil
	asked := 0
	for i, w := range watches {
		a := <-answers[i]
		asked++
		if progress != nil {
			progress(i+1, len(watches))
		}
		if ctx.Err() != nil {
			return fault.New(fault.Interrupted, "survey", "", "it was stopped", "")
		}
		if a.err != nil {
			s.failed = append(s.failed, cli.WatchProblem{Watch: w, Err: a.err})
			if len(s.failed) == i+1 && i+1 >= mute && fault.KindOf(a.err) == fault.TimedOut {
				break // nobody waits an hour to learn that nothing answers
			}
			continue
		}
		for _, p := range a.series {
			s.seen[w.Name] = true
			if err := s.survey.Feed(w, p.labels, p.at, p.values); err != nil {
				return err
			}
		}
	}
	if n := len(s.failed); n == len(watches) || n >= mute && n == asked {
		return s.failed[0].Err
	}
	s.until = to
	return nil
}

func (s *survey) ask(ctx context.Context, w watch.Watch, from, to time.Time) (a answered) {
	a.err = s.client.Range(ctx, w.Expr, from, to, s.request.Source.Scrape, func(labels map[string]string, points []prometheus.Point) error {
		p := part{labels, make([]int64, len(points)), make([]float64, len(points))}
		for i, x := range points {
			p.at[i], p.values[i] = x.At, x.Value
		}
		a.series = append(a.series, p)
		return ctx.Err()
	})
	return a
}

// Advance implements cli.Survey.
func (s *survey) Advance(ctx context.Context) error {
	step := s.request.Source.Scrape
	t := time.NewTimer(max(0, s.until.Add(step).Sub(s.now())))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fault.New(fault.Interrupted, "survey", "", "it was stopped", "")
	case <-t.C:
	}
	return s.learn(ctx, s.until.Add(step), s.until.Add(step*max(1, s.now().Sub(s.until)/step)), nil)
}

// Told implements cli.Survey.
func (s *survey) Told() cli.Surveyed {
	out := cli.Surveyed{Report: s.survey.Report(s.until), Conventions: s.found.Conventions, Failed: s.failed, Step: s.request.Source.Scrape}
	for _, p := range s.found.Partly {
		out.Notes = append(out.Notes, "of "+p)
	}
	for _, w := range s.found.Watches {
		if !s.seen[w.Name] {
			out.Empty = append(out.Empty, w.Name)
		}
	}
	if out.Report.Left > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d signals are not followed, for there are more than %d; --namespace or --max-signals may help", out.Report.Left, len(out.Report.Signals)))
	}
	return out
}
