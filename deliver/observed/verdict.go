package observed

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// maxFindings is how many findings a status keeps.
const maxFindings = 20

// Passed and Refused are reasons of a verdict of the gate.
const (
	Passed  = "Passed"
	Refused = "Refused"
	// NotRenderable says that the source can be read, but not rendered here.
	NotRenderable = "NotRenderable"
)

// Judge sums up what the gate said of a revision.
func Judge(revision, settings string, j *deliver.Judgement, now metav1.Time) *v1alpha1.Judged {
	out := &v1alpha1.Judged{Revision: revision, Settings: settings, Verdict: v1alpha1.VerdictPassed, Reason: Passed, Time: now}
	c := j.Posture
	out.Message = fmt.Sprintf("revision %s passes the gate: %d critical, %d high, %d medium, %d low, %d unknown", deliver.Short(revision), c.Critical, c.High, c.Medium, c.Low, c.Unknown)
	if !j.Refused {
		return out
	}
	out.Verdict, out.Reason = v1alpha1.VerdictRefused, Refused
	out.Findings = j.Findings[:min(len(j.Findings), maxFindings)]
	out.Message = fmt.Sprintf("revision %s is refused: %s", deliver.Short(revision), j.Reason)
	if n := len(j.Findings); n > 0 {
		f := j.Findings[0]
		count, worst := "1 finding refuses", ""
		if n > 1 {
			count, worst = fmt.Sprintf("%d findings refuse", n), "the worst: "
		}
		out.Message = fmt.Sprintf("%s revision %s: %s%s:%d: %s (%s, %s)", count, deliver.Short(revision), worst, f.File, f.Line, clip(f.Message), f.Severity, f.Check)
	}
	return out
}

// Unjudged is a revision of which nothing is known.
func Unjudged(revision, settings, reason, why string, now metav1.Time) *v1alpha1.Judged {
	return &v1alpha1.Judged{
		Revision: revision, Settings: settings, Verdict: v1alpha1.VerdictUnknown, Reason: word(reason),
		Message: "revision " + deliver.Short(revision) + " is not judged: " + clip(why), Time: now,
	}
}

// Stands tells whether an earlier verdict still answers for a revision under
// settings. One that is not known answers for nothing.
func Stands(g *v1alpha1.Judged, revision, settings string) bool {
	return g != nil && g.Revision == revision && g.Settings == settings && g.Verdict != v1alpha1.VerdictUnknown
}

// News tells whether a verdict says anything that the one before did not.
func News(old, now *v1alpha1.Judged) bool {
	return old == nil || old.Revision != now.Revision || old.Settings != now.Settings || old.Verdict != now.Verdict || old.Reason != now.Reason || old.Message != now.Message
}

// VerdictOf is what a condition says of a verdict of the gate.
func VerdictOf(g *v1alpha1.Judged) Verdict {
	answer := map[string]Answer{v1alpha1.VerdictPassed: Yes, v1alpha1.VerdictRefused: No}[g.Verdict]
	if answer == "" {
		answer = Unknown
	}
	return Verdict{answer, g.Reason, g.Message}
}
