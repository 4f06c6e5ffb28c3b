package metrics

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/autoecoops/autoecoops/adapter/tap"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/plainfile"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/stream"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// WatchOptions say which series are judged sample by sample as they come. What is 0 gets
// the value in brackets.
type WatchOptions struct {
	// Selectors pick the series; one suffices.
	Selectors []string
	// MaxSeries is how many are watched [100,000: about 4 KiB each].
	MaxSeries int
	// Alone has what is picked kept by nobody: it is judged only.
	Alone bool
	// Habits say by whose clock is judged, and what is planned; their History is of no use
	// here: nothing is asked for.
	Habits
	// Tell is told of what is found; nil tells nobody.
	Tell func(stream.News)
	// Keep is the file in which what was learned is kept, so that it outlasts a restart;
	// "" keeps nothing. KeepEvery is how often it is written [15 minutes].
	Keep      string
	KeepEvery time.Duration
	// Log is told what happens; nil tells nobody.
	Log *slog.Logger
	// Now tells the time; nil is the clock.
	Now func() time.Time
}

// Watcher judges the series that selectors pick as their samples come.
type Watcher struct {
	options   WatchOptions
	selectors [][]*labels.Matcher
	table     *tap.Table
	tap       *tap.Tap

	mu     sync.Mutex
	digest stream.Digest
	untold uint64
	full   bool // it was told that there are too many
	kept   struct {
		at     time.Time
		failed bool
	}
}

// ParseSelector reads what picks series. The error is of kind Invalid.
func ParseSelector(text string) ([]*labels.Matcher, error) {
	m, err := parser.ParseMetricSelector(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "pick the series", text, err, `write a selector, as {__name__=~"http_.*_total",namespace="shop"}`)
	}
	return m, nil
}

// NewWatcher returns one that knows what was kept. The error is of kind Invalid for a
// selector that is none.
func NewWatcher(o WatchOptions) (*Watcher, error) {
	fillDuration(&o.KeepEvery, keepEvery)
	if o.MaxSeries <= 0 {
		o.MaxSeries = 100_000
	}
	if o.Tell == nil {
		o.Tell = func(stream.News) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &Watcher{options: o}
	for _, text := range o.Selectors {
		m, err := ParseSelector(text)
		if err != nil {
			return nil, err
		}
		w.selectors = append(w.selectors, m)
	}
	var err error
	w.table, err = stream.NewTable(stream.Options[labels.Labels]{
		Naming: stream.Naming[labels.Labels]{
			Same: labels.Equal, Hash: tap.Hash, Picked: w.picked, Kind: kindOf, Signal: signalOf, Write: writeLabels, Read: readLabels,
		},
		MaxSeries: o.MaxSeries, Location: o.Location, Holiday: o.Holiday, Turned: w.turned,
	})
	if err != nil {
		return nil, err
	}
	w.tap = tap.New(w.table, w.picked, !o.Alone, o.Now)
	w.plan()
	w.restore()
	return w, nil
}

// picked tells whether a selector picks a series.
func (w *Watcher) picked(l labels.Labels) bool {
	for _, all := range w.selectors {
		picks := true
		for _, m := range all {
			if picks = m.Matches(l.Get(m.Name)); !picks {
				break
			}
		}
		if picks {
			return true
		}
	}
	return false
}

// growing are how the names of counters end, as a rule.
var growing = []string{"_total", "_count", "_sum", "_bucket"}

// kindOf is how a series is read of which no sender says it.
func kindOf(l labels.Labels) stream.Kind {
	name := l.Get(model.MetricNameLabel)
	for _, end := range growing {
		if strings.HasSuffix(name, end) {
			return stream.Counter
		}
	}
	return stream.Gauge
}

// units are those that the names of gauges end in.
var units = map[string]string{"seconds": "s", "bytes": "bytes", "ratio": "share"}

// signalOf is what people are told of a series.
func signalOf(l labels.Labels, kind stream.Kind) observe.Signal {
	name := l.Get(model.MetricNameLabel)
	w := watch.Watch{Name: "series/" + name, Golden: watch.Series, What: name, Expr: l.String()}
	if kind == stream.Counter {
		w.What, w.Unit, w.Expr = "rate of "+name, "/s", "rate("+w.Expr+"[5m])"
	} else {
		w.Unit = units[name[strings.LastIndexByte(name, '_')+1:]]
	}
	s := observe.Signal{Watch: w, Labels: make(map[string]string, l.Len())}
	l.Range(func(x labels.Label) {
		if x.Name != model.MetricNameLabel {
			s.Labels[x.Name] = x.Value
		}
	})
	return s
}

// writeLabels appends labels: each text with its length before it.
func writeLabels(b []byte, l labels.Labels) []byte {
	l.Range(func(x labels.Label) {
		for _, text := range [...]string{x.Name, x.Value} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	})
	return b
}

var errLabels = errors.New("it is damaged: labels are cut off, or no text")

func readLabels(b []byte) (labels.Labels, error) {
	builder := labels.NewScratchBuilder(16)
	for len(b) > 0 {
		var pair [2]string
		for i := range pair {
			n, head := binary.Uvarint(b)
			if head <= 0 || n > uint64(len(b)-head) {
				return labels.EmptyLabels(), errLabels
			}
			pair[i], b = string(b[head:head+int(n)]), b[head+int(n):]
			if !utf8.ValidString(pair[i]) { // no metric can have it
				return labels.EmptyLabels(), errLabels
			}
		}
		builder.Add(pair[0], pair[1])
	}
	builder.Sort()
	return builder.Labels(), nil
}

// turned takes what became of series. Who sends waits for it: it is told later.
func (w *Watcher) turned(some []stream.Turn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range some {
		w.digest.Add(t)
	}
}

const (
	// tellEvery is how often it is told what was found, lookEvery how often it is looked
	// who is silent and what is planned.
	tellEvery, lookEvery = 5 * time.Second, time.Minute
	// keepTime is how long it may take to write what was learned.
	keepTime = 20 * time.Second
)

// Followed is how many series are watched.
func (w *Watcher) Followed() int { return w.table.Count().Followed() }

// Run tells what is found until ctx ends. Who writes what was learned keeps nobody from
// telling.
func (w *Watcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { each(ctx, tellEvery, w.Tell) })
	wg.Go(func() { each(ctx, lookEvery, func() { w.Look(ctx) }) })
	wg.Wait()
}

