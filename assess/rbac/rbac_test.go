package rbac

import (
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
)

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		name, rule, verb, group, resource string
		want                              bool
	}{
		{"exact", `{apiGroups: [""], resources: [pods], verbs: [get]}`, "get", "", "pods", true},
		{"other verb", `{apiGroups: [""], resources: [pods], verbs: [get]}`, "list", "", "pods", false},
		{"other group", `{apiGroups: [apps], resources: [pods], verbs: [get]}`, "get", "", "pods", false},
		{"no group is none", `{resources: [pods], verbs: [get]}`, "get", "", "pods", false},
		{"parent is not the subresource", `{apiGroups: [""], resources: [pods], verbs: [create]}`, "create", "", "pods/exec", false},
		{"subresource is not the parent", `{apiGroups: [""], resources: [pods/exec], verbs: [create]}`, "create", "", "pods", false},
		{"star covers subresources", `{apiGroups: [""], resources: ["*"], verbs: [create]}`, "create", "", "pods/exec", true},
		{"any parent", `{apiGroups: [""], resources: ["*/exec"], verbs: [create]}`, "create", "", "pods/exec", true},
		{"any parent of another", `{apiGroups: [""], resources: ["*/scale"], verbs: [create]}`, "create", "", "pods/exec", false},
		{"any child means nothing", `{apiGroups: [""], resources: ["pods/*"], verbs: [create]}`, "create", "", "pods/exec", false},
		{"all verbs and groups", `{apiGroups: ["*"], resources: [pods], verbs: ["*"]}`, "delete", "", "pods", true},
		{"create carries no name", `{apiGroups: [""], resources: [pods], verbs: [create], resourceNames: [a]}`, "create", "", "pods", false},
		{"create of a subresource does", `{apiGroups: [""], resources: [pods/exec], verbs: [create], resourceNames: [a]}`, "create", "", "pods/exec", true},
		{"collections carry no name", `{apiGroups: [""], resources: [pods], verbs: [deletecollection], resourceNames: [a]}`, "deletecollection", "", "pods", false},
		{"get by name", `{apiGroups: [""], resources: [pods], verbs: [get], resourceNames: [a]}`, "get", "", "pods", true},
		{"paths are no resources", `{nonResourceURLs: ["*"], verbs: ["*"]}`, "get", "", "pods", false},
	} {
		r := Rule{yamldoc.Parse([]byte(c.rule))[0].Doc.Root()}
		if got := r.Allows(c.verb, c.group, c.resource); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
}
