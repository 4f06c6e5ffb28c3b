package openslo

import (
	"fmt"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// policyOf reads an entry of alertPolicies: a reference, or the policy itself.
func (r *reader) policyOf(n tree.Node, path string) (tiers []slo.Tier) {
	read := func(spec *fields, _ string) { tiers = r.policy(spec) }
	if n.IsString() { // v1 allows the bare name too
		r.refer(n, "AlertPolicy", read)
		return tiers
	}
	f := r.open(n, path)
	if ref := f.get("alertPolicyRef"); ref.Exists() {
		f.done()
		r.refer(ref, "AlertPolicy", read)
		return tiers
	}
	f.skip("apiVersion", "kind", "metadata")
	tiers = r.policy(f.sub("spec", true))
	f.done()
	return tiers
}

// policy reads the spec of an AlertPolicy.
func (r *reader) policy(spec *fields) []slo.Tier {
	spec.text("description")
	breaching, given := spec.n.Get("alertWhenBreaching").Bool()
	for _, k := range []string{"alertWhenNoData", "alertWhenResolved", "alertWhenBreaching"} {
		spec.flag(k)
	}
	spec.skip("notificationTargets") // who is told is up to Alertmanager
	conditions := spec.list("conditions")
	if len(conditions) == 0 && spec.n.Exists() {
		r.fail(spec.n, "spec.conditions is missing or empty")
	}
	var tiers []slo.Tier
	for i, n := range conditions {
		tiers = append(tiers, r.conditionOf(n, fmt.Sprintf("spec.conditions[%d]", i))...)
	}
	spec.done()
	if given && !breaching {
		return nil
	}
	return tiers
}

func (r *reader) conditionOf(n tree.Node, path string) (tiers []slo.Tier) {
	f := r.open(n, path)
	if ref := f.get("conditionRef"); ref.Exists() {
		f.done()
		r.refer(ref, "AlertCondition", func(spec *fields, name string) {
			tiers = r.condition(spec, name)
		})
		return tiers
	}
	f.skip("apiVersion", "kind")
	m := f.sub("metadata", true)
	name := m.needText("name")
	m.skip("displayName", "labels", "annotations")
	m.done()
	tiers = r.condition(f.sub("spec", true), name)
	f.done()
	return tiers
}

// condition reads the spec of an AlertCondition. OpenSLO names one window: the
// short one is a twelfth of it, as in the SRE Workbook.
func (r *reader) condition(spec *fields, name string) []slo.Tier {
	spec.text("description")
	since := len(r.problems)
	t := slo.Tier{Name: name, Severity: severityOf(spec.needText("severity"))}
	c := spec.sub("condition", true)
	spec.done()
	if kind := c.need("kind"); kind.Exists() && !strings.EqualFold(kind.Text(), "burnrate") {
		r.fail(kind, "only conditions of kind burnrate are supported, not %q", kind.Text())
	}
	if op := c.need("op"); op.Exists() && op.Text() != "gte" && op.Text() != "gt" {
		r.fail(op, "op %q would alert while the budget burns slowly: write gte", op.Text())
	}
	c.need("threshold")
	t.Factor, _ = c.number("threshold")
	t.Long = r.shorthand(c.need("lookbackWindow"))
	t.Short = (t.Long / 12).Truncate(time.Second)
	if n := c.get("alertAfter"); n.Exists() && n.Text() != "0m" {
		t.For = r.shorthand(n)
	}
	c.done()
	if len(r.problems) > since || !spec.n.Exists() {
		return nil
	}
	return []slo.Tier{t}
}

// severityOf says whether somebody is woken.
func severityOf(word string) slo.Severity {
	switch strings.ToLower(word) {
	case "page", "critical", "high", "emergency", "sev1", "p1":
		return slo.Page
	}
	return slo.Ticket
}
