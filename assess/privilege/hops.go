package privilege

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/rbac"
)

// holder is an identity with what it holds, on the search for its next hops.
type holder struct {
	*Model
	self   State
	grants []*Grant
	yield  func(Step)
}

func (h *holder) to(s State, how string, grants ...*Grant) {
	h.yield(Step{From: h.self, To: s, How: how, Grants: grants})
}

// other finds a grant for which ok holds.
func (h *holder) other(ok func(*Grant) bool) *Grant {
	for _, g := range h.grants {
		if ok(g) {
			return g
		}
	}
	return nil
}

func (h *holder) hops() {
	for _, g := range h.grants {
		if g.everything() {
			h.to(State{Kind: Cluster}, "has every right", g)
			return
		}
	}
	for _, g := range h.grants {
		h.escalate(g)
		h.bind(g)
		h.impersonate(g)
		h.certificates(g)
		h.control(g)
		h.takeOver(g, "create", "serviceaccounts/token", "makes itself a token of")
		h.runPods(g)
		h.enterPods(g)
		h.secrets(g)
	}
}

// escalate: rights are written into the role by which one has the right to.
func (h *holder) escalate(g *Grant) {
	kind, resource := "ClusterRole", "clusterroles"
	if g.RoleKind == "Role" {
		kind, resource = "Role", "roles"
	}
	if g.RoleKind != kind || !g.allowsName("escalate", rbac.Group, resource, g.RoleName) {
		return
	}
	if kind == "ClusterRole" && g.Namespace != Anywhere {
		return // ClusterRoles are in no namespace, so the rule has no effect
	}
	write := h.other(func(o *Grant) bool {
		return o.in(g.Namespace) && (o.allowsName("update", rbac.Group, resource, g.RoleName) || o.allowsName("patch", rbac.Group, resource, g.RoleName))
	})
	switch {
	case write == nil:
	case kind == "ClusterRole":
		h.to(State{Kind: Cluster}, "writes every right into ClusterRole "+g.RoleName+", which it holds itself", g, write)
	default:
		h.to(State{Kind: Pods, Namespace: g.Namespace}, "writes every right into Role "+g.RoleName+", which it holds itself, and runs pods in "+place(g.Namespace), g, write)
	}
}

// bind: a stronger role is bound to oneself.
func (h *holder) bind(g *Grant) {
	if !g.allows("bind", rbac.Group, "clusterroles") {
		return
	}
	role := ""
	for _, name := range [...]string{"cluster-admin", "admin", "edit"} {
		if g.allowsName("bind", rbac.Group, "clusterroles", name) {
			role = name
			break
		}
	}
	if role == "" {
		return
	}
	if g.Namespace == Anywhere {
		whole := h.other(func(o *Grant) bool {
			return o.Namespace == Anywhere && o.allows("create", rbac.Group, "clusterrolebindings")
		})
		if whole != nil && role == "cluster-admin" {
			h.to(State{Kind: Cluster}, "binds itself to cluster-admin", g, whole)
			return
		}
	}
	for _, o := range h.grants {
		if !o.allows("create", rbac.Group, "rolebindings") || g.Namespace != Anywhere && o.Namespace != Anywhere && g.Namespace != o.Namespace {
			continue
		}
		ns := o.Namespace
		if ns == Anywhere {
			ns = g.Namespace
		}
		h.to(State{Kind: Pods, Namespace: ns}, fmt.Sprintf("binds itself to %s in %s and runs pods there", role, place(ns)), g, o)
	}
}

