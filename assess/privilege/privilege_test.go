package privilege_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/privilege"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
)

// cluster is a small language for the tests, one object a line:
//
//	role NS/NAME GROUP RESOURCES VERBS [NAMES]   (NS empty: ClusterRole; several lines make several rules)
//	bind NS/NAME ROLE KIND:NS/NAME               (NS empty: ClusterRoleBinding; ROLE with a slash is a Role)
//	pod NS/NAME ACCOUNT [privileged]
//	namespace NAME LEVEL
//	token NS/NAME ACCOUNT
func cluster(t testing.TB, lines []string) *graph.Graph {
	t.Helper()
	rules := map[string]string{}
	var order, docs []string
	for _, l := range lines {
		f := strings.Fields(l)
		ns, name, _ := strings.Cut(f[1], "/")
		switch f[0] {
		case "role":
			if _, ok := rules[f[1]]; !ok {
				order = append(order, f[1])
			}
			group := f[2]
			if group == "core" {
				group = ""
			}
			rule := fmt.Sprintf("  - {apiGroups: [%q], resources: [%s], verbs: [%s]", group, quoted(f[3]), quoted(f[4]))
			if len(f) > 5 {
				rule += ", resourceNames: [" + quoted(f[5]) + "]"
			}
			rules[f[1]] += rule + "}\n"
		case "bind":
			kind, refKind, ref := "ClusterRoleBinding", "ClusterRole", f[2]
			if ns != "" {
				kind = "RoleBinding"
			}
			if _, r, ok := strings.Cut(f[2], "/"); ok {
				refKind, ref = "Role", r
			}
			sk, who, _ := strings.Cut(f[3], ":")
			subject := fmt.Sprintf("{kind: %s, name: %q}", sk, who)
			if sk == "ServiceAccount" {
				sns, sname, _ := strings.Cut(who, "/")
				subject = fmt.Sprintf("{kind: ServiceAccount, namespace: %s, name: %s}", sns, sname)
			}
			docs = append(docs, fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {namespace: %q, name: %s}\nroleRef: {kind: %s, name: %s}\nsubjects: [%s]\n", kind, ns, name, refKind, ref, subject))
		case "pod":
			docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {namespace: %s, name: %s}\nspec: {serviceAccountName: %s, containers: [{name: a, securityContext: {privileged: %t}}]}\n", ns, name, f[2], len(f) > 3))
		case "namespace":
			docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: %s}}\n", f[1], f[2]))
		case "token":
			docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata: {namespace: %s, name: %s, annotations: {kubernetes.io/service-account.name: %s}}\n", ns, name, f[2]))
		default:
			t.Fatalf("unknown line %q", l)
		}
	}
	for _, id := range order {
		ns, name, _ := strings.Cut(id, "/")
		kind := "ClusterRole"
		if ns != "" {
			kind = "Role"
		}
		docs = append(docs, fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {namespace: %q, name: %s}\nrules:\n%s", kind, ns, name, rules[id]))
	}
	g := graph.New()
	for _, d := range yamldoc.Parse([]byte(strings.Join(docs, "---\n"))) {
		if d.Err != nil {
			t.Fatal(d.Err)
		}
		if o, ok := graph.NewObject(d.Doc.Root(), "test.yaml"); ok {
			g.Add(o)
		}
	}
	wire.Link(g)
	return g
}

func quoted(list string) string {
	var out []string
	for e := range strings.SplitSeq(list, ",") {
		out = append(out, fmt.Sprintf("%q", e))
	}
	return strings.Join(out, ", ")
}

