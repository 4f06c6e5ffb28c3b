package alertmanager_test

import (
	"context"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

func start(t *testing.T) (*prometheustest.Alertmanager, string) {
	t.Helper()
	dir := t.TempDir()
	a, err := prometheustest.StartAlertmanager(t.Context(), prometheustest.NeedAlertmanager(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop() }) // it may be stopped already
	return a, dir
}

// sender is one that runs until stop is called.
func sender(t *testing.T, urls ...string) (s *alertmanager.Sender, stop func()) {
	t.Helper()
	return senderWith(t, alertmanager.Options{URLs: urls, Timeout: 2 * time.Second})
}

func senderWith(t *testing.T, o alertmanager.Options) (s *alertmanager.Sender, stop func()) {
	t.Helper()
	s, err := alertmanager.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, run(t, s)
}

func run(t *testing.T, s *alertmanager.Sender) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// has waits until an Alertmanager has n alerts, and returns them.
func has(t *testing.T, a *prometheustest.Alertmanager, n int) []prometheustest.Told {
	t.Helper()
	var all []prometheustest.Told
	var err error
	for range 400 {
		if all, err = a.Alerts(t.Context()); err == nil && len(all) == n {
			return all
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("there are %d alerts, not %d (%v): %v", len(all), n, err, all)
	return nil
}

func subject() follow.Subject {
	o := slo.Objective{Name: "availability", Service: "shop", Target: 0.999, Period: slo.Period{Rolling: 30 * 24 * time.Hour}, Labels: map[string]string{"team": "cart"}, Annotations: map[string]string{"runbook_url": "https://example.com/r"}}
	o.Alerting = slo.DefaultAlerting(o.Period)
	return follow.Subject{Namespace: "shop", Name: "availability", Objective: &o}
}

func burning(tier string, severity slo.Severity, opened time.Time) *slo.Status {
	return &slo.Status{State: slo.Measured, Incident: &slo.Incident{Opened: opened, Tier: tier, Peak: tier, Severity: severity}, Burns: []slo.Burn{{Window: time.Hour, Bad: 20, Total: 100, Rate: 200, Known: true}}}
}

// TestIncident has a real Alertmanager hear of an incident that escalates, over a
// restart of who tells, and over one of its own.
func TestIncident(t *testing.T) {
	a, dir := start(t)
	x, opened := subject(), time.Now().Add(-time.Minute).Truncate(time.Second)
	var book follow.Book
	turn := func(s *alertmanager.Sender, st *slo.Status) {
		s.Send(book.Turn(follow.Firing(x, st), st.State, time.Now()))
	}
	s, stop := sender(t, a.URL)
	turn(s, burning("page-slow", slo.Page, opened))
	first := has(t, a, 1)[0]
	if l := first.Labels; l["alertname"] != "ErrorBudgetBurn" || l["severity"] != "page" || l["objective"] != "availability" || l["namespace"] != "shop" || l["team"] != "cart" || first.Annotations["runbook_url"] == "" || first.Annotations["summary"] == "" {
		t.Errorf("%v %v", l, first.Annotations)
	}
	if until := time.Until(first.EndsAt); until < 10*time.Minute {
		t.Errorf("it ends in %s: a restart could resolve it", until)
	}
	turn(s, burning("page-fast", slo.Page, opened))
	stop()

	// Another process, which knows only what the status says.
	s, stop = sender(t, a.URL)
	book = follow.Book{}
	book.Adopt(follow.Firing(x, burning("page-slow", slo.Page, opened)))
	turn(s, &slo.Status{State: slo.Unmeasured}) // nothing is known yet
	if again := has(t, a, 1)[0]; again.Fingerprint != first.Fingerprint || !again.StartsAt.Equal(first.StartsAt) {
		t.Errorf("it is another alert: %v", again)
	}
	turn(s, burning("page-fast", slo.Page, opened))

	// The Alertmanager is away while the incident eases to a ticket.
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	turn(s, burning("ticket-slow", slo.Ticket, opened))
	for s.Peers()[0].Failed < 2 {
		time.Sleep(50 * time.Millisecond)
	}
	if err := a.Start(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if eased := has(t, a, 1)[0]; eased.Labels["severity"] != "ticket" {
		t.Errorf("%v", eased)
	}
	turn(s, &slo.Status{State: slo.Measured})
	has(t, a, 0)
	stop()
	if p := s.Peers()[0]; p.Waiting != 0 || p.Lost != 0 || p.Failed < 2 {
		t.Errorf("%+v", p)
	}
}

// TestOneIsRefused has an Alertmanager refuse one alert of several: the others
// arrive, and the loss is counted.
func TestOneIsRefused(t *testing.T) {
	a, _ := start(t)
	s, stop := sender(t, a.URL)
	defer stop()
	now := time.Now()
	var all []follow.Alert
	for _, name := range []string{"a", "b", "bad name", "c"} {
		all = append(all, follow.Alert{Labels: map[string]string{"alertname": "x", "n": name, map[bool]string{true: "bad name", false: "fine"}[name == "bad name"]: "y"}, Starts: now, Ends: now.Add(time.Hour)})
	}
	s.Send(all)
	has(t, a, 3)
	for range 100 {
		if p := s.Peers()[0]; p.Lost == 1 && p.Waiting == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%+v", s.Peers()[0])
}
