package deliver_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/autoecoops/autoecoops/deliver"
)

// TestOthersAskWhatIsWanted has another application ask, as pruning does, while
// this one renders and lets go of what it rendered. The race detector judges.
func TestOthersAskWhatIsWanted(t *testing.T) {
	w := newWorld(t)
	var group sync.WaitGroup
	stop := make(chan struct{})
	known := 0
	group.Go(func() {
		// It asks once more after the last push, however late it comes to run.
		for last := false; !last; {
			select {
			case <-stop:
				last = true
			default:
			}
			if wanted, ok := w.engine.Wants(web, deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}); ok && wanted {
				known++
			}
		}
	})
	for i := range 20 {
		w.push(fmt.Sprint("r", i), &commit{objects: []map[string]any{object("ConfigMap", "a", fmt.Sprint(i)), object("ConfigMap", "b", "1")}})
		w.settle()
	}
	close(stop)
	group.Wait()
	if known == 0 {
		t.Error("nobody ever learned what is wanted")
	}
}
