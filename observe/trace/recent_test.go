package trace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// TestTheNewestOfAWindow has more traces than are asked for.
func TestTheNewestOfAWindow(t *testing.T) {
	w := window(t, trace.Options{})
	if len(w.Services()) != 0 || len(w.Recent(trace.Query{})) != 0 {
		t.Error("an empty window has something")
	}
	const n = 1500
	for i := range n {
		var id trace.ID
		copy(id[:], fmt.Sprintf("%08d", i))
		name := "web"
		if i%2 == 0 {
			name = "cart"
		}
		w.Add(epoch.Add(time.Duration(i)*time.Millisecond), []trace.Span{at(name, 1, 0, trace.Server, int64(i), int64(i)+1, func(s *trace.Span) { s.Trace = id; s.Failed = i == 0 })})
	}
	if all := w.Services(); len(all) != 2 || all[0].Service != "cart" || all[1].Service != "web" {
		t.Errorf("services %v", all)
	}
	got := w.Recent(trace.Query{Limit: 3})
	if len(got) != 3 || !got[0].Start.Equal(epoch.Add((n-1)*time.Millisecond)) || !got[2].Start.Equal(epoch.Add((n-3)*time.Millisecond)) {
		t.Errorf("the newest are %+v", got)
	}
	sample, err := w.Sample(t.Context(), epoch.Add(100*time.Millisecond), epoch.Add(200*time.Millisecond), 1000)
	if err != nil || len(sample) < 99 || len(sample) > 101 {
		t.Errorf("a sample of %d, %v", len(sample), err)
	}
	if spans, err := w.Spans(got[0].ID); err != nil || len(spans) != 1 {
		t.Errorf("%d spans, %v", len(spans), err)
	}
	if _, err := w.Spans(trace.ID{1}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a trace that is not there: %v", err)
	}
}
