package kube

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Tail follows the logs of the containers of many pods, of those that come, too.
type Tail struct {
	Client *Client
	// Namespaces are those whose pods are followed; none means all.
	Namespaces []string
	// Since is the moment of the first line that is wanted.
	Since time.Time
	// Most bounds the containers that are followed at once; those beyond are counted.
	Most int
	// Open is called for each container whose log is followed, and returns who takes
	// its lines, one at a time; Close of that one when no more come.
	Open func(Pod, string) LineTaker
	// Trouble is told of what is tried again, and of what cannot be.
	Trouble func(error)

	mu       sync.Mutex
	followed map[PodName]map[string]context.CancelFunc
	// left are the pods that have containers for which there was no room.
	left map[PodName]Pod
	// unread is why the pods of a namespace cannot be followed.
	unread  map[string]error
	running sync.WaitGroup
	count   TailCount
	// cut and odd count while logs are read.
	cut, odd atomic.Uint64
}

// LineTaker takes the lines of a container.
type LineTaker interface {
	Add(at int64, line []byte)
	Close()
}

// TailCount is what a Tail follows and misses.
type TailCount struct {
	// Following are the logs that are followed, Left the pods that have some that are
	// not because there are too many.
	Following, Left int
	// Cut counts lines that were longer than a line may be, Odd what came without the
	// moment that a line of a container begins with, and was left out.
	Cut, Odd uint64
	// Failed counts logs that could not be read to their end.
	Failed uint64
}

// lastWords is how long an ended pod's log is followed on: its end may be on the way.
const lastWords = 5 * time.Second

// Run follows until ctx ends, and returns when nothing is followed any more.
func (t *Tail) Run(ctx context.Context) {
	t.followed, t.left = map[PodName]map[string]context.CancelFunc{}, map[PodName]Pod{}
	namespaces := t.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	var watches sync.WaitGroup
	for _, n := range namespaces {
		w := &PodWatch{
			Client: t.Client, Namespace: n, Gone: t.gone, Changed: func(p Pod) { t.changed(ctx, p) }, Listed: func() { t.read(n, nil) },
			Trouble: func(err error) {
				t.read(n, err)
				t.Trouble(err)
			},
		}
		watches.Go(func() { w.Run(ctx) })
	}
	watches.Wait()
	t.running.Wait()
}

// read notes whether the pods of a namespace could be read.
func (t *Tail) read(namespace string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.unread, namespace)
		return
	}
	if t.unread == nil {
		t.unread = map[string]error{}
	}
	t.unread[namespace] = err
}

// Err is why the pods of some namespace are not followed at the moment, nil if all are.
func (t *Tail) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(t.unread)) {
		return t.unread[n] // of each the same, as a rule
	}
	return nil
}

// Count tells what is followed.
func (t *Tail) Count() TailCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.count
	c.Left, c.Cut, c.Odd = len(t.left), t.cut.Load(), t.odd.Load()
	return c
}

// changed follows those containers of a pod that have a log and are not followed.
func (t *Tail) changed(ctx context.Context, p Pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start(ctx, p)
}

// start follows what of a pod is not followed, as far as there is room. The lock is
// held.
func (t *Tail) start(ctx context.Context, p Pod) {
	name := PodName{p.Namespace, p.Name}
	delete(t.left, name)
	of := t.followed[name]
	if of == nil {
		of = map[string]context.CancelFunc{}
		t.followed[name] = of
	}
	for _, c := range p.Containers {
		stop, known := of[c.Name]
		switch {
		case known && p.Ended && stop != nil:
			of[c.Name] = nil // once
			time.AfterFunc(lastWords, stop)
		case known || !c.Started:
		case t.count.Following >= t.Most:
			t.left[name] = p
		default:
			following, cancel := context.WithCancel(ctx)
			of[c.Name] = cancel
			t.count.Following++
			t.running.Go(func() {
				defer cancel()
				t.follow(following, p, c.Name)
				t.ended(ctx)
			})
			if p.Ended {
				of[c.Name] = nil
				time.AfterFunc(lastWords, cancel)
			}
		}
	}
}

// gone ends what is followed of a pod that is not there any more. Its last lines may
// be on the way.
func (t *Tail) gone(name PodName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, stop := range t.followed[name] {
		if stop != nil {
			time.AfterFunc(lastWords, stop)
		}
	}
	delete(t.followed, name)
	delete(t.left, name)
}

// ended makes room for another, if one waits.
func (t *Tail) ended(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count.Following--
	for _, p := range t.left {
		if ctx.Err() == nil {
			t.start(ctx, p)
		}
		return
	}
}

// follow reads one container's log until its pod is gone.
func (t *Tail) follow(ctx context.Context, p Pod, container string) {
	to := t.Open(p, container)
	o := LogOptions{Namespace: p.Namespace, Pod: p.Name, Container: container, Since: t.Since, Trouble: t.Trouble, Odd: func() { t.odd.Add(1) }}
	_, err := t.Client.Logs(ctx, o, func(l LogLine) error {
		if l.Cut {
			t.cut.Add(1)
		}
		to.Add(l.At.UnixNano(), l.Text)
		return nil
	})
	to.Close()
	if err == nil || fault.KindOf(err) == fault.NotFound { // the pod went meanwhile
		return
	}
	t.mu.Lock()
	t.count.Failed++
	t.mu.Unlock()
	t.Trouble(err)
}
