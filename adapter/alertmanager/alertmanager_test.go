package alertmanager_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// TestAddresses refuses what is no address, and two of the same.
func TestAddresses(t *testing.T) {
	for _, urls := range [][]string{{""}, {"alertmanager:9093"}, {"ftp://x"}, {"http://"}, {"http://u:p@x"}, {"http://x?a=b"}, {"http://x#a"}, {"http://x", "http://x/"}, {"http://x/a", "https://x/a"}, {"http://\x7f"}} {
		if _, err := alertmanager.New(alertmanager.Options{URLs: urls}); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", urls, err)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	if _, err := alertmanager.New(alertmanager.Options{Access: rest.Access{Login: rest.Login{Token: "a\nb"}}}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	// Those on one host are told apart: their metrics need a name for each.
	s, err := alertmanager.New(alertmanager.Options{URLs: []string{"http://x/a", "http://x/b/"}})
	if err != nil || s.Peers()[0].Name != "x/a" || s.Peers()[1].Name != "x/b" {
		t.Errorf("%v %+v", err, s.Peers())
	}
}

// double is an Alertmanager that answers as it is told.
type double struct {
	mu     sync.Mutex
	answer func(n int, labels []map[string]string) int
	asked  int
	taken  []map[string]string
	path   string
	token  string
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var all []struct{ Labels map[string]string }
	err := json.NewDecoder(r.Body).Decode(&all)
	d.mu.Lock()
	defer d.mu.Unlock()
	labels := make([]map[string]string, len(all))
	for i := range all {
		labels[i] = all[i].Labels
	}
	d.asked++
	d.path, d.token = r.URL.Path, r.Header.Get("Authorization")
	code := d.answer(d.asked, labels)
	if err != nil {
		code = 400
	}
	if code/100 == 2 {
		d.taken = append(d.taken, labels...)
	}
	if code/100 == 3 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(code)
	fmt.Fprint(w, "why")
}

func alert(i int) follow.Alert {
	now := time.Now()
	return follow.Alert{Labels: map[string]string{"alertname": "x", "i": fmt.Sprint(i)}, Starts: now, Ends: now.Add(time.Hour)}
}

// TestAnswers has an Alertmanager answer in all ways: what can be tried again is,
// what cannot is counted as lost, and nothing waits behind it.
func TestAnswers(t *testing.T) {
	first := func(code int) func(int, []map[string]string) int {
		return func(n int, _ []map[string]string) int {
			if n == 1 {
				return code
			}
			return 200
		}
	}
	for name, c := range map[string]struct {
		answer       func(int, []map[string]string) int
		alerts       int
		taken, lost  int
		failed       uint64
		kind         fault.Kind // of the first failure, if it is seen
		holdsForEver bool
	}{
		"takes all":               {first(200), 1200, 1200, 0, 0, 0, false},
		"is overloaded once":      {first(503), 3, 3, 0, 1, 0, false},
		"limits once":             {first(429), 3, 3, 0, 1, 0, false},
		"refuses one of many":     {func(_ int, l []map[string]string) int { return refuseIf(l, "7") }, 40, 39, 1, 6, 0, false},
		"refuses all":             {func(int, []map[string]string) int { return 400 }, 3, 0, 3, 4, 0, false},
		"finds a batch too large": {func(_ int, l []map[string]string) int { return map[bool]int{true: 413, false: 200}[len(l) > 10] }, 100, 100, 0, 16, 0, false},
		"wants a token":           {func(int, []map[string]string) int { return 401 }, 2, 0, 0, 1, fault.Denied, true},
		"leads elsewhere":         {func(int, []map[string]string) int { return 302 }, 2, 0, 0, 1, fault.Unavailable, true},
		"is away":                 {func(int, []map[string]string) int { return 500 }, 2, 0, 0, 1, fault.Unavailable, true},
	} {
		d := &double{answer: c.answer}
		web := httptest.NewServer(d)
		s, stop := senderWith(t, alertmanager.Options{URLs: []string{web.URL + "/prefix/"}, Access: rest.Access{Login: rest.Login{Token: "secret"}}})
		var all []follow.Alert
		for i := range c.alerts {
			all = append(all, alert(i))
		}
		s.Send(all)
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if p := s.Peers()[0]; p.Waiting == 0 || c.holdsForEver && p.Failed > 0 {
				break
			}
		}
		p := s.Peers()[0]
		stop()
		web.Close()
		if len(d.taken) != c.taken || int(p.Lost) != c.lost || p.Failed < min(c.failed, 1) || p.Failed > c.failed+2 || c.holdsForEver && (p.Waiting != c.alerts || fault.KindOf(p.Err) != c.kind) || int(p.Delivered) != c.taken {
			t.Errorf("%s: %d taken, %+v", name, len(d.taken), p)
		}
		if d.path != "/prefix/api/v2/alerts" || d.token != "Bearer secret" {
			if d.path != "/elsewhere" {
				t.Errorf("%s: %q %q", name, d.path, d.token)
			}
		}
	}
}

func refuseIf(all []map[string]string, i string) int {
	for _, l := range all {
		if l["i"] == i {
			return 400
		}
	}
	return 200
}

// TestWaiting bounds what waits, keeps the newest state of an alert, and sends
// what ended first.
func TestWaiting(t *testing.T) {
	var order []string
	d := &double{answer: func(_ int, l []map[string]string) int {
		for _, x := range l {
			order = append(order, x["i"])
		}
		return 200
	}}
	web := httptest.NewServer(d)
	defer web.Close()
	s, err := alertmanager.New(alertmanager.Options{URLs: []string{web.URL}})
	if err != nil {
		t.Fatal(err)
	}
	var all []follow.Alert
	for i := range alertmanager.MaxWaiting + 5 {
		all = append(all, alert(i))
	}
	s.Send(all)
	over := alert(19_999)
	over.Ends = time.Now().Add(-time.Second)
	s.Send([]follow.Alert{over}) // one that waits already: there is room
	if p := s.Peers()[0]; p.Waiting != alertmanager.MaxWaiting || p.Lost != 5 {
		t.Errorf("%+v", p)
	}
	stop := run(t, s)
	for end := time.Now().Add(10 * time.Second); s.Peers()[0].Waiting > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if p := s.Peers()[0]; p.Waiting != 0 || len(order) != alertmanager.MaxWaiting || order[0] != "19999" {
		t.Errorf("%+v, %d, first %v", p, len(order), order[:1])
	}
}

// TestEnd sends what the end of the program left, and does not wait for ever for
// one that is away.
func TestEnd(t *testing.T) {
	for code, waiting := range map[int]int{200: 0, 503: 1} {
		d := &double{answer: func(int, []map[string]string) int { return code }}
		web := httptest.NewServer(d)
		s, stop := senderWith(t, alertmanager.Options{URLs: []string{web.URL}, Now: time.Now})
		began := time.Now()
		s.Send([]follow.Alert{alert(1)})
		stop()
		web.Close()
		if p := s.Peers()[0]; p.Waiting != waiting || time.Since(began) > 5*time.Second {
			t.Errorf("%d: %+v after %s", code, p, time.Since(began))
		}
	}
}
