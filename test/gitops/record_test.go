package gitops

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/postgres"
	"github.com/autoecoops/autoecoops/adapter/sqlite"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/test/cluster"
)

// object names an object for comparing what different books say of it.
type object struct{ resource, namespace, name string }

func (o object) String() string { return o.resource + " " + o.namespace + "/" + o.name }

// plural is how the API calls the objects of a kind.
func plural(kind string) string {
	k := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(k, "y"):
		return k[:len(k)-1] + "ies"
	case strings.HasSuffix(k, "s"):
		return k + "es"
	}
	return k + "s"
}

// book is a ledger, read bit by bit.
type book struct {
	path string

	mu      sync.Mutex
	store   ledger.Store
	next    int64
	done    bool
	intents map[object][]time.Time
	ends    map[object][]end
}

// end is when the ledger says that something was done to an object.
type end struct {
	at     time.Time
	result string
}

func openBook(path string) *book {
	return &book{path: path, intents: map[object][]time.Time{}, ends: map[object][]end{}}
}

func openStore(ctx context.Context, path string) (ledger.Store, error) {
	if strings.HasPrefix(path, "postgres://") {
		return postgres.Open(ctx, path, postgres.Options{})
	}
	return sqlite.Open(ctx, path, false)
}

// read takes what is new into the indexes.
func (b *book) read(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return nil
	}
	if b.store == nil {
		s, err := openStore(ctx, b.path)
		if err != nil {
			return err
		}
		b.store = s
	}
	head, err := b.store.Head(ctx)
	if err != nil {
		return err
	}
	bodies, err := b.store.Bodies(ctx, b.next, head.Size)
	if err != nil {
		return err
	}
	for _, body := range bodies {
		e, err := ledger.Decode(body)
		if err != nil {
			return fmt.Errorf("entry %d: %w", b.next, err)
		}
		b.next++
		for _, f := range e.Effects {
			o := object{plural(f.Kind), f.Namespace, f.Name}
			switch e.Phase {
			case ops.PhaseIntent:
				b.intents[o] = append(b.intents[o], e.Time)
			case ops.PhaseOutcome:
				b.ends[o] = append(b.ends[o], end{e.Time, f.Result})
			}
		}
	}
	return nil
}

// finish reads what is left and lets go of the file.
func (b *book) finish(ctx context.Context) error {
	if err := b.read(ctx); err != nil {
		return err
	}
	return b.close()
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.store == nil {
		return nil
	}
	b.done = true
	return b.store.Close()
}

// covers tells whether the ledger announced a call on an object before it came,
// and had not yet closed what it announced.
func (b *book) covers(o object, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var intent time.Time
	for _, t := range b.intents[o] {
		if !t.After(at) && t.After(intent) {
			intent = t
		}
	}
	if intent.IsZero() {
		return false
	}
	for _, e := range b.ends[o] {
		// The first outcome after the intent closes it.
		if !e.at.Before(intent) {
			return !e.at.Before(at) || e.result == "failed"
		}
	}
	return true
}

// did counts the outcomes of an object with a result.
func (b *book) did(o object, result string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.ends[o] {
		if e.result == result {
			n++
		}
	}
	return n
}

// audit is what the API server's audit log says that aeod changed.
type audit struct {
	mu  sync.Mutex
	log *cluster.AuditLog
	all []cluster.AuditEvent
}

// changes returns the calls of aeod that changed an object that is not its own
// bookkeeping, for objects that keep wants.
func (a *audit) changes(keep func(object) bool) ([]cluster.AuditEvent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh, err := a.log.Next(func(e cluster.AuditEvent) bool {
		return e.Changed() && e.UserAgent == "aeod" && e.Object != nil && !strings.Contains(e.RequestURI, "dryRun=") && !exempt(e)
	})
	a.all = append(a.all, fresh...)
	if err != nil {
		return nil, err
	}
	var out []cluster.AuditEvent
	for _, e := range a.all {
		if keep(objectOf(e)) {
			out = append(out, e)
		}
	}
	return out, nil
}

// exempt tells whether a call is bookkeeping of aeod's own: statuses and
// finalizers of Applications, Releases, Events, Leases and its own Secrets. They
// are no changes of what Git describes, and have no entries.
func exempt(e cluster.AuditEvent) bool {
	o := e.Object
	switch {
	case o.Group == "autoecoops.io", o.Resource == "events", o.Resource == "leases":
		return true
	case o.Resource == "secrets" && (o.Name == "aeod-digest-key" || o.Namespace == "autoecoops" && o.Name == ""):
		return true
	}
	return false
}

func objectOf(e cluster.AuditEvent) object {
	o := object{e.Object.Resource, e.Object.Namespace, e.Object.Name}
	if o.resource == "namespaces" {
		o.namespace = ""
	}
	return o
}

// bodies are all entries of a ledger as they are kept.
func bodies(t *testing.T, file string) [][]byte {
	t.Helper()
	store, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := store.Bodies(t.Context(), 0, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
