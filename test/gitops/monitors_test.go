package gitops

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

// note is an event of an anomaly, as the API server has it.
type note struct{ typ, reason, text string }

// notes lists the events of anomalies of an Application.
func (w *world) notes() (out []note, err error) {
	list, err := w.client.Resource(resources["Event"]).Namespace(w.home).List(w.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=Application,involvedObject.name=" + w.ns})
	if err != nil {
		return nil, err
	}
	for _, e := range list.Items {
		n := note{}
		n.typ, _, _ = unstructured.NestedString(e.Object, "type")
		n.reason, _, _ = unstructured.NestedString(e.Object, "reason")
		n.text, _, _ = unstructured.NestedString(e.Object, "message")
		if strings.HasPrefix(n.reason, "Anomaly") {
			out = append(out, n)
		}
	}
	return out, nil
}

// told waits until so many events tell something of a monitor, and returns the last.
func (w *world) told(monitor, reason string, times int) (last note) {
	w.Helper()
	await(w.T, scenarioTime, fmt.Sprintf("%d times %s of %s", times, reason, monitor), func() string {
		all, err := w.notes()
		if err != nil {
			return err.Error()
		}
		n := 0
		for _, x := range all {
			if x.reason == reason && strings.HasPrefix(x.text, monitor+" of ") {
				n, last = n+1, x
			}
		}
		if n != times {
			return fmt.Sprintf("%d times: %v", n, all)
		}
		return ""
	})
	return last
}

// toldMonitors has an aeod tell with events of what is abnormal of two monitors of an
// Application: of one that was so when it came, and of one that becomes so while aeod is
// dead. Killed and started again it tells neither anew, and it tells when they end.
func toldMonitors(t *testing.T, s *suite) {
	w := newWorld(t, s, "told-monitors", "")
	d := s.observer(t, w.ns)
	var queue, backlog atomic.Int64 // what they are in the midst
	queue.Store(500)
	backlog.Store(20)
	began := time.Now().Add(-110 * time.Second)
	sample(t, d, 15*time.Minute, func(at time.Time) map[string]float64 {
		q := int64(50)
		if at.After(began) {
			q = queue.Load()
		}
		return map[string]float64{
			"__name__=queue_length;namespace=elsewhere": float64(q) + noise(at, 0),
			"__name__=backlog;namespace=elsewhere":      float64(backlog.Load()) + noise(at, 1),
		}
	})
	w.commit(base())
	w.apply(func(a *v1alpha1.Application) {
		a.Spec.Monitors = []v1alpha1.Monitor{{Name: "queue", Expr: "sum(queue_length)", Unit: "orders"}, {Name: "backlog", Expr: "max(backlog)", Worse: "Higher"}}
	})
	first := w.told("queue", "Anomaly", 1)
	if first.typ != "Warning" || !regexp.MustCompile("^queue of told-monitors/told-monitors is 50[01] orders, expected [\\d.]+ orders to [\\d.]+ orders, since [\\d:]{8}; see `aeo observe explain --applications [0-9a-f]{8}`$").MatchString(first.text) {
		t.Errorf("%+v", first)
	}

	// It comes back so late that the first thing it sees is the backlog.
	d.kill()
	backlog.Store(900)
	time.Sleep(4 * time.Second)
	w.again(d)
	second := w.told("backlog", "Anomaly", 1)
	// It comes back and knows its Applications late, as if another had led.
	d.kill()
	late := w.inject(faultproxy.Rule{Match: faultproxy.Match{Verbs: []string{"list"}, Path: regexp.MustCompile("/namespaces/" + w.ns + "/applications$")}, Times: 1, Fault: faultproxy.Delay(3 * time.Second)})
	w.again(d)
	await(t, scenarioTime, "Applications are listed late", func() string {
		if late.Hits() == 0 {
			return "not yet"
		}
		return ""
	})
	time.Sleep(5 * time.Second)
	queue.Store(50)
	// Warnings go first, so that one that was told anew would be there before the end.
	ended := w.told("queue", "AnomalyEnded", 1)
	if again := w.told("queue", "Anomaly", 1); again != first {
		t.Errorf("%v instead of %v", again, first)
	}
	if again := w.told("backlog", "Anomaly", 1); again != second {
		t.Errorf("%v instead of %v", again, second)
	}
	_, id, _ := strings.Cut(first.text, "--applications ")
	if ended.typ != "Normal" || ended.text != "queue of told-monitors/told-monitors is as usual again ("+strings.TrimSuffix(id, "`")+")" {
		t.Errorf("%+v of %s", ended, first.text)
	}
	if all, err := w.notes(); err != nil || len(all) != 3 {
		t.Errorf("%v %v", all, err)
	}
}
