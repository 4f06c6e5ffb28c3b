package delivery

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
)

// TestASubmoduleIsNoAbsence refuses a folder of which a part became a submodule:
// what is not fetched must not count as deleted.
func TestASubmoduleIsNoAbsence(t *testing.T) {
	w := newWorkshop(t)
	first := w.commit("app/a.yaml", manifest("a", "1"))
	w.git("update-index", "--add", "--cacheinfo", "160000,"+first+",app/sm")
	w.git("update-index", "--add", "--cacheinfo", "160000,"+first+",docs")
	w.git("commit", "-q", "-m", "submodules")
	second := w.git("rev-parse", "HEAD")
	r, app := w.remote()
	if _, _, err := r.Resolve(t.Context(), app, 0); err != nil {
		t.Fatal(err)
	}
	render := func(rev string) error {
		t.Helper()
		tree, err := r.Fetch(t.Context(), app, rev)
		if err != nil {
			t.Fatal(err)
		}
		_, err = plain(record(tree), "app")
		return err
	}
	if err := render(first); err != nil {
		t.Error(err)
	}
	err := render(second)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "app/sm") || !strings.Contains(err.Error(), "submodule") {
		t.Errorf("a submodule in the folder: %v", err)
	}
}
