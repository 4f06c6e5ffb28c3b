package diagnose_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/deliver/diagnose"
)

// sample is a case of testdata.
type sample struct {
	Workload map[string]any    `json:"workload"`
	Pods     []map[string]any  `json:"pods"`
	Events   []map[string]any  `json:"events"`
	Logs     map[string]string `json:"logs"`
	Says     string            `json:"says"`
	Reason   string            `json:"reason"`
}

func (s sample) of() diagnose.Case {
	return diagnose.Case{Workload: s.Workload, Pods: s.Pods, Events: s.Events, Logs: s.Logs}
}

func TestExamine(t *testing.T) {
	a, err := txtar.ParseFile("testdata/cases.txtar")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[diagnose.Kind]bool{}
	for _, f := range a.Files {
		var s sample
		if err := yaml.UnmarshalStrict(f.Data, &s); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		words := strings.SplitN(f.Name, " ", 3)
		want := diagnose.Kind(words[0])
		if want == "none" {
			want = diagnose.None
		}
		kinds[want] = true
		got := diagnose.Examine(s.of())
		if got.Kind != want || got.Definite != (words[1] == "definite") || !strings.Contains(got.Message, s.Says) || s.Reason != "" && got.Reason != s.Reason {
			t.Errorf("%s: %+v", f.Name, got)
		}
		if (got.Message == "") != (want == diagnose.None) || want != diagnose.None && s.Says == "" {
			t.Errorf("%s: says %q, of which %q was asked", f.Name, got.Message, s.Says)
		}
		if want != diagnose.None && len(got.Evidence) == 0 && want != diagnose.ProbeFailing && want != diagnose.NodeLost {
			t.Errorf("%s: no evidence", f.Name)
		}
	}
	for _, k := range []diagnose.Kind{
		diagnose.CrashLoop, diagnose.ContainerFailed, diagnose.OOMKilled, diagnose.ImagePull, diagnose.ImageNever, diagnose.BadImage, diagnose.ConfigError,
		diagnose.StartError, diagnose.ProbeFailing, diagnose.Unschedulable, diagnose.VolumeMount, diagnose.Sandbox, diagnose.Quota, diagnose.Admission,
		diagnose.InitFailed, diagnose.JobFailed, diagnose.StuckRollout, diagnose.NodeLost, diagnose.Evicted,
	} {
		if !kinds[k] {
			t.Errorf("no sample of %s", k)
		}
	}
}

