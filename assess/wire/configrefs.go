package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// configLinker resolves references to ConfigMaps and Secrets.
type configLinker struct {
	g      *graph.Graph
	claims Claims
}

// linkConfig links workloads, accounts, Ingresses and Gateways to the
// ConfigMaps and Secrets they read, or to what produces these at run time.
func linkConfig(g *graph.Graph) {
	l := &configLinker{g: g, claims: ClaimsOf(g)}
	for _, o := range g.Objects {
		switch {
		case o.Pod != nil:
			l.pod(o.Pod)
		case o.Kind == "ServiceAccount":
			l.pullSecrets(o, o.Body.Get("imagePullSecrets"))
		case o.Kind == "Ingress":
			for _, t := range o.Spec().Get("tls").Items() {
				l.use(ref{from: o, at: t.Get("secretName"), kind: "Secret", role: "tls"})
			}
		case o.Kind == "Gateway" && o.Group() == GatewayGroup:
			l.gateway(o)
		}
	}
	l.produced()
}

// ref is one use of a ConfigMap or Secret.
type ref struct {
	from *graph.Object
	// at holds the name, keyAt the key if one is asked for.
	at, keyAt  tree.Node
	kind, role string
	namespace  string
	optional   bool
}

func (l *configLinker) use(r ref) {
	name := r.at.Text()
	if name == "" {
		return
	}
	if r.namespace == "" {
		r.namespace = r.from.Namespace
	}
	o := l.g.FindGroup("", r.kind, r.namespace, name)
	c := l.claims.Find(r.kind, r.namespace, name)
	holder := o
	if o == nil && c != nil {
		holder = c.Object
	}
	miss := &graph.Reference{Kind: graph.Uses, From: r.from, At: r.at, TargetKind: r.kind, Namespace: r.namespace, Name: name, Role: r.role, Optional: r.optional}
	if holder == nil {
		if !wellKnown(r.kind, name) {
			l.g.Missing = append(l.g.Missing, miss)
		}
		return
	}
	l.g.Link(&graph.Edge{Kind: graph.Uses, From: r.from, To: holder, At: r.at})
	key := r.keyAt.Text()
	if key == "" || hasKey(o, c, key) {
		return
	}
	miss.At, miss.Key, miss.Holder = r.keyAt, key, holder
	l.g.Missing = append(l.g.Missing, miss)
}

// hasKey reports whether a ConfigMap or Secret that is in the graph as o, is
// produced as claimed by c, or both, has the key, or may have it.
func hasKey(o *graph.Object, c *Claim, key string) bool {
	if c != nil && c.Has(key) {
		return true
	}
	if o == nil {
		return false
	}
	if KeysOpen(o) {
		return true
	}
	for _, field := range [...]string{"data", "stringData", "binaryData"} {
		if o.Body.Get(field).Get(key).Exists() {
			return true
		}
	}
	return false
}

// KeysOpen reports whether the entries of a ConfigMap or Secret come from
// somewhere else than its manifest.
func KeysOpen(o *graph.Object) bool {
	if o.Kind == "Secret" && o.Body.Get("type").Text() == "kubernetes.io/service-account-token" {
		return true
	}
	for label := range o.Body.At("metadata", "labels").Fields() {
		if label.Text() == "config.openshift.io/inject-trusted-cabundle" {
			return true
		}
	}
	for a := range o.Body.At("metadata", "annotations").Fields() {
		switch a.Text() {
		case "service.beta.openshift.io/inject-cabundle", "reflector.v1.k8s.emberstack.com/reflects", "replicator.v1.mittwald.de/replicate-from":
			return true
		}
	}
	return o.Body.Get("data").Len()+o.Body.Get("stringData").Len()+o.Body.Get("binaryData").Len() == 0
}

// wellKnown reports whether a ConfigMap or Secret is made in every namespace
// by the cluster itself.
func wellKnown(kind, name string) bool {
	if kind != "ConfigMap" {
		return false
	}
	switch name {
	case "kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert", "extension-apiserver-authentication":
		return true
	}
	return false
}

func (l *configLinker) pod(p *graph.Pod) {
	o := p.Object
	for c := range p.Each() {
		for _, e := range c.Node.Get("env").Items() {
			from := e.Get("valueFrom")
			if !from.IsMap() {
				continue
			}
			l.key(o, "ConfigMap", from.Get("configMapKeyRef"))
			l.key(o, "Secret", from.Get("secretKeyRef"))
		}
		for _, e := range c.Node.Get("envFrom").Items() {
			l.whole(o, "ConfigMap", "envFrom", e.Get("configMapRef"))
			l.whole(o, "Secret", "envFrom", e.Get("secretRef"))
		}
	}
	for _, v := range p.Spec.Get("volumes").Items() {
		l.volume(o, v)
	}
	l.pullSecrets(o, p.Spec.Get("imagePullSecrets"))
}

