package diagnose_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/diagnose"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func container(state string) string {
	return `{"metadata":{"name":"web-1"},"status":{"containerStatuses":[` + state + `]}}`
}

func TestExamine(t *testing.T) {
	for name, c := range map[string]struct {
		workload, pod, event string
		want                 diagnose.Kind
		definite             bool
	}{
		"bad image name":    {pod: container(`{"name":"a","state":{"waiting":{"reason":"InvalidImageName","message":"x"}}}`), want: diagnose.BadImage, definite: true},
		"never pulled":      {pod: container(`{"name":"a","image":"i","state":{"waiting":{"reason":"ErrImageNeverPull"}}}`), want: diagnose.ImagePull, definite: true},
		"no such image":     {pod: container(`{"name":"a","state":{"waiting":{"reason":"ImagePullBackOff","message":"manifest unknown"}}}`), want: diagnose.ImagePull, definite: true},
		"registry down":     {pod: container(`{"name":"a","state":{"waiting":{"reason":"ErrImagePull","message":"connection refused"}}}`), want: diagnose.ImagePull},
		"missing secret":    {pod: container(`{"name":"a","state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"x\" not found"}}}`), want: diagnose.ConfigError},
		"cannot start":      {pod: container(`{"name":"a","restartCount":4,"state":{"waiting":{"reason":"RunContainerError","message":"exec: no such file"}}}`), want: diagnose.ConfigError, definite: true},
		"crashed once":      {pod: container(`{"name":"a","restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"reason":"Error","exitCode":1}}}`), want: diagnose.CrashLoop},
		"crash loop":        {pod: container(`{"name":"a","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"Error","exitCode":1}}}`), want: diagnose.CrashLoop, definite: true},
		"ends by itself":    {pod: container(`{"name":"a","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"Completed","exitCode":0}}}`), want: diagnose.CrashLoop, definite: true},
		"out of memory":     {pod: container(`{"name":"a","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137}}}`), want: diagnose.OOMKilled, definite: true},
		"init fails":        {pod: `{"status":{"initContainerStatuses":[{"name":"i","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"Error","exitCode":2}}}]}}`, want: diagnose.InitFailed, definite: true},
		"init done":         {pod: `{"status":{"initContainerStatuses":[{"name":"i","state":{"terminated":{"reason":"Completed","exitCode":0}}}]}}`},
		"no node":           {pod: `{"status":{"conditions":[{"type":"PodScheduled","status":"False","message":"0/1 nodes"}]}}`, want: diagnose.Unschedulable},
		"pod being deleted": {pod: `{"metadata":{"deletionTimestamp":"x"},"status":{"containerStatuses":[{"name":"a","state":{"waiting":{"reason":"InvalidImageName"}}}]}}`},
		"running":           {pod: container(`{"name":"a","ready":true,"state":{"running":{}}}`)},
		"stuck":             {workload: `{"kind":"Deployment","status":{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}}`, want: diagnose.StuckRollout, definite: true},
		"quota":             {workload: `{"kind":"Deployment","status":{"conditions":[{"type":"ReplicaFailure","status":"True","message":"exceeded quota"}]}}`, want: diagnose.Quota},
		"job failed":        {workload: `{"kind":"Job","status":{"conditions":[{"type":"Failed","status":"True"}]}}`, want: diagnose.JobFailed, definite: true},
		"probe":             {event: `{"reason":"Unhealthy","type":"Warning","message":"Readiness probe failed: 503"}`, want: diagnose.ProbeFailing},
		"mount":             {event: `{"reason":"FailedMount","type":"Warning","message":"configmap not found"}`, want: diagnose.VolumeMount},
		"cannot create":     {event: `{"reason":"FailedCreate","type":"Warning","message":"forbidden"}`, want: diagnose.Quota},
		"definite first":    {pod: container(`{"name":"a","state":{"waiting":{"reason":"CreateContainerConfigError"}}},{"name":"b","restartCount":9,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"Error","exitCode":1}}}`), want: diagnose.CrashLoop, definite: true},
		"nonsense":          {pod: `{"status":{"containerStatuses":[7,{"state":"x"}]}}`, workload: `{"status":[]}`},
	} {
		var in diagnose.Case
		if c.pod != "" {
			in.Pods = []map[string]any{parse(t, c.pod)}
		}
		if c.workload != "" {
			in.Workload = parse(t, c.workload)
		}
		if c.event != "" {
			in.Events = []map[string]any{parse(t, c.event)}
		}
		got := diagnose.Examine(in)
		if got.Kind != c.want || got.Definite != c.definite || (got.Message == "") != (c.want == "") {
			t.Errorf("%s: %+v", name, got)
		}
		if c.want != "" && len(got.Evidence) == 0 && c.want != diagnose.Unschedulable {
			t.Errorf("%s: no evidence", name)
		}
	}
}

func TestEvidenceIsBoundedAndRedacted(t *testing.T) {
	c := diagnose.Case{Logs: map[string]string{"web-1/a": strings.Repeat("x", 9000) + "\nconnect postgres://shop:hunter2@db/shop password=hunter2 Authorization: Bearer hunter2hunter2"}}
	for range 100 {
		c.Events = append(c.Events, map[string]any{"type": "Warning", "reason": "BackOff", "message": "token: hunter2"})
	}
	d := diagnose.Examine(c)
	if len(d.Evidence) > 20 {
		t.Errorf("%d pieces", len(d.Evidence))
	}
	for _, e := range d.Evidence {
		if strings.Contains(e.Text, "hunter2") || len(e.Text) > 2100 {
			t.Errorf("%s: %d bytes: %s", e.Kind, len(e.Text), e.Text)
		}
	}
}

func TestRedactLeavesTheRest(t *testing.T) {
	for in, want := range map[string]string{
		"listening on :8080":                         "listening on :8080",
		"open https://db.example/x":                  "open https://db.example/x",
		"DB_PASSWORD=abc next":                       "DB_PASSWORD=[redacted] next",
		`{"api_key":"abc","n":1}`:                    `{"api_key":"[redacted]","n":1}`,
		"ghp_0123456789012345678901234567890123 end": "[redacted] end",
		"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----": "[redacted]",
	} {
		if got := diagnose.Redact(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
