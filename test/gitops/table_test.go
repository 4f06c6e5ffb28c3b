package gitops

import (
	"fmt"
	"net/http"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

// scenarios are all that there are, apart from the storms.
func scenarios() []scenario {
	var all []scenario
	for _, part := range [][]scenario{writeFaults(), readFaults(), drifts(), sources(), admissions(), policies(), secrets(), moves(), kills(), operators(), artifacts(), databases()} {
		all = append(all, part...)
	}
	return all
}

// fault is a way in which a call goes wrong.
type failing struct {
	name  string
	fault faultproxy.Fault
}

func faults() []failing {
	return []failing{
		{"429", faultproxy.Answer(http.StatusTooManyRequests, 1, "too many requests")},
		{"500", faultproxy.Answer(http.StatusInternalServerError, 0, "etcdserver: request timed out")},
		{"503", faultproxy.Answer(http.StatusServiceUnavailable, 0, "the server is currently unable to handle the request")},
		{"504", faultproxy.Answer(http.StatusGatewayTimeout, 0, "request did not complete within the allotted timeout")},
		{"reset", faultproxy.Reset()},
		{"answer lost", faultproxy.LoseAnswer()},
		{"answer cut", faultproxy.Truncate(40)},
		{"slow", faultproxy.Delay(900 * time.Millisecond)},
	}
}

// writeFaults has the n-th write of a scenario go wrong, for every n that there
// is: in a first sync, and in a change that adds, edits and deletes.
func writeFaults() []scenario {
	var all []scenario
	for i, f := range faults() {
		for n := range 8 {
			all = append(all, scenario{
				name: fmt.Sprintf("first sync, write %d: %s", n+1, f.name), quick: n == i%8, raw: true,
				before: func(w *world) {
					w.inject(faultproxy.Rule{Match: w.mine(faultproxy.Writes()...), Skip: n + 1, Times: 1, Fault: f.fault})
				},
				run: func(w *world) { w.synced(); w.note(); w.judge(base()) },
			})
		}
		for n := range 5 {
			all = append(all, scenario{
				name: fmt.Sprintf("change, write %d: %s", n+1, f.name), quick: n == 3 && i%3 == 0,
				run: func(w *world) {
					i := w.inject(faultproxy.Rule{Match: w.objects(faultproxy.Writes()...), Skip: n, Times: 1, Fault: f.fault})
					next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": "", "d.yaml": configMap("d", "1"), "k.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {word: second}\n"})
					w.commit(next)
					w.judge(next)
					if n < 3 && i.Hits() != 1 {
						w.Errorf("the fault came %d times", i.Hits())
					}
				},
			})
		}
	}
	return all
}

// readFaults has reads go wrong that a change needs.
func readFaults() []scenario {
	var all []scenario
	for _, f := range faults() {
		all = append(all, scenario{
			name: "hand-made field, reads fail: " + f.name,
			run: func(w *world) {
				// Undoing what a person added needs a read before the write.
				w.inject(faultproxy.Rule{Match: w.objects("get", "list"), Times: 3, Fault: f.fault})
				w.edit("ConfigMap", "a", `{"data":{"added":"by hand"}}`)
				w.without("ConfigMap", "a", "data", "added")
				w.judge(base())
			},
		})
	}
	return all
}
