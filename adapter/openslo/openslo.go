package openslo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// openSLO reads a document of OpenSLO. Those that an SLO refers to are checked
// here too, so that a mistake is found even where nothing refers to it.
func (r *reader) openSLO(root tree.Node, kind string) {
	since := len(r.problems)
	f := r.open(root, "")
	f.skip("apiVersion", "kind")
	m := f.sub("metadata", true)
	name := m.needText("name")
	m.skip("displayName", "annotations")
	labels := m.texts("labels")
	m.done()
	spec := f.sub("spec", true)
	f.done()
	switch kind {
	case "SLO":
		r.slo(spec, name, labels, since)
	case "SLI":
		r.indicator(spec)
	case "DataSource":
		r.dataSource(spec)
	case "AlertPolicy":
		r.policy(spec)
	case "AlertCondition":
		r.condition(spec, name)
	case "AlertNotificationTarget":
		spec.skip("target", "description")
		spec.done()
	case "Service":
		spec.skip("description")
		spec.done()
	default:
		r.fail(root.Get("kind"), "there is no kind %q in OpenSLO: use SLO, SLI, DataSource, Service, AlertPolicy, AlertCondition or AlertNotificationTarget", kind)
	}
}

// refer reads the object that a field names, in its own file.
func (r *reader) refer(n tree.Node, kind string, read func(spec *fields, name string)) {
	o := r.objects[kind][n.Str()]
	if o == nil {
		r.fail(n, "there is no %s called %q in the files that were given", kind, n.Text())
		return
	}
	file, root := r.file, r.root
	r.file, r.root = o.file, o.root
	read(r.open(o.root.Get("spec"), "spec"), n.Str())
	r.file, r.root = file, root
}

