package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// logsAtOnce is how many containers are read at once, and logTries how often a log
// is asked for in vain.
const (
	logsAtOnce = 4
	logTries   = 3
)

// podLog is a log that is to be read.
type podLog struct {
	kube.LogOptions
	source string
}

func (l podLog) name() string {
	name := l.Namespace + "/" + l.Pod + "/" + l.Container
	if l.Previous {
		name += " before its restart"
	}
	return name
}

// pods reads the logs of a namespace's containers.
func (r *logReading) pods(ctx context.Context) error {
	options := kube.Options{Kubeconfig: r.Pods.Kubeconfig, Context: r.Pods.Context, UserAgent: "aeo/" + version}
	config, err := kube.Load(options)
	if err != nil {
		return err
	}
	client, err := kube.New(config)
	if err != nil {
		return err
	}
	if r.Namespace == "" {
		r.Namespace = kube.Namespace(options)
	}
	pods, err := client.Pods(ctx, r.Namespace)
	if err != nil {
		return err
	}
	if err := r.begin(false); err != nil {
		return err
	}
	var all []podLog
	waiting := 0
	for _, p := range pods {
		for _, c := range p.Containers {
			l := podLog{kube.LogOptions{Namespace: p.Namespace, Pod: p.Name, Container: c.Name, Since: r.out.From, Once: true}, p.Of.String()}
			if c.Previous.After(r.out.From) {
				before := l
				before.Previous = true
				all = append(all, before)
			}
			if !c.Started {
				waiting++
				continue
			}
			all = append(all, l)
		}
	}
	if waiting > 0 {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("%d containers have not started: they have no log", waiting))
	}
	r.out.Source = fmt.Sprintf("%d logs of %d pods in namespace %s", len(all), len(pods), r.Namespace)
	r.each(ctx, client, all)
	return nil
}

// each reads logs, few at once.
func (r *logReading) each(ctx context.Context, client *kube.Client, all []podLog) {
	var group sync.WaitGroup
	defer group.Wait()
	free := make(chan struct{}, logsAtOnce)
	done := 0
	for _, l := range all {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			if err := r.container(ctx, client, l); err != nil {
				r.failed(l.name(), err)
			}
			if r.Progress != nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				done++
				r.Progress(done, len(all))
			}
		})
	}
}

// container reads one log. What was read before an error is used.
func (r *logReading) container(ctx context.Context, client *kube.Client, l podLog) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	var trouble error
	tries := 0
	l.Trouble = func(err error) { trouble = err }
	l.Pause = func(ctx context.Context, d time.Duration) {
		if tries++; tries >= logTries {
			cancel()
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	s := r.stream()
	defer s.end()
	read, err := client.Logs(ctx, l.LogOptions, func(line kube.LogLine) error {
		s.add(logs.Line{At: line.At.UnixMilli(), Text: line.Text, Source: l.source}, line.Cut)
		return ctx.Err()
	})
	r.mu.Lock()
	r.out.Read.Lines += read.Odd // the node's own words
	r.out.Read.Unplaced += read.Odd
	r.mu.Unlock()
	switch {
	case ctx.Err() == nil:
		return err
	case trouble != nil:
		return trouble
	}
	return fault.New(fault.TimedOut, "read the log of", l.name(), "it takes longer than --timeout; what came until then is used", "raise --timeout, or look less far back")
}
