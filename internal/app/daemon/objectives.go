package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	"github.com/autoecoops/autoecoops/adapter/kube"
	source "github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// Objectives says how Objectives are followed. Without a Prometheus they are not.
type Objectives struct {
	// Prometheus is where the samples are; Access says how it is asked.
	Prometheus string
	Access     cli.Access
	// Scrape is how far apart the samples of a series are at most.
	Scrape time.Duration
	// Alertmanagers are told of alerts; AlertAccess says how.
	Alertmanagers []string
	AlertAccess   cli.Access
}

// check says what is wrong with the settings; others says that Alertmanagers are told of more
// than Objectives.
func (o Objectives) check(others bool, need func(ok bool, flag, why string)) {
	need(o.Prometheus != "" || len(o.Alertmanagers) == 0 || others, "alertmanager", "there is nothing to tell without --prometheus or --anomalies-alertmanager")
	for _, of := range []struct {
		access cli.Access
		name   string
		asked  bool
	}{{o.Access, "prometheus", o.Prometheus != ""}, {o.AlertAccess, "alertmanager", len(o.Alertmanagers) > 0}} {
		flag, why, hint := of.access.Problem()
		if why != "" {
			why += ": " + hint
		}
		if given := of.access.Given(); given != "" && !of.asked {
			flag, why = given, "it is for --"+of.name+", which is not given"
		}
		need(why == "", flag, why)
	}
	need(o.Scrape >= time.Second && o.Scrape <= time.Hour, "prometheus-scrape-interval", "from 1s to 1h")
}

// askAtOnce is how many Objectives are asked about at the same time.
const askAtOnce = 8

// objectives follows Objectives.
type objectives struct {
	store  *kube.Objectives
	follow *controller.Objectives
	sender *alertmanager.Sender
}

// newObjectives wires the following of Objectives; nil if it is not wanted.
func (d *daemon) newObjectives(o Objectives) (*objectives, error) {
	if o.Prometheus == "" {
		return nil, nil
	}
	access, err := app.OpenAccess(o.Access, unread(d.log))
	if err != nil {
		return nil, err
	}
	client, err := source.New(source.Options{URL: o.Prometheus, Access: access})
	if err != nil {
		return nil, err
	}
	if d.opts.Signals.Anomalies.Asked {
		if err := d.followAsked(client); err != nil {
			return nil, err
		}
	}
	out := &objectives{sender: d.signals.alerts}
	kept, err := openSnapshots(filepath.Join(d.opts.CacheDir, "slo"))
	if err != nil {
		return nil, err
	}
	watcher := newObjectiveMetrics(d.events)
	d.reg.MustRegister(watcher)
	out.follow = &controller.Objectives{
		Samples: samples{client}, Snapshots: kept, Watcher: watcher, Send: out.sender.Send,
		Scrape: o.Scrape, Parallel: askAtOnce, Log: d.log, Now: time.Now,
	}
	out.store = kube.NewObjectives(d.client, d.opts.Watch, out.follow.Wake)
	out.follow.Store = out.store
	d.pages.notes["objectives"] = out.store.Err
	return out, nil
}

// Run follows them until ctx ends. Alerts that the end left to be sent are sent.
func (o *objectives) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg, sent sync.WaitGroup
	sent.Go(func() { o.sender.Run(sending) })
	wg.Go(func() { o.store.Run(ctx) })
	wg.Go(func() { o.follow.Run(ctx) })
	wg.Wait()
	stop()
	sent.Wait()
}

// samples is a Prometheus as the source of samples.
type samples struct{ client *source.Client }

func (s samples) each(f func(map[string]string, []follow.Point) error) func(map[string]string, []source.Point) error {
	return func(labels map[string]string, points []source.Point) error {
		out := make([]follow.Point, len(points))
		for i, p := range points {
			out[i] = follow.Point(p)
		}
		return f(labels, out)
	}
}

// Raw implements controller.Samples.
func (s samples) Raw(ctx context.Context, selector string, window time.Duration, at time.Time, each func(map[string]string, []follow.Point) error) error {
	return s.client.Raw(ctx, selector, window, at, s.each(each))
}

// Range implements controller.Samples.
func (s samples) Range(ctx context.Context, selector string, from, to time.Time, step time.Duration, each func(map[string]string, []follow.Point) error) error {
	return s.client.Range(ctx, selector, from, to, step, s.each(each))
}

// beginSteps is in how many parts the time is divided in which samples may begin.
const beginSteps = 200

// Begin implements controller.Samples.
func (s samples) Begin(ctx context.Context, selector, label string, from, to time.Time, each func(value string, at time.Time) error) error {
	step := max(time.Minute, (to.Sub(from)/beginSteps).Truncate(time.Second)+time.Second)
	by := ""
	if label != "" {
		by = " by (" + label + ") "
	}
	expr := fmt.Sprintf("count%s(last_over_time(%s[%ds]))", by, selector, int(step.Seconds())+1)
	return s.client.Range(ctx, expr, from.Add(step), to.Add(step), step, func(labels map[string]string, points []source.Point) error {
		if len(points) == 0 {
			return nil
		}
		begin := time.UnixMilli(points[0].At).Add(-step - time.Second)
		if begin.Before(from) {
			begin = from
		}
		if !begin.Before(to) {
			return nil
		}
		return each(labels[label], begin)
	})
}

// snapshots keeps what is known of Objectives in a folder, a file for each. They
// are a cache: what is missing is asked for again.
type snapshots struct {
	dir string
	// slots bound the files that are read or written at the same time: each takes a
	// thread, and thousands are at the start and at the end.
	slots chan struct{}
}

// The bounds of the folder: how large a file may be, how many are read or written at the
// same time, and how old one may be before it is of an Objective that is no more.
const (
	maxSnapshot = 64 << 20
	filesAtOnce = 8
	oldSnapshot = 30 * 24 * time.Hour
)

func openSnapshots(dir string) (*snapshots, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "make the folder", dir, err, "make --cache-dir a folder that may be written")
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read the folder", dir, err, "make --cache-dir a folder that may be read")
	}
	for _, e := range all {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > oldSnapshot {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next start tries again
		}
	}
	return &snapshots{dir, make(chan struct{}, filesAtOnce)}, nil
}

// uidForm is that of the identities that name files.
var uidForm = regexp.MustCompile(`^[0-9a-zA-Z-]{1,64}$`)

// Load implements controller.Snapshots.
func (s *snapshots) Load(uid types.UID) ([]byte, bool) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	name := filepath.Join(s.dir, string(uid)+".slo")
	if info, err := os.Stat(name); !uidForm.MatchString(string(uid)) || err != nil || info.Size() > maxSnapshot {
		return nil, false
	}
	text, err := os.ReadFile(name)
	return text, err == nil
}

// Save implements controller.Snapshots.
func (s *snapshots) Save(uid types.UID, snapshot []byte) error {
	if !uidForm.MatchString(string(uid)) {
		return fault.New(fault.Invalid, "keep objective", string(uid), "its identity is none", "")
	}
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	name := filepath.Join(s.dir, string(uid)+".slo")
	err := os.WriteFile(name+".new", snapshot, 0o600)
	if err == nil {
		err = os.Rename(name+".new", name) // a damaged file is refused by its checksum
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "write", name, err, "is there space left in --cache-dir?")
	}
	return nil
}

// objectiveLabels are those of metrics of one Objective.
var objectiveLabels = []string{"namespace", "objective"}

func objectiveDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("aeo_slo_"+name, help, append(append([]string{}, objectiveLabels...), more...), nil)
}
