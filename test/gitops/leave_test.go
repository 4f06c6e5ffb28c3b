package gitops

import (
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shelf holds the ledgers of all aeods of a run.
type shelf struct {
	mu    sync.Mutex
	books []*book
}

// more adds a ledger whose file stays until the end of its scenario, and what
// was read of it for longer.
func (s *suite) more(b *book) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	s.shelf.books = append(s.shelf.books, b)
}

func (s *suite) everyBook() []*book {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	return append([]*book{s.book}, s.shelf.books...)
}

// leave takes away what the scenario made, without waiting for it.
func (w *world) leave() {
	ctx := contextOf(w.T)
	for _, b := range w.books {
		if b == w.suite.book {
			continue
		}
		if err := b.finish(ctx); err != nil {
			w.Errorf("read the ledger to its end: %v", err)
		}
	}
	apps := w.client.Resource(resources["Application"]).Namespace(w.home)
	if err := apps.Delete(ctx, w.ns, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		w.Errorf("delete the Application: %v", err)
	}
	// The scenario is over: what becomes of its objects is the namespace's affair.
	_, err := apps.Patch(ctx, w.ns, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.Errorf("let go of the Application: %v", err)
	}
	if err := w.client.Resource(resources["Namespace"]).Delete(ctx, w.ns, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.Errorf("delete the namespace: %v", err)
	}
}
