package observed

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func TestJudge(t *testing.T) {
	at := metav1.NewTime(now)
	finding := v1alpha1.Finding{File: "web.yaml", Line: 7, Message: "privileged", Severity: "critical", Check: "k8s-privileged"}
	many := make([]v1alpha1.Finding, 30)
	for i := range many {
		many[i] = finding
	}
	for _, c := range []struct {
		j                        deliver.Judgement
		verdict, reason, message string
		answer                   Answer
		findings                 int
	}{
		{deliver.Judgement{Posture: v1alpha1.Posture{Low: 2}}, "passed", "Passed", "revision 12345678 passes the gate: 0 critical, 0 high, 0 medium, 2 low, 0 unknown", Yes, 0},
		{deliver.Judgement{Refused: true, Findings: many[:1]}, "refused", "Refused", "1 finding refuses revision 12345678: web.yaml:7: privileged (critical, k8s-privileged)", No, 1},
		{deliver.Judgement{Refused: true, Findings: many}, "refused", "Refused", "30 findings refuse revision 12345678: the worst: web.yaml:7: privileged (critical, k8s-privileged)", No, 20},
		{deliver.Judgement{Refused: true, Reason: "why"}, "refused", "Refused", "revision 12345678 is refused: why", No, 0},
	} {
		g := Judge("123456789", "s", &c.j, at)
		v := VerdictOf(g)
		if g.Verdict != c.verdict || v != (Verdict{c.answer, c.reason, c.message}) || len(g.Findings) != c.findings || g.Revision != "123456789" || g.Settings != "s" || g.Time != at {
			t.Errorf("%+v, %+v", g, v)
		}
		if !Stands(g, "123456789", "s") || Stands(g, "123456789", "other") || Stands(g, "other", "s") {
			t.Errorf("%+v stands for the wrong things", g)
		}
	}
}

func TestUnjudged(t *testing.T) {
	g := Unjudged("123456789", "s", "Not Found", strings.Repeat("x", 1000), metav1.NewTime(now))
	if v := VerdictOf(g); v.Answer != Unknown || v.Reason != "NotFound" || len(v.Message) > 600 {
		t.Errorf("%+v", v)
	}
	if Stands(g, "123456789", "s") || Stands(nil, "", "") {
		t.Error("what is not known answers for something")
	}
	if VerdictOf(&v1alpha1.Judged{Verdict: "nonsense"}).Answer != Unknown {
		t.Error("nonsense is an answer")
	}
}

func TestNews(t *testing.T) {
	old := v1alpha1.Judged{Revision: "r", Settings: "s", Verdict: "unknown", Reason: "x", Message: "m", Time: metav1.NewTime(now)}
	same := old
	same.Time = metav1.NewTime(now.Add(time.Hour))
	if News(&old, &same) || !News(nil, &old) {
		t.Error("time alone is news, or the first verdict is none")
	}
	for i, change := range []func(*v1alpha1.Judged){
		func(j *v1alpha1.Judged) { j.Revision = "" }, func(j *v1alpha1.Judged) { j.Settings = "" }, func(j *v1alpha1.Judged) { j.Verdict = "" },
		func(j *v1alpha1.Judged) { j.Reason = "" }, func(j *v1alpha1.Judged) { j.Message = "" },
	} {
		other := old
		if change(&other); !News(&old, &other) {
			t.Errorf("change %d is no news", i)
		}
	}
}
