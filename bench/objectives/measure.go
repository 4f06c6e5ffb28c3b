package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// usage is what was used and done up to a moment.
type usage struct {
	at                                   time.Time
	aeod, prometheus                     float64 // processor seconds
	instant, ranges, evaluations, failed float64
	writes                               float64
}

func (b *bench) used(ctx context.Context) (u usage, err error) {
	u.at, u.aeod = time.Now(), process.Processor(b.aeodd.PID()).Seconds()
	p, err := page(ctx, b.source.URL+"/metrics", instant, ranges, spent)
	if err != nil {
		return u, err
	}
	u.prometheus, u.instant, u.ranges = p[spent], p[instant], p[ranges]
	if own, err := page(ctx, "http://"+b.pages+"/metrics", "aeo_slo_evaluations_total", "aeo_slo_failures_total"); err == nil {
		u.evaluations, u.failed = own["aeo_slo_evaluations_total"], own["aeo_slo_failures_total"]
	}
	u.writes, err = b.written(ctx)
	return u, err
}

// note records what was used and done since a moment, by the minute if that is
// wanted.
func (b *bench) note(ctx context.Context, what string, from usage, byMinute bool) (usage, error) {
	now, err := b.used(ctx)
	if err != nil {
		return now, err
	}
	share, per := 1.0, ""
	if byMinute {
		share, per = 1/now.at.Sub(from.at).Minutes(), " a minute"
	}
	for _, x := range []struct {
		name        string
		value, unit float64
	}{
		{"processor seconds of aeod", now.aeod - from.aeod, 1}, {"processor seconds of Prometheus", now.prometheus - from.prometheus, 1},
		{"instant questions", now.instant - from.instant, 1}, {"questions of ranges", now.ranges - from.ranges, 1},
		{"evaluations", now.evaluations - from.evaluations, 1}, {"failed evaluations", now.failed - from.failed, 1},
		{"writes of statuses", now.writes - from.writes, 1},
	} {
		b.results.Note(fmt.Sprintf("%s, %s%s", what, x.name, per), x.value*share, "")
	}
	b.results.Note(what+", resident memory", process.Memory(b.aeodd.PID(), "VmRSS"), "MiB")
	b.results.Note(what+", resident memory at most", process.Memory(b.aeodd.PID(), "VmHWM"), "MiB")
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Println("load average:", strings.TrimSpace(string(text)))
	}
	return now, nil
}

// states counts the Objectives by the state that the API server has.
func (b *bench) states(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	next := ""
	for {
		list, err := b.client.Resource(objectives).List(ctx, metav1.ListOptions{Limit: 1000, Continue: next})
		if err != nil {
			return nil, err
		}
		for _, o := range list.Items {
			status, _ := o.Object["status"].(map[string]any)
			state, _ := status["state"].(string)
			out[state]++
		}
		if next = list.GetContinue(); next == "" {
			return out, nil
		}
	}
}

// known waits until aeod says that it knows of n Objectives, and returns how many
// it knows.
func (b *bench) known(ctx context.Context) (n int) {
	_ = lines(ctx, http.DefaultClient, "http://"+b.pages+"/metrics", func(line string, _ float64) {
		if strings.HasPrefix(line, "aeo_slo_last_answer_timestamp_seconds{") {
			n++
		}
	}) // it is not there yet
	return n
}

// first starts aeod, and waits until each Objective has a status.
func (b *bench) first(ctx context.Context) error {
	from := usage{at: time.Now()}
	p, err := page(ctx, b.source.URL+"/metrics", instant, ranges, spent)
	if err != nil {
		return err
	}
	from.prometheus, from.instant, from.ranges = p[spent], p[instant], p[ranges]
	if from.writes, err = b.written(ctx); err != nil {
		return err
	}
	if err := b.start(); err != nil {
		return err
	}
	if err := b.reach(ctx, "first evaluations", from.at, func() int { return b.known(ctx) }); err != nil {
		return err
	}
	if err := b.reach(ctx, "first statuses", from.at, func() int {
		all, err := b.states(ctx)
		if err != nil {
			fmt.Println("statuses:", err)
			return 0
		}
		return b.objectives - all[""]
	}); err != nil {
		return err
	}
	all, err := b.states(ctx)
	if err != nil {
		return err
	}
	fmt.Println("states:", all)
	_, err = b.note(ctx, "start", from, false)
	return err
}

