package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/logs/live"
	"github.com/autoecoops/autoecoops/observe/logs/store"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// lookEvery is how often it is looked what workloads began to write.
const lookEvery = 10 * time.Second

// The reasons of events of lines.
const (
	newLines          = "NewErrorLines"
	surgingLines      = "SurgingErrorLines"
	surgeOfLinesEnded = "ErrorLinesAsUsual"
)

// both takes the lines of a container for the store and for what follows them.
type both struct {
	kept  *store.Stream
	mined *live.Stream
}

// Add implements kube.LineTaker.
func (b both) Add(at int64, line []byte) {
	b.kept.Add(at, line)
	b.mined.Add(at, line)
}

// Close implements kube.LineTaker.
func (b both) Close() {
	b.kept.Close()
	b.mined.Close()
}

// look tells what workloads begin to write until ctx ends.
func (k *lines) look(ctx context.Context) {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			began, ended := k.mined.Look(now)
			for _, f := range ended {
				k.tells.tell(f, false)
			}
			for _, f := range began {
				k.tells.tell(f, true)
			}
		}
	}
}

// lineTeller tells people what workloads write: in the log, and as an event of the
// namespace.
type lineTeller struct {
	events *kube.Events // nil for nobody
	log    *slog.Logger
}

func (t lineTeller) tell(f live.Finding, began bool) {
	s := f.Signal
	t.log.Info("lines of a log", "began", began, "namespace", f.Of.Namespace, "workload", f.Of.Service, "kind", s.Kind, "template", s.Template.ID.String(), "since", time.UnixMilli(s.Since))
	if t.events == nil || len(validation.IsDNS1123Label(f.Of.Namespace)) > 0 {
		return
	}
	if reason, message := lineNews(f, began); reason != "" {
		t.events.Within(f.Of.Namespace, began, reason, message)
	}
}

// lineNews is what people are told of a finding: nothing of what was new and is no more,
// since its lines may go on.
func lineNews(f live.Finding, began bool) (reason, message string) {
	s, of := f.Signal, f.Of.Namespace+"/"+identity.Plain(f.Of.Service)
	since := time.UnixMilli(s.Since).UTC().Format(time.TimeOnly)
	// Who may read events may not always read logs: what may hold a credential stays there.
	text, example := identity.Plain(s.Template.Text), identity.Plain(s.Template.Example)
	what := s.Template.ID.String() + ", whose text may hold a credential: see `aeo observe logs -n " + f.Of.Namespace + "`"
	if logs.Discreet(text) {
		what = fmt.Sprintf("%q (%s)", cut(text, 200), s.Template.ID)
	}
	if example != "" && logs.Discreet(example) {
		example = ", for example " + cut(example, 300)
	} else {
		example = ""
	}
	switch {
	case began && s.Kind == logs.NewTemplate:
		return newLines, fmt.Sprintf("%s writes lines of level %s that it never wrote before, %d since %s: %s%s", of, s.Template.Level, s.Lines, since, what, example)
	case began:
		return surgingLines, fmt.Sprintf("%s writes far more lines of level %s than it did, %d since %s where %.1f a minute are usual: %s%s", of, s.Template.Level, s.Lines, since, s.Expected, what, example)
	case s.Kind == logs.SurgingTemplate:
		return surgeOfLinesEnded, fmt.Sprintf("%s writes as many lines as usual again: %s", of, what)
	}
	return "", ""
}

// cut cuts a text to so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 {
		most--
	}
	return text[:most] + "…"
}

var (
	logFindings  = prometheus.NewDesc("aeo_observe_log_findings", "Kinds of error lines that a workload writes and that are new, or far more than usual.", []string{"namespace", "workload", "kind"}, nil)
	logTemplates = prometheus.NewDesc("aeo_observe_log_templates", "Kinds of lines that are known, of all workloads.", nil, nil)
	logWorkloads = prometheus.NewDesc("aeo_observe_log_workloads", "Workloads whose lines are looked at.", nil, nil)
	logUnmined   = prometheus.NewDesc("aeo_observe_log_unread_total", "What was not looked at, or not told, by the reason: lines of workloads beyond the bound (refused), kinds of lines that were forgotten (forgotten), findings that were too many at once (untold).", []string{"reason"}, nil)
)

// collectFindings tells metrics of what is found in lines.
func (c lineCounts) collectFindings(one func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string)) {
	type of struct {
		key  identity.Key
		kind logs.SignalKind
	}
	count := map[of]int{}
	for _, f := range c.mined.Standing() {
		count[of{f.Of, f.Signal.Kind}]++
	}
	for x, n := range count {
		one(logFindings, prometheus.GaugeValue, float64(n), x.key.Namespace, identity.Plain(x.key.Service), string(x.kind))
	}
	n := c.mined.Count()
	one(logTemplates, prometheus.GaugeValue, float64(n.Templates))
	one(logWorkloads, prometheus.GaugeValue, float64(n.Workloads))
	one(logUnmined, prometheus.CounterValue, float64(n.Refused), "refused")
	one(logUnmined, prometheus.CounterValue, float64(n.Forgotten), "forgotten")
	one(logUnmined, prometheus.CounterValue, float64(n.Untold), "untold")
}