// impersonate: requests are made in somebody else's name.
func (h *holder) impersonate(g *Grant) {
	h.takeOver(g, "impersonate", "serviceaccounts", "acts in the name of")
	if g.Namespace != Anywhere {
		return
	}
	if g.allowsAll("impersonate", "", "users") {
		h.to(State{Kind: Cluster}, "acts in the name of User system:kube-controller-manager, which may make tokens of every account", g)
	} else if g.allows("impersonate", "", "users") {
		for _, name := range g.names {
			h.to(State{Kind: User, Name: name}, "acts in the name of User "+name, g)
		}
	}
	if !g.allows("impersonate", "", "groups") {
		return
	}
	who := h.other(func(o *Grant) bool {
		return o.Namespace == Anywhere && (o.allows("impersonate", "", "users") || o.allows("impersonate", "", "serviceaccounts"))
	})
	if who == nil {
		return // a group can only be added to the name of somebody
	}
	if g.allowsName("impersonate", "", "groups", "system:masters") {
		h.to(State{Kind: Cluster}, "acts as a member of system:masters", g, who)
		return
	}
	for _, name := range g.names {
		h.to(State{Kind: Group, Name: name}, "acts as a member of Group "+name, g, who)
	}
}

// takeOver: the accounts on which a verb is allowed are taken over.
func (h *holder) takeOver(g *Grant, verb, resource, how string) {
	if !g.allows(verb, "", resource) {
		return
	}
	if len(g.names) == 0 && (g.Namespace == Anywhere || g.Namespace == "kube-system") {
		h.to(State{Kind: Cluster}, how+" "+aggregator, g)
		return
	}
	for _, s := range h.accountsIn(g.Namespace, h.accounts) {
		if len(g.names) == 0 || slices.Contains(g.names, s.Name) {
			h.to(s, how+" "+s.String(), g)
		}
	}
}