func TestAll(t *testing.T) {
	var c diagnose.Case
	if err := json.Unmarshal([]byte(`{"Pods":[{"metadata":{"name":"a"},"status":{"containerStatuses":[
		{"name":"x","state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"s\" not found"}}},
		{"name":"y","ready":false,"state":{"running":{}}},
		{"name":"z","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error"}}}]}}],
		"Workload":{"kind":"Deployment","status":{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}}`), &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range diagnose.All(c) {
		got = append(got, fmt.Sprintf("%s %v", d.Kind, d.Definite))
		if len(d.Evidence) > 0 {
			t.Errorf("%+v has evidence", d)
		}
	}
	if want := "crash-loop true, stuck-rollout true, config-error false, probe-failing false"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}

func TestEvidence(t *testing.T) {
	var c diagnose.Case
	if err := json.Unmarshal([]byte(`{"Workload":{"kind":"Deployment","metadata":{"name":"web"},"status":{"conditions":[{"type":"Available","status":"False","lastTransitionTime":"2026-01-01T00:00:00Z","message":"minimum not met"},{"type":"Progressing","status":"True"}]}},
		"Pods":[{"metadata":{"name":"web-1"},"status":{"containerStatuses":[{"name":"side","state":{"terminated":{"reason":"Error","exitCode":3,"finishedAt":"2026-01-01T00:00:01Z"}}},{"name":"web","restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},"lastState":{"terminated":{"reason":"Error","exitCode":1,"finishedAt":"2026-01-01T00:00:02Z"}}}]}},
		  {"metadata":{"name":"web-2"},"status":{"phase":"Failed","reason":"Evicted","conditions":[{"type":"PodScheduled","status":"False","message":"no node"}]}}],
		"Events":[{"type":"Normal","reason":"Pulled","message":"x"},{"type":"Warning","reason":"BackOff","count":7,"lastTimestamp":"2026-01-01T00:00:03Z","message":"Back-off restarting","involvedObject":{"kind":"Pod","name":"web-1"}},
		  {"type":"Warning","reason":"BackOff","count":7,"lastTimestamp":"2026-01-01T00:00:02Z","message":"Back-off restarting","involvedObject":{"kind":"Pod","name":"web-1"}},
		  {"type":"Warning","reason":"Newest","series":{"lastObservedTime":"2026-01-01T00:00:09Z","count":3},"note":"n","regarding":{"kind":"Pod","name":"web-1"}},{"type":"Warning","reason":"Oldest","metadata":{"creationTimestamp":"2025-01-01T00:00:00Z"}}],
		"Logs":{"web-1/side":"bye","web-1/web":"panic: no\n","web-1/empty":"  \n"}}`), &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range diagnose.Examine(c).Evidence {
		got = append(got, strings.Join([]string{e.Kind, e.Object, e.Time, e.Text}, " | "))
	}
	want := `status | Pod web-1 | 2026-01-01T00:00:02Z | container web waits: CrashLoopBackOff back-off; ended: Error, exit code 1, restarted 4 times
status | Pod web-1 | 2026-01-01T00:00:01Z | container side ended: Error, exit code 3, restarted 0 times
condition | Pod web-2 |  | PodScheduled is False: no node
status | Pod web-2 |  | the pod ended: Evicted 
log | web-1/web |  | panic: no
log | web-1/side |  | bye
event | Pod web-1 | 2026-01-01T00:00:09Z | Newest: n (3 times)
event | Pod web-1 | 2026-01-01T00:00:03Z | BackOff: Back-off restarting (7 times)
event |  | 2025-01-01T00:00:00Z | Oldest: 
condition | Deployment web | 2026-01-01T00:00:00Z | Available is False: minimum not met`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestEvidenceIsBounded: whatever the case holds, the evidence fits into the
// status of an object and is valid text.
func TestEvidenceIsBounded(t *testing.T) {
	c := diagnose.Case{Logs: map[string]string{}, Workload: map[string]any{"kind": "Deployment"}}
	long := strings.Repeat("ü\xff word ", 40000)
	for i := range 200 {
		c.Logs[fmt.Sprintf("web-%d/web", i)] = long
		c.Events = append(c.Events, map[string]any{"type": "Warning", "reason": fmt.Sprint(i), "message": long})
		c.Pods = append(c.Pods, map[string]any{"metadata": map[string]any{"name": fmt.Sprint(i)}, "status": map[string]any{"containerStatuses": []any{
			map[string]any{"name": "web", "image": long, "restartCount": int64(i), "state": map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff", "message": long}}}}}})
	}
	d := diagnose.Examine(c)
	total := len(d.Message)
	for _, e := range d.Evidence {
		total += len(e.Text) + len(e.Object)
		if !utf8.ValidString(e.Text) {
			t.Errorf("%s is no valid text", e.Kind)
		}
	}
	if total > 16<<10 || len(d.Message) > 1000 || len(d.Evidence) < 10 {
		t.Errorf("%d bytes in %d pieces, a message of %d", total, len(d.Evidence), len(d.Message))
	}
}

func BenchmarkExamine(b *testing.B) {
	c := diagnose.Case{Logs: map[string]string{"web-1/web": strings.Repeat("2026-01-01 GET /cart?id=17 200 12ms\n", 500)}, Pods: []map[string]any{{"metadata": map[string]any{"name": "web-1"},
		"status": map[string]any{"containerStatuses": []any{map[string]any{"name": "web", "restartCount": int64(4), "state": map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff"}}, "lastState": map[string]any{"terminated": map[string]any{"exitCode": int64(1), "reason": "Error"}}}}}}}}
	b.ReportAllocs()
	for b.Loop() {
		diagnose.Examine(c)
	}
}
