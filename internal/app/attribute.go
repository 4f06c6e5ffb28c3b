package app

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// How long the search for lines may take, for one application and for all: the
// findings stand without it.
const (
	linesOfOne = 30 * time.Second
	linesOfAll = 2 * time.Minute
)

// linesAtOnce is how many applications are rendered at the same time.
const linesAtOnce = 4

// origins is where an application's objects are written, or why that is not
// known.
type origins struct {
	written delivery.Written
	unknown string
}

// ownersIn returns the applications that a report's findings are about.
func (l *liveSource) ownersIn(rep *assess.Report, apps map[deliver.AppKey]*v1alpha1.Application) map[deliver.AppKey]*v1alpha1.Application {
	out := map[deliver.AppKey]*v1alpha1.Application{}
	for i := range rep.Findings {
		o := l.owners[rep.Findings[i].File]
		if app := apps[o.app]; app != nil && app.Status.Sync != nil {
			out[o.app] = app
		}
	}
	return out
}

// lines renders what each application was synced to once more: nothing in the
// cluster says at which line an object is written.
func lines(ctx context.Context, client *kube.Client, apps map[deliver.AppKey]*v1alpha1.Application, now time.Time) map[deliver.AppKey]origins {
	out := map[deliver.AppKey]origins{}
	if len(apps) == 0 {
		return out
	}
	s, err := stand(client, now)
	if err != nil {
		for k := range apps {
			out[k] = origins{unknown: deliver.Public(err)}
		}
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, linesOfAll)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, linesAtOnce)
	for k, app := range apps {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			one, stop := context.WithTimeout(ctx, linesOfOne)
			defer stop()
			o := origins{}
			var err error
			if o.written, err = s.Written(one, app, app.Status.Sync.Revision); err != nil {
				o.unknown = briefly(err)
			}
			mu.Lock()
			out[k] = o
			mu.Unlock()
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		for k, o := range out {
			out[k] = origins{o.written, deliver.Public(err)}
		}
	}
	return out
}

// briefly is why something failed, without what the finding says already.
func briefly(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Public != "" {
		return f.Public
	}
	return deliver.Public(err)
}

// attribute has findings say which Application owns their object, and where in
// Git it is written: that is where to mend it.
func (l *liveSource) attribute(rep *assess.Report, apps map[deliver.AppKey]*v1alpha1.Application, from map[deliver.AppKey]origins) {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		o, ok := l.owners[f.File]
		if !ok {
			continue
		}
		f.Via = append(f.Via, "application "+o.app.String()+madeFrom(apps[o.app], from[o.app], o.key, f.Path))
	}
}

// madeFrom says which revision of which repository an object is of, and the
// file and line of a field of it.
func madeFrom(app *v1alpha1.Application, from origins, k deliver.Key, path string) string {
	if app == nil || app.Status.Sync == nil {
		return ""
	}
	text := ", revision " + deliver.Short(app.Status.Sync.Revision) + " of " + cli.SourceOf(app)
	if from.unknown != "" {
		return text + ", line unknown: " + from.unknown
	}
	at, ok := from.written.Place(k, path)
	if !ok {
		return text + ", line unknown: the revision renders no object of this name"
	}
	if at.Line == 0 {
		return text + ", written in " + at.File + ", line unknown: it is a chart's template"
	}
	return text + ", written at " + at.File + ":" + strconv.Itoa(at.Line)
}
