package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// The limits of GitHub code scanning. It refuses a file with more results and
// shows the most severe 5,000.
const maxSARIFResults = 25_000

// unknownSuffix makes the rule of answers that are unknown. They get a rule of
// their own because GitHub ranks an alert by its rule's security-severity and
// ignores the kind of a result, and an unknown has no severity.
const unknownSuffix = "/unknown"

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	homepage    = "https://github.com/autoecoops/autoecoops"
	sourceRoot  = "%SRCROOT%"
)

// SARIF writes SARIF 2.1.0 as GitHub code scanning reads it. A fail has the
// level of its severity; an unknown is a result of kind "open", which the
// standard has for too little information; an excepted one is suppressed.
// Passes are left out: GitHub, which ignores the kind, would raise an alert for
// each. Inputs that are unknown are notifications of the execution, remarks
// about exceptions are notifications of the configuration.
// Of more than 25,000 results the most harmful are kept, and a notification
// says how many were left out.
func SARIF(w io.Writer, rep *assess.Report, o Options) error {
	fs := sorted(rep, func(f *ops.Finding) bool { return f.Status != ops.Pass }, byHarm)
	dropped := max(0, len(fs)-maxSARIFResults)
	fs = fs[:len(fs)-dropped]
	rules := sarifRules(fs, infos(rep, o))
	index := make(map[string]int, len(rules))
	for i, r := range rules {
		index[r.ID] = i
	}

	b := newOut(w)
	enc := lineEncoder{out: b}
	b.put("{\n\"$schema\": \"", sarifSchema, "\",\n\"version\": \"2.1.0\",\n\"runs\": [{\n\"tool\": {\"driver\": {\"name\": \"aeo\", \"fullName\": \"AutoEcoOps assess\", \"informationUri\": \"", homepage, "\"")
	if o.Version != "" {
		b.put(", \"version\": ")
		enc.value(inline(o.Version))
	}
	enc.list("rules", len(rules), func(i int) any { return rules[i] })
	enc.list("notifications", len(sarifNotices), func(i int) any { return sarifNotices[i] })
	b.put("\n}},\n\"columnKind\": \"unicodeCodePoints\",\n\"invocations\": [")
	enc.value(sarifInvocations(rep, dropped))
	b.put("],\n\"properties\": ")
	enc.value(sarifProperties{Target: inline(rep.Target.Path), Commit: inline(rep.Target.Commit), Summary: rep.Summary, LeftOut: dropped})
	enc.list("results", len(fs), func(i int) any { return sarifResultOf(fs[i], index) })
	b.put("\n}]\n}\n")
	if enc.err != nil {
		return fmt.Errorf("encode SARIF: %w", enc.err)
	}
	return b.Flush()
}

// sarifRules describes the catalogue and every check with a result.
func sarifRules(fs []*ops.Finding, checks map[ops.CheckID]*checkInfo) []sarifRule {
	used, open := map[ops.CheckID]bool{}, map[ops.CheckID]bool{}
	for _, f := range fs {
		if f.Status == ops.Unknown {
			open[f.Check] = true
		} else {
			used[f.Check] = true
		}
	}
	var rules []sarifRule
	for _, id := range slices.Sorted(maps.Keys(checks)) {
		c := checks[id]
		if c.known || used[id] {
			rules = append(rules, sarifRuleOf(c))
		}
		if open[id] {
			r := sarifRuleOf(c)
			r.ID += unknownSuffix
			r.Short.Text = "Could not be told: " + r.Short.Text
			r.Default = sarifLevel{"none"}
			r.Properties = sarifRuleProperties{Tags: []string{"unknown"}}
			rules = append(rules, r)
		}
	}
	return rules
}

