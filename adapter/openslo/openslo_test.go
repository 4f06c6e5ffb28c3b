package openslo_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/openslo"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/observe/slo"
)

func file(t testing.TB, name string) openslo.File {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return openslo.File{Name: name, Docs: yamldoc.Parse(text)}
}

func TestOpenSLO(t *testing.T) {
	found, problems := openslo.Read([]openslo.File{file(t, "openslo.yaml")}, openslo.Options{})
	if len(problems) > 0 || len(found) != 3 {
		t.Fatalf("%d objectives, problems %v", len(found), problems)
	}
	o := found[0].Objective
	if o.ID() != "shop/availability" || o.Target != 0.999 || o.Period.Rolling != 28*24*time.Hour || o.Labels["team"] != "checkout,shop" || o.Description != "The shop answers" {
		t.Errorf("%+v", o)
	}
	if o.Indicator.Good.Selector != `http_requests_total{job="shop",code!~"5.."}` || o.Indicator.Total.Selector != `http_requests_total{job="shop"}` || !o.Indicator.Bad.Empty() || !o.Indicator.Followable() {
		t.Errorf("%+v", o.Indicator)
	}
	want := []slo.Tier{
		{Name: "burns-fast", Severity: slo.Page, Long: time.Hour, Short: 5 * time.Minute, Factor: 14.4, For: 2 * time.Minute},
		{Name: "burns-slow", Severity: slo.Ticket, Long: 24 * time.Hour, Short: 2 * time.Hour, Factor: 3},
	}
	if fmt.Sprintf("%+v", o.Alerting.Tiers) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v", o.Alerting.Tiers)
	}
	if found[0].Position.Line != 61 {
		t.Errorf("it is at %s", found[0].Position)
	}
	o = found[1].Objective
	if o.Name != "queue-short" || o.Target != 0.99 || o.Budgeting != slo.TimeSlices || o.Slice != (slo.Slice{Width: 5 * time.Minute, Target: 0.9}) ||
		o.Indicator.Op != slo.LessEqual || o.Indicator.Value != 100 || o.Indicator.Gauge.Template != `max(queue_length{job="shop"})` ||
		o.Period.Calendar != slo.Month || o.Period.Zone.String() != "Europe/Berlin" {
		t.Errorf("%+v", o)
	}
	if o = found[2].Objective; o.Name != "queue-never-huge" || o.Indicator.Op != slo.Less || o.Slice.Width != time.Minute {
		t.Errorf("%+v", o)
	}
}

func TestSloth(t *testing.T) {
	found, problems := openslo.Read([]openslo.File{file(t, "sloth.yaml")}, openslo.Options{})
	if len(problems) > 0 || len(found) != 3 {
		t.Fatalf("%d objectives, problems %v", len(found), problems)
	}
	o := found[0].Objective
	if o.ID() != "shop/requests" || o.Target != 0.999 || o.Period.Rolling != 30*24*time.Hour || o.Labels["owner"] != "checkout" || o.Labels["kind"] != "availability" || o.Annotations["runbook"] == "" {
		t.Errorf("%+v", o)
	}
	if o.Indicator.Bad.Selector != `http_requests_total{job="shop",code=~"(5..|429)"}` || o.Indicator.Total.Selector != `http_requests_total{job="shop"}` {
		t.Errorf("%+v", o.Indicator)
	}
	if tiers := o.Alerting.Tiers; len(tiers) != 2 || tiers[0].Factor != 14.4 || tiers[1].Factor != 6 || tiers[0].Labels["severity"] != "critical" || tiers[1].Labels["routing"] != "checkout" {
		t.Errorf("%+v", o.Alerting.Tiers)
	}
	if len(found[0].Notes) != 1 || !strings.Contains(found[0].Notes[0], "ShopErrors") {
		t.Errorf("%q", found[0].Notes)
	}
	o = found[1].Objective
	if o.Target != 0.9 || !o.Alerting.Off || !strings.Contains(o.Indicator.Bad.Template, "[{{.window}}]") || !o.Indicator.Bad.PerSecond || o.Indicator.Total.Selector != `latency_count{job="shop"}` || o.Indicator.Followable() {
		t.Errorf("%+v", o)
	}
	o = found[2].Objective
	if o.ID() != "cart/requests" || o.Target != 0.9995 || o.Indicator.Bad.Selector != "cart_errors_total" || o.Indicator.Total.Selector != "cart_requests_total" || len(o.Alerting.Tiers) != 4 || o.Alerting.Tiers[0].Annotations["summary"] != "cart" {
		t.Errorf("%+v", o)
	}
}

// TestSlothOfOtherPeriods keeps Sloth's windows and changes its factors.
func TestSlothOfOtherPeriods(t *testing.T) {
	found, problems := openslo.Read([]openslo.File{file(t, "sloth.yaml")}, openslo.Options{Period: 28 * 24 * time.Hour})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if x := found[0].Objective.Alerting.Tiers[0]; x.Factor != 13.44 || x.Long != time.Hour {
		t.Errorf("%+v", x)
	}
}

func TestAnObjectiveAcrossFiles(t *testing.T) {
	text, err := os.ReadFile("testdata/openslo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var files []openslo.File
	for i, part := range strings.Split(string(text), "\n---\n") {
		files = append(files, openslo.File{Name: fmt.Sprint(i, ".yaml"), Docs: yamldoc.Parse([]byte(part))})
	}
	found, problems := openslo.Read(files, openslo.Options{})
	if len(problems) > 0 || len(found) != 3 || found[0].Position.File != "5.yaml" {
		t.Errorf("%v %v", found, problems)
	}
}

// problemsOf reads a text in which a # want comment stands on each line that
// has a problem, with a part of its message.
func problemsOf(t *testing.T, text string) {
	t.Helper()
	var want []string
	for i, l := range strings.Split(text, "\n") {
		if _, message, ok := strings.Cut(l, "# want "); ok {
			for m := range strings.SplitSeq(message, "; ") {
				want = append(want, fmt.Sprintf("x.yaml:%d:%s", i+1, m))
			}
		}
	}
	found, problems := openslo.Read([]openslo.File{{Name: "x.yaml", Docs: yamldoc.Parse([]byte(text))}}, openslo.Options{})
	if len(found) > 0 {
		t.Errorf("it was read: %+v", found)
	}
	for _, p := range problems {
		hit := -1
		for i, w := range want {
			file, message := strings.Join(strings.SplitN(w, ":", 3)[:2], ":"), strings.SplitN(w, ":", 3)[2]
			if strings.HasPrefix(p.String(), file+":") && strings.Contains(p.Message, message) {
				hit = i
			}
		}
		if hit < 0 {
			t.Errorf("not expected: %s", p)
			continue
		}
		want = append(want[:hit], want[hit+1:]...)
	}
	for _, w := range want {
		t.Errorf("not found: %s\nproblems: %v", w, problems)
	}
}