// reach notes how long it takes until all are counted. Counting costs the machine that is
// measured something, a page of metrics that tells of 10,000 Objectives above all: it is
// done half of the time at most, and what is noted is too long by two of these times at most.
func (b *bench) reach(ctx context.Context, what string, began time.Time, count func() int) error {
	for {
		asked := time.Now()
		got := count()
		if got >= b.objectives {
			b.results.Note(what, time.Since(began).Seconds(), "s")
			return nil
		}
		if time.Since(began) > b.limit {
			b.results.Note(what+", reached", float64(got), "")
			fmt.Printf("%s: %d of %d after %s\n", what, got, b.objectives, b.limit)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.aeodd.Done():
			return b.aeodd.Exit()
		case <-time.After(max(500*time.Millisecond, time.Since(asked))):
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// quiet measures what is used when nothing happens, and how old answers are.
func (b *bench) quiet(ctx context.Context) error {
	if err := sleep(ctx, b.warm); err != nil {
		return err
	}
	from, err := b.used(ctx)
	if err != nil {
		return err
	}
	var ages []float64
	for end := time.Now().Add(b.steady); time.Now().Before(end); {
		if err := sleep(ctx, 20*time.Second); err != nil {
			return err
		}
		now := float64(time.Now().UnixMilli()) / 1000
		if err := lines(ctx, http.DefaultClient, "http://"+b.pages+"/metrics", func(line string, at float64) {
			if strings.HasPrefix(line, "aeo_slo_last_answer_timestamp_seconds{") {
				ages = append(ages, now-at)
			}
		}); err != nil {
			return err
		}
	}
	if _, err := b.note(ctx, "steady", from, true); err != nil {
		return err
	}
	if len(ages) > 0 {
		slices.Sort(ages)
		for _, q := range []float64{0.5, 0.99, 1} {
			b.results.Note(fmt.Sprintf("age of answers, quantile %g", q), ages[int(math.Ceil(q*float64(len(ages))))-1], "s")
		}
	}
	all, err := b.states(ctx)
	if err != nil {
		return err
	}
	fmt.Println("states:", all)
	return nil
}

// burn has one service fail, and measures when that is told.
func (b *bench) burn(ctx context.Context) error {
	which := b.objectives / 2
	began := time.Now()
	b.shop.since.Store(began.UnixMilli())
	b.shop.broken.Store(int64(which + 1))
	for time.Since(began) < 3*time.Minute {
		if at := b.alerts.at("ErrorBudgetBurn/" + name(which)); !at.IsZero() {
			b.results.Note("an alert comes after the first error", at.Sub(began).Seconds(), "s")
			b.results.Note("an alert comes after the scrape of the first error", at.Sub(time.UnixMilli(b.shop.seen.Load())).Seconds(), "s")
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	b.results.Note("no alert came after", time.Since(began).Seconds(), "s")
	return nil
}

// restart ends aeod and starts it again with what it kept.
func (b *bench) restart(ctx context.Context) error {
	began := time.Now()
	b.aeodd.Stop(time.Minute)
	b.results.Note("end", time.Since(began).Seconds(), "s")
	size := int64(0)
	kept, err := os.ReadDir(filepath.Join(b.dir, "cache", "slo"))
	if err != nil {
		return err
	}
	for _, e := range kept {
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
	}
	b.results.Note("snapshots", float64(len(kept)), "")
	b.results.Note("snapshots, size", float64(size)/(1<<20), "MiB")
	p, err := page(ctx, b.source.URL+"/metrics", instant, ranges, spent)
	if err != nil {
		return err
	}
	from := usage{at: time.Now(), prometheus: p[spent], instant: p[instant], ranges: p[ranges]}
	if from.writes, err = b.written(ctx); err != nil {
		return err
	}
	if err := b.start(); err != nil {
		return err
	}
	if err := b.reach(ctx, "evaluations after a restart", from.at, func() int { return b.known(ctx) }); err != nil {
		return err
	}
	_, err = b.note(ctx, "restart", from, false)
	return err
}