func (l *configLinker) key(o *graph.Object, kind string, n tree.Node) {
	if n.IsMap() {
		l.use(ref{from: o, at: n.Get("name"), keyAt: n.Get("key"), kind: kind, role: "env", optional: n.Get("optional").True()})
	}
}

func (l *configLinker) whole(o *graph.Object, kind, role string, n tree.Node) {
	if n.IsMap() {
		l.use(ref{from: o, at: n.Get("name"), kind: kind, role: role, optional: n.Get("optional").True()})
	}
}

func (l *configLinker) pullSecrets(o *graph.Object, list tree.Node) {
	for _, n := range list.Items() {
		l.use(ref{from: o, at: n.Get("name"), kind: "Secret", role: "imagePullSecret"})
	}
}

// files is a ConfigMap or Secret as a volume, whole or by items.
func (l *configLinker) files(o *graph.Object, kind string, src, at tree.Node) {
	if !src.IsMap() {
		return
	}
	r := ref{from: o, at: at, kind: kind, role: "volume", optional: src.Get("optional").True()}
	items := src.Get("items")
	if items.Len() == 0 {
		l.use(r)
	}
	for _, it := range items.Items() {
		r.keyAt = it.Get("key")
		l.use(r)
	}
}

func (l *configLinker) volume(o *graph.Object, v tree.Node) {
	if cm := v.Get("configMap"); cm.IsMap() {
		l.files(o, "ConfigMap", cm, cm.Get("name"))
		return
	}
	if s := v.Get("secret"); s.IsMap() {
		l.files(o, "Secret", s, s.Get("secretName"))
		return
	}
	for _, s := range v.At("projected", "sources").Items() {
		l.files(o, "ConfigMap", s.Get("configMap"), s.Get("configMap").Get("name"))
		l.files(o, "Secret", s.Get("secret"), s.Get("secret").Get("name"))
	}
	if csi := v.Get("csi"); csi.IsMap() {
		l.use(ref{from: o, at: csi.At("nodePublishSecretRef", "name"), kind: "Secret", role: "volume"})
		if at := csi.At("volumeAttributes", "secretProviderClass"); at.Text() != "" {
			refer(l.g, &graph.Reference{Kind: graph.Uses, From: o, At: at, TargetKind: "SecretProviderClass", Namespace: o.Namespace, Name: at.Text(), Role: "secretProviderClass"})
		}
	}
	l.use(ref{from: o, at: v.At("azureFile", "secretName"), kind: "Secret", role: "volume"})
	for _, driver := range [...]string{"cephfs", "rbd", "iscsi", "flexVolume", "scaleIO", "storageos"} {
		l.use(ref{from: o, at: v.At(driver, "secretRef", "name"), kind: "Secret", role: "volume"})
	}
}

func (l *configLinker) gateway(o *graph.Object) {
	for _, listener := range o.Spec().Get("listeners").Items() {
		for _, c := range listener.At("tls", "certificateRefs").Items() {
			if kind := c.Get("kind").Text(); kind != "" && kind != "Secret" {
				continue
			}
			l.use(ref{from: o, at: c.Get("name"), kind: "Secret", role: "tls", namespace: c.Get("namespace").Text()})
		}
	}
}

// produced links producers to the ConfigMap or Secret they write, where that
// is in the graph as well.
func (l *configLinker) produced() {
	for _, c := range l.claims.all {
		if o := l.g.FindGroup("", c.Kind, c.Namespace, c.Name); o != nil && o != c.Object {
			l.g.Link(&graph.Edge{Kind: graph.Produces, From: c.Object, To: o, At: c.At})
		}
	}
}

// linkVolumes links workloads to the PersistentVolumeClaims they mount.
func linkVolumes(g *graph.Graph) {
	for _, o := range g.Objects {
		if o.Pod == nil {
			continue
		}
		for _, v := range o.Pod.Spec.Get("volumes").Items() {
			if at := v.At("persistentVolumeClaim", "claimName"); at.Text() != "" && !TemplatedClaim(o, v.Get("name").Text()) {
				refer(g, &graph.Reference{Kind: graph.Mounts, From: o, At: at, TargetKind: "PersistentVolumeClaim", Namespace: o.Namespace, Name: at.Text(), Role: "volume"})
			}
		}
	}
}

// TemplatedClaim reports whether a StatefulSet gives each pod a claim of its
// own for the volume, which takes the place of one in the pod template.
func TemplatedClaim(o *graph.Object, volume string) bool {
	for _, t := range o.Spec().Get("volumeClaimTemplates").Items() {
		if t.At("metadata", "name").Text() == volume {
			return true
		}
	}
	return false
}