// slo reads the spec of an SLO: one objective for each of its objectives. since
// is how many problems there were before the document.
func (r *reader) slo(spec *fields, name string, labels map[string]string, since int) {
	base := slo.Objective{Service: spec.needText("service"), Description: spec.text("description"), Labels: labels}
	base.Period = r.window(spec)
	base.Budgeting = r.budgeting(spec.need("budgetingMethod"))
	base.Alerting = slo.DefaultAlerting(base.Period)
	if policies := spec.list("alertPolicies"); len(policies) > 0 {
		base.Alerting.Tiers = nil
		for i, n := range policies {
			base.Alerting.Tiers = append(base.Alerting.Tiers, r.policyOf(n, fmt.Sprintf("spec.alertPolicies[%d]", i))...)
		}
		slices.SortStableFunc(base.Alerting.Tiers, func(a, b slo.Tier) int {
			if a.Severity != b.Severity {
				return int(b.Severity) - int(a.Severity)
			}
			return int(b.Factor*1000) - int(a.Factor*1000)
		})
		base.Alerting.Off = len(base.Alerting.Tiers) == 0
	}
	shared := r.indicatorOf(spec)
	all := spec.list("objectives")
	if len(all) == 0 && spec.n.Get("objectives").Len() == 0 && spec.n.Exists() {
		r.fail(spec.n, "spec.objectives is missing or empty")
	}
	spec.done()
	broken := len(r.problems) > since
	for i, n := range all {
		o, since := base, len(r.problems)
		o.Labels, o.Alerting.Tiers = maps.Clone(base.Labels), slices.Clone(base.Alerting.Tiers)
		r.objective(n, fmt.Sprintf("spec.objectives[%d]", i), &o, shared)
		if o.Name = name; len(all) > 1 {
			o.Name = name + "-" + slug(n.Get("displayName").Str(), i)
		}
		if !broken {
			r.add(n, o, nil, since)
		}
	}
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes a name of the words that people see.
func slug(words string, i int) string {
	if s := strings.Trim(notWord.ReplaceAllString(strings.ToLower(words), "-"), "-"); s != "" {
		return s
	}
	return strconv.Itoa(i + 1)
}

func (r *reader) objective(n tree.Node, path string, o *slo.Objective, shared *source) {
	f := r.open(n, path)
	f.text("displayName")
	f.refuse("objectives made of others are not supported", "compositeWeight")
	own := r.indicatorOf(f)
	switch {
	case own != nil && shared != nil:
		r.fail(n, "%s has an indicator, and the SLO has one too", path)
	case own == nil && shared == nil:
		r.fail(n, "there is no indicator: set indicator or indicatorRef in spec")
	case own != nil:
		shared = own
	}
	if shared != nil {
		o.Indicator = shared.indicator
		r.comparison(f, o, shared.threshold)
	}
	target, given := f.number("target")
	percentage, also := f.number("targetPercent")
	switch {
	case given && also:
		r.fail(f.n.Get("targetPercent"), "%s.target says it too", path)
	case also:
		target = share(percentage)
	case !given && !f.n.Has("target"):
		r.fail(n, "%s.target is missing", path)
	}
	o.Target = target
	sliceTarget, hasTarget := f.number("timeSliceTarget")
	width := f.text("timeSliceWindow")
	if o.Budgeting == slo.TimeSlices {
		o.Slice.Target = sliceTarget
		if o.Slice.Width = r.shorthand(f.n.Get("timeSliceWindow")); width == "" && !f.n.Has("timeSliceWindow") {
			r.fail(n, "%s.timeSliceWindow is missing", path)
		}
		if !hasTarget && !f.n.Has("timeSliceTarget") {
			r.fail(n, "%s.timeSliceTarget is missing", path)
		}
	} else if hasTarget || width != "" {
		r.fail(n, "%s has a time slice, and spec.budgetingMethod is Occurrences", path)
	}
	f.done()
}

// comparison reads op and value, which a threshold needs and nothing else has.
func (r *reader) comparison(f *fields, o *slo.Objective, threshold bool) {
	word, value := f.get("op"), f.get("value")
	v, _ := f.number("value")
	if !threshold {
		// The specification leaves them out for ratios; many files have them.
		return
	}
	op, ok := slo.ParseOp(word.Str())
	if !ok {
		r.fail(orOf(word, f.n), "%s.op must be lte, lt, gte or gt", f.path)
	}
	if !value.Exists() {
		r.fail(f.n, "%s.value is missing", f.path)
	}
	o.Indicator.Op, o.Indicator.Value = op, v
}

func orOf(n, other tree.Node) tree.Node {
	if n.Exists() {
		return n
	}
	return other
}

func (r *reader) budgeting(n tree.Node) slo.Budgeting {
	switch n.Str() {
	case "Timeslices":
		return slo.TimeSlices
	case "Occurrences", "":
	case "RatioTimeslices":
		r.fail(n, "RatioTimeslices is not supported: it averages ratios, which weighs quiet times like busy ones; use Occurrences or Timeslices")
	default:
		r.fail(n, "%q is no method of budgeting: use Occurrences or Timeslices", n.Str())
	}
	return slo.Occurrences
}

// window reads the one time window.
func (r *reader) window(spec *fields) slo.Period {
	all := spec.list("timeWindow")
	if len(all) != 1 {
		if spec.n.Exists() {
			r.fail(orOf(spec.n.Get("timeWindow"), spec.n), "spec.timeWindow must have exactly one entry, not %d", len(all))
		}
		return slo.Period{}
	}
	f := r.open(all[0], "spec.timeWindow[0]")
	n := f.need("duration")
	rolling, given := f.n.Get("isRolling").Bool()
	f.flag("isRolling")
	calendar := f.sub("calendar", false)
	defer f.done()
	if rolling || !given && !calendar.n.Exists() {
		if calendar.n.Exists() {
			r.fail(calendar.n, "a rolling window has no calendar")
		}
		calendar.skip("startTime", "timeZone")
		return slo.Period{Rolling: r.shorthand(n)}
	}
	p := slo.Period{Calendar: map[string]slo.Calendar{"1d": slo.Day, "1w": slo.Week, "1M": slo.Month, "1Q": slo.Quarter, "1Y": slo.Year}[n.Text()]}
	if p.Calendar == slo.Rolling && n.Exists() {
		r.fail(n, "a window of the calendar must be 1d, 1w, 1M, 1Q or 1Y, not %q", n.Text())
	}
	p.Zone = r.zone(calendar.get("timeZone"))
	r.startTime(calendar.get("startTime"), p)
	calendar.done()
	return p
}

func (r *reader) zone(n tree.Node) *time.Location {
	if !n.Exists() {
		return time.UTC
	}
	zone, err := time.LoadLocation(n.Str())
	if err != nil || n.Str() == "" || n.Str() == "Local" {
		r.fail(n, "there is no time zone %q: use a name such as Europe/Berlin", n.Text())
		return time.UTC
	}
	return zone
}

// startTime checks that the calendar's unit begins then: others are not
// supported.
func (r *reader) startTime(n tree.Node, p slo.Period) {
	if !n.Exists() {
		return
	}
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, form := range []string{time.DateTime, time.RFC3339, time.DateOnly} {
		t, err := time.ParseInLocation(form, n.Text(), zone)
		if err != nil {
			continue
		}
		if p.Calendar != slo.Rolling && !p.Begin(t).Equal(t) {
			r.fail(n, "a %s that begins at %s is not supported: it must begin when that of the calendar does", p.Calendar, n.Text())
		}
		return
	}
	r.fail(n, "%q is no time: write 2026-01-01 00:00:00", n.Text())
}

var shorthandForm = regexp.MustCompile(`^([0-9]+)([a-zA-Z]+)$`)

// shorthand reads a duration as OpenSLO writes it: 5m, 28d. Months have 30 days
// there, as everywhere in burn rates.
func (r *reader) shorthand(n tree.Node) time.Duration {
	if !n.Exists() {
		return 0
	}
	m := shorthandForm.FindStringSubmatch(n.Text())
	if m == nil {
		r.fail(n, "%q is no duration: write a whole number and one of m, h, d, w, M, Q, Y", n.Text())
		return 0
	}
	const day = 24 * time.Hour
	unit, known := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "M": 30 * day, "Q": 90 * day, "Y": 365 * day}[m[2]]
	count, err := strconv.ParseInt(m[1], 10, 64) // digits only: the error is that there are too many
	switch {
	case !known:
		r.fail(n, "%q is no duration of OpenSLO: write a whole number and one of m, h, d, w, M, Q, Y", n.Text())
		return 0
	case count == 0 && err == nil:
		r.fail(n, "%q is no time: write 1m or more", n.Text())
		return 0
	case err != nil || count > int64(slo.MaxPeriod/unit):
		r.fail(n, "%q is too long: write %s or less", n.Text(), slo.FormatDuration(slo.MaxPeriod))
		return 0
	}
	return time.Duration(count) * unit
}
