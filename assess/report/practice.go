package report

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// statuses lists the statuses of practices in the order of reports.
var statuses = []scorecard.Status{
	scorecard.Implemented, scorecard.Partly, scorecard.Missing,
	scorecard.Unknown, scorecard.NotApplicable, scorecard.NotEvaluated,
}

// marks has one plain character for each status, in the order of statuses.
const marks = "#+-?~."

func rankOf(s scorecard.Status) int {
	for i, t := range statuses {
		if s == t {
			return i
		}
	}
	return len(statuses) - 1
}

// area is the part of the scorecard about one area.
type area struct {
	id        string
	practices []scorecard.Judged
	counts    [6]int // in the order of statuses
}

// areas groups the practices, in the order in which the report has them.
func areas(ps []scorecard.Judged) []area {
	var all []area
	place := map[string]int{}
	for _, p := range ps {
		i, ok := place[p.Area]
		if !ok {
			i = len(all)
			place[p.Area] = i
			all = append(all, area{id: p.Area})
		}
		all[i].practices = append(all[i].practices, p)
		all[i].counts[rankOf(p.Status)]++
	}
	return all
}

// totals counts all practices by status.
func totals(as []area) (n [6]int) {
	for _, a := range as {
		for i, c := range a.counts {
			n[i] += c
		}
	}
	return n
}

// title turns the slug into words: "ci-security" is "CI security".
func (a area) title() string { return areaTitle(a.id) }

var acronyms = map[string]string{"ci": "CI", "iac": "Infrastructure as code", "gitops": "GitOps"}

func areaTitle(id string) string {
	words := strings.Fields(strings.ReplaceAll(inline(id), "-", " "))
	for i, w := range words {
		if full := acronyms[w]; full != "" {
			words[i] = full
		} else if i == 0 {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// bar draws one mark for each practice, the best first.
func (a area) bar() string {
	var b strings.Builder
	for i, n := range a.counts {
		b.WriteString(strings.Repeat(marks[i:i+1], n))
	}
	return b.String()
}

// checkInfo is what writers say of a check.
type checkInfo struct {
	check.Page
	id        ops.CheckID
	severity  ops.Severity
	practices []string
	known     bool // it is in the catalogue
}

// infos reads the pages of the catalogue, and makes do with the findings for
// checks that are not in it.
func infos(rep *assess.Report, o Options) map[ops.CheckID]*checkInfo {
	all := make(map[ops.CheckID]*checkInfo, len(o.Catalogue))
	for _, c := range o.Catalogue {
		info := &checkInfo{id: c.ID, severity: c.Severity, practices: c.Practices, known: true}
		if c.Pages != nil {
			if page, err := c.Page(); err == nil { // a check without a page is a defect that its own test finds
				info.Page = page
			}
		}
		all[c.ID] = info
	}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if all[f.Check] == nil {
			all[f.Check] = &checkInfo{id: f.Check, severity: f.Severity}
		}
	}
	for id, info := range all {
		if info.Title == "" {
			info.Title = areaTitle(strings.TrimPrefix(string(id), "k8s-"))
		}
	}
	return all
}