func sarifRuleOf(c *checkInfo) sarifRule {
	r := sarifRule{
		ID:      inline(string(c.id)),
		Name:    camel(string(c.id)),
		Short:   sarifText{Text: sarifPlain(c.Title)},
		Full:    sarifText{Text: sarifPlain(cmp.Or(c.Why, c.Title))},
		Default: sarifLevel{levelOf(c.severity)},
		Help:    sarifText{Text: sarifPlain(cmp.Or(strings.Join(nonEmpty(c.Why, c.Fix), "\n\nFix: "), c.Title)), Markdown: helpMarkdown(c)},
		Properties: sarifRuleProperties{
			Tags: []string{"security", "kubernetes"}, Precision: "high",
			Security: securitySeverity(c.severity), Problem: map[string]string{"note": "recommendation"}[levelOf(c.severity)],
		},
	}
	r.Properties.Problem = cmp.Or(r.Properties.Problem, levelOf(c.severity))
	for _, p := range c.practices[:min(len(c.practices), 8)] { // GitHub takes at most 20 tags
		r.Properties.Tags = append(r.Properties.Tags, "practice/"+inline(p))
	}
	for _, ref := range c.References {
		if u, ok := webAddress(ref); ok {
			r.HelpURI = u
			break
		}
	}
	return r
}

func nonEmpty(parts ...string) []string {
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
}

// helpMarkdown is the check's page. Pages are our own text, so their Markdown
// is kept.
func helpMarkdown(c *checkInfo) string {
	s := "## Why\n" + cmp.Or(c.Why, c.Title)
	if c.Fix != "" {
		s += "\n\n## Fix\n" + c.Fix
	}
	if c.More != "" {
		s += "\n\n" + c.More
	}
	refs := ""
	for _, ref := range c.References {
		if u, ok := webAddress(ref); ok {
			refs += "\n- " + u
		}
	}
	if refs != "" {
		s += "\n\n## References" + refs
	}
	return plain(s)
}

// levelOf maps severities to SARIF's levels.
func levelOf(s ops.Severity) string {
	switch {
	case s >= ops.High:
		return "error"
	case s == ops.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity is the number by which GitHub names an alert critical
// (above 9.0), high (7.0 to 8.9), medium (4.0 to 6.9) or low.
func securitySeverity(s ops.Severity) string {
	switch s {
	case ops.Critical:
		return "9.5"
	case ops.High:
		return "8.0"
	case ops.Medium:
		return "5.5"
	}
	return "3.0"
}

func sarifResultOf(f *ops.Finding, index map[string]int) sarifResult {
	r := sarifResult{
		RuleID: inline(string(f.Check)), Kind: "fail", Level: levelOf(f.Severity),
		Locations:    []sarifLocation{sarifLocationOf(f)},
		Suppressions: []sarifSuppression{}, // either all results have them or none
		Properties: sarifResultProperties{
			Status: f.Status, Via: visibleNames(f.Via), Controls: visibleNames(f.Controls), Origin: f.Origin, Path: inline(f.Path),
		},
	}
	if f.Status != ops.Unknown {
		r.Properties.Severity = f.Severity.String()
	}
	switch f.Status {
	case ops.Unknown:
		r.RuleID, r.Kind, r.Level = r.RuleID+unknownSuffix, "open", "none"
	case ops.Excepted:
		s := sarifSuppression{Kind: "external", Status: "accepted"}
		if e := f.Exception; e != nil {
			s.Justification = exceptionText(e)
			if strings.HasPrefix(e.Source, f.File+":") {
				s.Kind = "inSource"
			}
		}
		r.Suppressions = append(r.Suppressions, s)
	}
	if i, ok := index[r.RuleID]; ok {
		r.RuleIndex = &i
	}
	text := cmp.Or(f.Message, string(f.Check))
	if f.Fix != "" {
		text += "\nFix: " + f.Fix
	}
	r.Message.Text = sarifPlain(text)
	if f.Fingerprint != "" {
		r.Fingerprints = map[string]string{"aeo/v1": inline(f.Fingerprint)}
	}
	if len(f.Edits) > 0 {
		r.Fixes = []sarifFix{sarifFixOf(f)}
	}
	return r
}

func visibleNames(names []string) []string {
	var safe []string
	for _, n := range names {
		safe = append(safe, name(n))
	}
	return safe
}

func sarifLocationOf(f *ops.Finding) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{Artifact: artifact(f.File), Region: regionOf(f.Position)}}
	if !f.Object.IsZero() {
		l.Logical = []sarifLogical{{Name: inline(f.Object.Name), Full: objectText(f), Kind: "object"}}
	}
	return l
}