// accountsIn lists accounts of one namespace, or of all in a fixed order.
func (h *holder) accountsIn(namespace string, from map[string][]State) []State {
	if namespace != Anywhere {
		return from[namespace]
	}
	var all []State
	for _, list := range from {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// certificates: a client certificate is made out to somebody else.
func (h *holder) certificates(g *Grant) {
	const group = "certificates.k8s.io"
	if g.Namespace != Anywhere || !g.allows("update", group, "certificatesigningrequests/approval") && !g.allows("patch", group, "certificatesigningrequests/approval") {
		return
	}
	request := h.other(func(o *Grant) bool {
		return o.Namespace == Anywhere && o.allows("create", group, "certificatesigningrequests")
	})
	if request == nil {
		return
	}
	for _, o := range h.grants {
		signer := func(name string) bool {
			return o.Namespace == Anywhere && (o.allowsName("approve", group, "signers", "kubernetes.io/"+name) || o.allowsName("approve", group, "signers", "kubernetes.io/*"))
		}
		switch {
		case signer("kube-apiserver-client"):
			h.to(State{Kind: Cluster}, "approves its own certificate request in the name of User system:kube-controller-manager, which may make tokens of every account", g, request, o)
		case signer("kube-apiserver-client-kubelet"):
			h.to(State{Kind: Nodes}, "approves its own certificate requests in the name of nodes", g, request, o)
		}
	}
}

// control: parts of the control plane are steered.
func (h *holder) control(g *Grant) {
	if g.Namespace == Anywhere {
		if g.allows("get", "", "nodes/proxy") || g.allows("create", "", "nodes/proxy") {
			h.to(State{Kind: Nodes}, "runs commands in any pod through the kubelets", g)
		}
		const admission, hooks = "admissionregistration.k8s.io", "mutatingwebhookconfigurations"
		if g.allows("create", admission, hooks) || g.allows("update", admission, hooks) || g.allows("patch", admission, hooks) {
			h.to(State{Kind: Pods, Namespace: Anywhere}, "changes every pod on its way into the cluster by a webhook of its own", g)
		}
	}
	if g.in("kube-system") && slices.Contains(g.names, "aws-auth") && (g.allows("update", "", "configmaps") || g.allows("patch", "", "configmaps")) {
		h.to(State{Kind: Cluster}, "makes an AWS identity a member of system:masters in the ConfigMap aws-auth", g)
	}
}

// templates are the resources whose objects make pods.
var templates = [...]struct{ group, resource string }{
	{"apps", "deployments"}, {"apps", "daemonsets"}, {"apps", "statefulsets"}, {"apps", "replicasets"}, {"batch", "cronjobs"}, {"", "replicationcontrollers"},
}

// runPods: pods of one's own making run in a namespace.
func (h *holder) runPods(g *Grant) {
	resource := ""
	switch {
	case g.allows("create", "", "pods"):
		resource = "pods"
	case g.allows("create", "batch", "jobs"):
		resource = "jobs"
	}
	for _, t := range templates {
		if resource == "" && (g.allows("create", t.group, t.resource) || g.allows("update", t.group, t.resource) || g.allows("patch", t.group, t.resource)) {
			resource = t.resource
		}
	}
	if resource == "" {
		return
	}
	to := State{Kind: Pods, Namespace: g.Namespace}
	h.to(to, "writes "+resource+" in "+place(g.Namespace), g)
	if g.Namespace == Anywhere {
		return
	}
	// The pod standard of the namespace can be got round.
	if label := h.other(func(o *Grant) bool {
		return o.Namespace == Anywhere && (o.allowsName("patch", "", "namespaces", g.Namespace) || o.allowsName("update", "", "namespaces", g.Namespace))
	}); label != nil {
		h.to(State{Kind: Nodes}, "takes the pod standard off "+place(g.Namespace)+" and starts a privileged pod on each node it likes", g, label)
	}
	volume := h.other(func(o *Grant) bool { return o.Namespace == Anywhere && o.allows("create", "", "persistentvolumes") })
	claim := h.other(func(o *Grant) bool {
		return o.in(g.Namespace) && o.allows("create", "", "persistentvolumeclaims")
	})
	if volume != nil && claim != nil {
		h.to(State{Kind: Nodes}, "mounts folders of any node as a persistent volume, which no pod standard looks at", g, volume, claim)
	}
}

// enterPods: code runs in pods that are there already.
func (h *holder) enterPods(g *Grant) {
	how := ""
	switch {
	case g.allows("create", "", "pods/exec") || h.getEnters && g.allows("get", "", "pods/exec"):
		how = "runs commands"
	case g.allows("update", "", "pods/ephemeralcontainers") || g.allows("patch", "", "pods/ephemeralcontainers"):
		how = "adds a container to a pod"
	case g.allowsAll("patch", "", "pods") || g.allowsAll("update", "", "pods"):
		how = "changes the image of a pod"
	default:
		return
	}
	for _, s := range h.accountsIn(g.Namespace, h.runs) {
		h.to(s, how+" beside the token of "+s.String(), g)
	}
	for _, ns := range h.namespacesOf(g) {
		if o := h.privileged[ns]; o != nil {
			h.to(State{Kind: Nodes}, how+" in "+o.Ref.String()+", which is privileged", g)
			return
		}
	}
}

// namespacesOf lists the namespaces with privileged workloads in which a grant
// holds, in a fixed order.
func (h *holder) namespacesOf(g *Grant) []string {
	if g.Namespace != Anywhere {
		return []string{g.Namespace}
	}
	all := make([]string, 0, len(h.privileged))
	for ns := range h.privileged {
		all = append(all, ns)
	}
	slices.Sort(all)
	return all
}

// secrets: tokens that lie in Secrets are read, or made to lie there.
func (h *holder) secrets(g *Grant) {
	read := func(o *Grant) bool {
		return o.allows("get", "", "secrets") || o.allows("list", "", "secrets") || o.allows("watch", "", "secrets")
	}
	if read(g) {
		for _, t := range h.tokens {
			if g.in(t.namespace) && (len(g.names) == 0 || slices.Contains(g.names, t.secret)) {
				h.to(t.account, "reads the lasting token of "+t.account.String()+" from Secret "+t.secret, g)
			}
		}
	}
	if !g.allows("create", "", "secrets") {
		return
	}
	reader := h.other(func(o *Grant) bool { return len(o.names) == 0 && read(o) && o.in(g.Namespace) })
	if reader == nil {
		return
	}
	const how = "makes a token Secret for, and reads from it the token of,"
	if g.Namespace == Anywhere || g.Namespace == "kube-system" {
		h.to(State{Kind: Cluster}, how+" "+aggregator, g, reader)
		return
	}
	for _, s := range h.accounts[g.Namespace] {
		h.to(s, how+" "+s.String(), g, reader)
	}
}