func TestFind(t *testing.T) {
	const rbacGroup = "rbac.authorization.k8s.io"
	restricted := "namespace shop restricted"
	for _, c := range []struct {
		name  string
		lines []string
		start string // "" for User ann
		want  string // the states on the way, "" for no path
	}{
		{"direct admin", []string{"bind /b cluster-admin User:ann"}, "", "cluster-admin"},
		{"wildcard role", []string{"role /r * * *", "bind /b r User:ann"}, "", "cluster-admin"},
		{"view is harmless", []string{"bind /b view User:ann"}, "", ""},
		{"edit everywhere", []string{"bind /b edit User:ann"}, "", "cluster-admin"},
		{"edit in a restricted namespace", []string{restricted, "bind shop/b edit User:ann"}, "", ""},
		{"edit in an open namespace", []string{"namespace shop privileged", "bind shop/b edit User:ann"}, "", "pods in namespace shop > every node"},
		{"edit in an unknown namespace", []string{"bind shop/b edit User:ann"}, "", "pods in namespace shop > every node ?"},
		{"admin in kube-system", []string{"bind kube-system/b admin User:ann"}, "", "cluster-admin"},
		{"create pods in kube-system", []string{"role kube-system/r core pods create", "bind kube-system/b kube-system/r User:ann"}, "", "pods in namespace kube-system > cluster-admin"},
		{"three hops", []string{restricted, "role shop/r apps deployments patch", "bind shop/b shop/r User:ann", "role /m core serviceaccounts/token create", "bind /m m ServiceAccount:shop/op"}, "",
			"pods in namespace shop > ServiceAccount shop/op > cluster-admin"},
		{"four hops over two namespaces", []string{restricted, "namespace ops restricted", "role shop/r batch jobs create", "bind shop/b shop/r User:ann",
			"role ops/r core pods/exec create", "bind ops/b ops/r ServiceAccount:shop/op", "pod ops/x boss", "bind /m cluster-admin ServiceAccount:ops/boss"}, "",
			"pods in namespace shop > ServiceAccount shop/op > ServiceAccount ops/boss > cluster-admin"},
		{"create pods by name is nothing", []string{"role /r core pods create one", "bind /b r User:ann"}, "", ""},
		{"exec reaches only what runs", []string{restricted, "role shop/r core pods/exec create", "bind shop/b shop/r User:ann", "bind /m cluster-admin ServiceAccount:shop/idle"}, "", ""},
		{"get of exec", []string{restricted, "role shop/r core pods/exec get", "bind shop/b shop/r User:ann", "pod shop/agent a privileged"}, "", ""},
		{"exec into a privileged pod", []string{restricted, "role shop/r core pods/exec create", "bind shop/b shop/r User:ann", "pod shop/agent a privileged"}, "", "every node"},
		{"token of one account", []string{"role shop/r core serviceaccounts/token create op", "bind shop/b shop/r User:ann", "bind /m cluster-admin ServiceAccount:shop/op"}, "", "ServiceAccount shop/op > cluster-admin"},
		{"token of another account", []string{"role shop/r core serviceaccounts/token create other", "bind shop/b shop/r User:ann", "bind /m cluster-admin ServiceAccount:shop/op"}, "", ""},
		{"token everywhere", []string{"role /r core serviceaccounts/token create", "bind /b r User:ann"}, "", "cluster-admin"},
		{"lasting token in a Secret", []string{"role shop/r core secrets get", "bind shop/b shop/r User:ann", "token shop/t op", "bind /m cluster-admin ServiceAccount:shop/op"}, "", "ServiceAccount shop/op > cluster-admin"},
		{"reading Secrets without tokens", []string{"role /r core secrets get,list", "bind /b r User:ann"}, "", ""},
		{"making and reading Secrets", []string{"role shop/r core secrets create,get", "bind shop/b shop/r User:ann", "bind /m cluster-admin ServiceAccount:shop/op"}, "", "ServiceAccount shop/op > cluster-admin"},
		{"making Secrets alone", []string{"role shop/r core secrets create", "bind shop/b shop/r User:ann", "bind /m cluster-admin ServiceAccount:shop/op"}, "", ""},
		{"bind and create bindings", []string{"role /r " + rbacGroup + " clusterroles bind", "role /r " + rbacGroup + " clusterrolebindings create", "bind /b r User:ann"}, "", "cluster-admin"},
		{"bind alone", []string{"role /r " + rbacGroup + " clusterroles bind", "bind /b r User:ann"}, "", ""},
		{"bindings alone", []string{"role /r " + rbacGroup + " clusterrolebindings create", "bind /b r User:ann"}, "", ""},
		{"bind of a harmless role", []string{"role /r " + rbacGroup + " clusterroles bind view", "role /r " + rbacGroup + " clusterrolebindings create", "bind /b r User:ann"}, "", ""},
		{"escalate", []string{"role /r " + rbacGroup + " clusterroles escalate,update", "bind /b r User:ann"}, "", "cluster-admin"},
		{"escalate of another role", []string{"role /r " + rbacGroup + " clusterroles escalate,update other", "bind /b r User:ann"}, "", ""},
		{"escalate without update", []string{"role /r " + rbacGroup + " clusterroles escalate", "bind /b r User:ann"}, "", ""},
		{"escalate by a RoleBinding", []string{"role /r " + rbacGroup + " clusterroles escalate,update", "bind shop/b r User:ann"}, "", ""},
		{"impersonate groups with users", []string{"role /r core users impersonate bob", "role /r core groups impersonate", "bind /b r User:ann"}, "", "cluster-admin"},
		{"impersonate groups alone", []string{"role /r core groups impersonate", "bind /b r User:ann"}, "", ""},
		{"impersonate one user", []string{"role /r core users impersonate bob", "bind /b r User:ann", "bind /c cluster-admin User:bob"}, "", "User bob > cluster-admin"},
		{"nodes/proxy", []string{"role /r core nodes/proxy get", "bind /b r User:ann"}, "", "every node"},
		{"nodes/proxy by a RoleBinding", []string{"role /r core nodes/proxy get", "bind shop/b r User:ann"}, "", ""},
		{"certificates", []string{"role /r certificates.k8s.io certificatesigningrequests create", "role /r certificates.k8s.io certificatesigningrequests/approval update",
			"role /r certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client", "bind /b r User:ann"}, "", "cluster-admin"},
		{"certificates of kubelets' servers", []string{"role /r certificates.k8s.io certificatesigningrequests create", "role /r certificates.k8s.io certificatesigningrequests/approval update",
			"role /r certificates.k8s.io signers approve kubernetes.io/kubelet-serving", "bind /b r User:ann"}, "", ""},
		{"mutating webhook", []string{"role /r admissionregistration.k8s.io mutatingwebhookconfigurations patch", "bind /b r User:ann"}, "", "pods in every namespace > cluster-admin"},
		{"persistent volume", []string{restricted, "role /r core persistentvolumes create", "bind /b r User:ann", "bind shop/c edit User:ann"}, "", "every node"},
		{"standard taken off", []string{restricted, "role /r core namespaces patch", "bind /b r User:ann", "bind shop/c edit User:ann"}, "", "every node"},
		{"group of all accounts", []string{restricted, "bind /b edit Group:system:serviceaccounts:shop", "bind shop/c view ServiceAccount:shop/web"}, "ServiceAccount shop/web", "cluster-admin"},
		{"group of other accounts", []string{restricted, "bind /b edit Group:system:serviceaccounts:ops", "bind shop/c view ServiceAccount:shop/web"}, "ServiceAccount shop/web", ""},
		{"aws-auth", []string{"role kube-system/r core configmaps update aws-auth", "bind kube-system/b kube-system/r User:ann"}, "", "cluster-admin"},
		{"escape only a subresource", []string{"role /r core pods/* *", "bind /b r User:ann"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := privilege.New(cluster(t, c.lines), 37, nil)
			start := privilege.State{Kind: privilege.User, Name: "ann"}
			for _, s := range m.Starts() {
				if s.String() == c.start {
					start = s
				}
			}
			p := m.Find(start, privilege.Cut{})
			got := ""
			if p != nil {
				valid(t, p)
				var way []string
				for _, s := range p.Steps {
					way = append(way, s.To.String())
				}
				got = strings.Join(way, " > ")
				if p.Assumes() != "" {
					got += " ?"
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// valid checks a path step by step: the steps join, it ends, and each grant
// belongs to the identity that uses it and is a rule of the role bound.
func valid(t testing.TB, p *privilege.Path) {
	t.Helper()
	at := p.Start
	for i, s := range p.Steps {
		if s.From != at {
			t.Errorf("step %d begins at %s, not at %s", i, s.From, at)
		}
		at = s.To
		if s.From.Identity() && len(s.Grants) == 0 {
			t.Errorf("step %d from %s names no grant", i, s.From)
		}
		for _, g := range s.Grants {
			if _, name := rbac.RoleRef(g.Binding); name != g.RoleName {
				t.Errorf("step %d: %s does not grant %s", i, g.Binding.Ref, g.RoleName)
			}
			if !names(g, s.From) {
				t.Errorf("step %d: %s does not name %s", i, g.Binding.Ref, s.From)
			}
			if g.Role != nil && g.Rule.Parent().Parent() != g.Role.Body {
				t.Errorf("step %d: the rule is not one of %s", i, g.Role.Ref)
			}
			if g.Binding.Kind == "ClusterRoleBinding" != (g.Namespace == privilege.Anywhere) {
				t.Errorf("step %d: %s holds in %q", i, g.Binding.Ref, g.Namespace)
			}
		}
	}
	if !at.End() {
		t.Errorf("the path ends at %s", at)
	}
}

func names(g *privilege.Grant, s privilege.State) bool {
	for sub := range rbac.Subjects(g.Binding) {
		if g.Via != "" && sub.Kind == "Group" && sub.Name == g.Via {
			return true
		}
		if sub.Kind == s.Kind.String() && sub.Name == s.Name && sub.Namespace == s.Namespace {
			return true
		}
	}
	return false
}

// random makes a cluster of a few namespaces, roles and bindings.
func random(r *rand.Rand) (fixed, bindings []string) {
	spaces := []string{"a", "b", "kube-system"}
	levels := []string{"privileged", "restricted", "baseline"}
	rights := []string{
		"core pods create", "apps deployments patch", "core pods/exec create", "core secrets get,list", "core secrets create", "core serviceaccounts/token create", "core serviceaccounts/token create x",
		"rbac.authorization.k8s.io clusterroles bind", "rbac.authorization.k8s.io rolebindings create", "rbac.authorization.k8s.io roles,clusterroles escalate,patch", "core users,groups impersonate",
		"core nodes/proxy get", "core configmaps get", "core namespaces patch", "core persistentvolumes,persistentvolumeclaims create", "core serviceaccounts impersonate y",
		"admissionregistration.k8s.io mutatingwebhookconfigurations create",
	}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	for _, ns := range spaces[:2] {
		if r.IntN(3) > 0 {
			fixed = append(fixed, "namespace "+ns+" "+pick(levels))
		}
	}
	var roles []string
	for i := range 6 {
		ns := ""
		if r.IntN(2) == 0 {
			ns = pick(spaces)
		}
		id := fmt.Sprintf("%s/r%d", ns, i)
		roles = append(roles, id)
		for range 1 + r.IntN(2) {
			fixed = append(fixed, "role "+id+" "+pick(rights))
		}
	}
	subjects := []string{"User:ann", "Group:dev", "Group:system:serviceaccounts", "ServiceAccount:a/x", "ServiceAccount:a/y", "ServiceAccount:b/x", "ServiceAccount:b/z", "ServiceAccount:kube-system/y"}
	for i := range 4 {
		fixed = append(fixed, fmt.Sprintf("pod %s/p%d %s", pick(spaces), i, pick([]string{"x", "y", "z", "x privileged"})))
	}
	fixed = append(fixed, "token a/t z")
	for i := range 7 {
		role := pick(roles)
		ns, name, _ := strings.Cut(role, "/")
		ref := role
		if ns == "" {
			ref = name
			if r.IntN(2) == 0 {
				ns = pick(spaces)
			}
		}
		bindings = append(bindings, fmt.Sprintf("bind %s/b%d %s %s", ns, i, ref, pick(subjects)))
	}
	return fixed, bindings
}

func paths(t testing.TB, lines []string) map[privilege.State]*privilege.Path {
	m := privilege.New(cluster(t, lines), 37, nil)
	out := map[privilege.State]*privilege.Path{}
	for _, s := range m.Starts() {
		if p := m.Find(s, privilege.Cut{}); p != nil {
			valid(t, p)
			out[s] = p
		}
	}
	return out
}

// Removing a binding never opens a path, never shortens one, and never makes
// one certain that was not.
func TestMonotone(t *testing.T) {
	found := 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		fixed, bindings := random(r)
		all := paths(t, slices.Concat(fixed, bindings))
		found += len(all)
		for i := range bindings {
			fewer := paths(t, slices.Concat(fixed, bindings[:i], bindings[i+1:]))
			for s, p := range fewer {
				whole := all[s]
				switch {
				case whole == nil:
					t.Fatalf("seed %d: without %q %s has a path that it did not have", seed, bindings[i], s)
				case whole.Assumes() != "" && p.Assumes() == "":
					t.Fatalf("seed %d: without %q the path of %s is certain", seed, bindings[i], s)
				case whole.Assumes() == p.Assumes() && len(p.Steps) < len(whole.Steps):
					t.Fatalf("seed %d: without %q the path of %s is shorter", seed, bindings[i], s)
				}
			}
		}
	}
	if found < 150 {
		t.Errorf("only %d paths in all: the random clusters test nothing", found)
	}
}

// What Cheapest proposes keeps its promise, and cutting in the search is the
// same as cutting in the files.
func TestCheapest(t *testing.T) {
	for seed := range uint64(150) {
		fixed, bindings := random(rand.New(rand.NewPCG(seed, 2)))
		m := privilege.New(cluster(t, slices.Concat(fixed, bindings)), 37, nil)
		for _, s := range m.Starts() {
			p := m.Find(s, privilege.Cut{})
			if p == nil {
				continue
			}
			a := m.Cheapest(p)
			if a.Grant == nil || a.Holders < 1 {
				t.Fatalf("seed %d: no place to cut the path of %s", seed, s)
			}
			left := m.Find(s, a.Cut)
			if a.Last != (left == nil) {
				t.Fatalf("seed %d: the advice for %s says last %t, left is %v", seed, s, a.Last, left)
			}
			if a.Binding == nil {
				continue
			}
			var rest []string
			for _, b := range bindings {
				if !strings.Contains(b, "/"+a.Binding.Name+" ") {
					rest = append(rest, b)
				}
			}
			n := privilege.New(cluster(t, slices.Concat(fixed, rest)), 37, nil)
			if again := n.Find(s, privilege.Cut{}); (again == nil) != (left == nil) {
				t.Fatalf("seed %d: cutting %s in the search and in the files differ for %s", seed, a.Binding.Ref, s)
			}
		}
	}
}

// The path looked up from the ends is as short, and as certain, as the one
// searched from the start.
func TestBothDirections(t *testing.T) {
	nothing := privilege.Cut{Binding: &graph.Object{}} // forces the search
	for seed := range uint64(300) {
		fixed, bindings := random(rand.New(rand.NewPCG(seed, 3)))
		m := privilege.New(cluster(t, slices.Concat(fixed, bindings)), 37, nil)
		for _, s := range m.Starts() {
			a, b := m.Find(s, privilege.Cut{}), m.Find(s, nothing)
			if (a == nil) != (b == nil) || a != nil && (len(a.Steps) != len(b.Steps) || (a.Assumes() == "") != (b.Assumes() == "") || a.End() != b.End()) {
				t.Fatalf("seed %d: the paths of %s differ:\n%v\n%v", seed, s, a, b)
			}
		}
	}
}