// each does something at each interval until ctx ends.
func each(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// end tells what is left to be told, and keeps what was learned.
func (w *Watcher) end() {
	w.Tell()
	w.keep(context.Background())
}

// Tell tells what was found since it was told last.
func (w *Watcher) Tell() {
	w.mu.Lock()
	news, untold := w.digest.Tell(w.options.Now())
	w.untold += uint64(untold)
	w.mu.Unlock()
	for _, n := range news {
		w.options.Tell(n)
	}
	if untold > 0 {
		w.options.Log.Warn("more is abnormal at a time than is told", "series", untold)
	}
}

// Look notes who is silent and what is planned by now, tells if there are too many series,
// and keeps what was learned if it is time.
func (w *Watcher) Look(ctx context.Context) {
	w.plan()
	now := w.options.Now()
	if n := w.table.Sweep(now); n > 0 {
		w.options.Log.Info("series that have been silent for long are not watched any more", "series", n)
	}
	c := w.table.Count()
	if full := c.LeftSeries > 0; full != w.full {
		w.full = full
		if full {
			w.options.Log.Warn("there are more series to watch than may be", "watched", c.Followed(), "left", c.LeftSeries, "hint", "raise --metrics-watch-max, or have --metrics-watch pick fewer")
		} else {
			w.options.Log.Info("all series that are picked are watched again")
		}
	}
	if now.Sub(w.kept.at) >= w.options.KeepEvery {
		w.keep(ctx)
	}
}

func (w *Watcher) plan() {
	if w.options.Planned != nil {
		w.table.Plan(w.options.Planned())
	}
}

// restore takes up what was kept.
func (w *Watcher) restore() {
	w.kept.at = w.options.Now()
	if w.options.Keep == "" {
		return
	}
	f, err := plainfile.Open(w.options.Keep)
	if os.IsNotExist(err) {
		return
	}
	var n int
	var at time.Time
	if err == nil {
		n, at, err = w.table.Restore(f, w.options.Now())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		w.options.Log.Warn("what was learned of series cannot be read whole", "file", w.options.Keep, "taken up", n, "error", err.Error())
	} else {
		w.options.Log.Info("what was learned of series is taken up", "series", n, "of", at.UTC())
	}
	for _, a := range w.table.Open() {
		w.digest.Resume(a)
	}
}

// keep writes what was learned, as a whole or not at all.
func (w *Watcher) keep(ctx context.Context) {
	if w.options.Keep == "" {
		return
	}
	w.kept.at = w.options.Now()
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	err := replaceWith(w.options.Keep, func(f *os.File) error { return w.table.Write(ctx, f, w.kept.at) })
	if err != nil {
		w.options.Log.Warn("what was learned of series is not kept: after a restart it is what was kept before", "file", w.options.Keep, "error", err.Error())
	}
	w.mu.Lock()
	w.kept.failed = err != nil
	w.mu.Unlock()
}