func regionOf(p ops.Position) *sarifRegion {
	if p.Line <= 0 {
		return nil
	}
	r := &sarifRegion{StartLine: p.Line, StartColumn: max(p.Column, 0)}
	if p.EndLine > p.Line {
		r.EndLine = p.EndLine
	}
	return r
}

// artifact refers to a file relative to the root of the tree. GitHub refuses a
// result without a file, so what has none is at the root itself.
func artifact(file string) sarifArtifact {
	return sarifArtifact{URI: cmp.Or(relativeURI(file), "."), Base: sourceRoot}
}

// sarifFixOf makes a fix with one change for each file that is edited, and one
// replacement for each edit.
func sarifFixOf(f *ops.Finding) sarifFix {
	fix := sarifFix{Description: sarifText{Text: sarifPlain(cmp.Or(f.Fix, "Apply the patch."))}}
	place := map[string]int{}
	for _, e := range f.Edits {
		i, ok := place[e.File]
		if !ok {
			i = len(fix.Changes)
			place[e.File] = i
			fix.Changes = append(fix.Changes, sarifChange{Artifact: artifact(e.File)})
		}
		fix.Changes[i].Replacements = append(fix.Changes[i].Replacements, replacementOf(e))
	}
	return fix
}

func replacementOf(e ops.Edit) sarifReplacement {
	line, end := max(e.Line, 1), max(e.EndLine, e.Line-1, 0)
	text := strings.TrimSuffix(e.Text, "\n")
	switch {
	case end < line: // an insertion before the line
		return sarifReplacement{Deleted: sarifRegion{StartLine: line, StartColumn: 1, EndLine: line, EndColumn: 1}, Inserted: &sarifContent{Text: text + "\n"}}
	case e.Text == "": // whole lines go, with their line feeds
		return sarifReplacement{Deleted: sarifRegion{StartLine: line, StartColumn: 1, EndLine: end + 1, EndColumn: 1}}
	}
	// Without an end column the region ends before the last line's line feed.
	return sarifReplacement{Deleted: sarifRegion{StartLine: line, StartColumn: 1, EndLine: end}, Inserted: &sarifContent{Text: text}}
}

func sarifInvocations(rep *assess.Report, dropped int) sarifInvocation {
	inv := sarifInvocation{Successful: true, Execution: []sarifNotification{}, Configuration: []sarifNotification{}}
	if dropped > 0 {
		inv.Execution = append(inv.Execution, sarifNotification{
			Level: "warning", Descriptor: sarifReference{ID: "results-left-out"},
			Message: sarifText{Text: fmt.Sprintf("%s are left out: this file has the %s most harmful results, the most that GitHub takes. The JSON report has them all.", count(dropped, "result"), number(maxSARIFResults))},
		})
	}
	for _, in := range unknownInputs(rep) {
		inv.Execution = append(inv.Execution, sarifNotification{
			Level: "warning", Descriptor: sarifReference{ID: "input-unknown"},
			Message:   sarifText{Text: sarifPlain("Not evaluated: " + cmp.Or(in.Reason, "no reason is known"))},
			Locations: []sarifLocation{{Physical: sarifPhysical{Artifact: artifact(in.File), Region: regionOf(ops.Position{Line: in.Line})}}},
		})
	}
	for _, n := range rep.Notices {
		note := sarifNotification{Level: "warning", Descriptor: sarifReference{ID: "exception"}, Message: sarifText{Text: sarifPlain(n.Code + ": " + n.Message)}}
		if n.File != "" {
			note.Locations = []sarifLocation{{Physical: sarifPhysical{Artifact: artifact(n.File), Region: regionOf(n.Position)}}}
		}
		inv.Configuration = append(inv.Configuration, note)
	}
	return inv
}
