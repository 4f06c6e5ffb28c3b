package identity

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/ops"
)

func results(t *testing.T, c *check.Check, text string) []*check.Result {
	t.Helper()
	g, err := checktest.Graph([]check.SampleFile{{Name: "a.yaml", Text: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return checktest.Evaluate(c, g)
}

func granted(role, verbs, kind, subject string) string {
	return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ` + role + `}
rules: [{apiGroups: [example.com], resources: [things], verbs: [` + verbs + `]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ` + kind + `
metadata: {name: b, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + role + `}
subjects: [{kind: Group, name: "` + subject + `"}]
`
}

// What everybody may do weighs as much as who everybody is.
func TestAnonymousSeverity(t *testing.T) {
	for _, c := range []struct {
		verbs, kind, subject string
		want                 ops.Severity
	}{
		{"create", "ClusterRoleBinding", "system:unauthenticated", ops.Critical},
		{"get", "ClusterRoleBinding", "system:unauthenticated", ops.High},
		{"create", "ClusterRoleBinding", "system:authenticated", ops.Critical},
		{"get, list, watch", "ClusterRoleBinding", "system:authenticated", ops.Medium},
		{"get", "RoleBinding", "system:authenticated", ops.Low},
	} {
		rs := results(t, anonymousBinding, granted("r", c.verbs, c.kind, c.subject))
		if len(rs) != 1 || rs[0].Severity != c.want {
			t.Errorf("%+v: %v", c, rs)
		}
	}
}

// A role of the default account that only reads weighs less.
func TestDefaultBoundSeverity(t *testing.T) {
	for verbs, want := range map[string]ops.Severity{"get": ops.Medium, "get, update": ops.High} {
		text := strings.Replace(granted("r", verbs, "RoleBinding", "x"), `{kind: Group, name: "x"}`, "{kind: ServiceAccount, namespace: shop, name: default}", 1)
		rs := results(t, defaultServiceAccount, text)
		if len(rs) != 1 || rs[0].Severity != want {
			t.Errorf("%s: %v", verbs, rs)
		}
	}
}

// A long path fits into one line of a report, and the fix text has all of it.
func TestLongPath(t *testing.T) {
	const long = "a-long-name-such-as-many-charts-make-for-their-parts-and-releases"
	text := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: shop}
spec: {template: {spec: {serviceAccountName: ` + long + `-2, containers: [{name: a, image: "a:1"}]}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}
`
	for _, r := range []struct{ name, resource, verb string }{
		{long + "-1", "pods/exec", "create"},
		{long + "-2", "serviceaccounts/token", "create"},
	} {
		text += `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ` + r.name + `}
rules: [{apiGroups: [""], resources: [` + r.resource + `], verbs: [` + r.verb + `]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ` + r.name + `-binding}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + r.name + `}
subjects: [{kind: ServiceAccount, namespace: shop, name: ` + r.name + `}]
`
	}
	for _, r := range results(t, privilegePath, text) {
		if !strings.HasPrefix(r.Message, "ServiceAccount shop/"+long+"-1 ") {
			continue
		}
		if strings.Contains(r.Message, "-binding") || !strings.Contains(r.Message, "(2) it makes itself a token") {
			t.Errorf("the message: %s", r.Message)
		}
		if !strings.Contains(r.FixText, "The whole path: (1) ") || !strings.Contains(r.FixText, long+"-2-binding allows.") {
			t.Errorf("the fix: %s", r.FixText)
		}
		return
	}
	t.Error("no path found")
}
