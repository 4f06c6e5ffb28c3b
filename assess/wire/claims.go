package wire

import (
	"slices"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Claim says that an object makes a ConfigMap or Secret at run time, as an
// ExternalSecret, a SealedSecret or a Certificate does.
type Claim struct {
	// Object makes it; At is the field that names it, or the object itself.
	Object *graph.Object
	At     tree.Node
	// Kind is ConfigMap or Secret.
	Kind, Namespace, Name string
	// Keys are its entries; Open means that there may be others.
	Keys []string
	Open bool
}

// Has reports whether the claim's product has the key, or may have it.
func (c *Claim) Has(key string) bool { return c.Open || slices.Contains(c.Keys, key) }

// Claims are all claims of a graph.
type Claims struct {
	all    []*Claim
	byName map[[2]string][]*Claim
}

type claimsKey struct{}

// ClaimsOf returns the claims of g's objects.
func ClaimsOf(g *graph.Graph) Claims {
	return g.Derive(claimsKey{}, func(g *graph.Graph) any { return newClaims(g) }).(Claims)
}

// Find returns the claim to a ConfigMap or Secret, nil if there is none. As in
// graph.Find, a namespace that is not written down stands for any, and "*"
// stands for every namespace.
func (cs Claims) Find(kind, namespace, name string) *Claim {
	var loose *Claim
	for _, c := range cs.byName[[2]string{kind, name}] {
		if c.Namespace == namespace {
			return c
		}
		if loose == nil && (c.Namespace == "" || namespace == "" || c.Namespace == "*") {
			loose = c
		}
	}
	return loose
}

func newClaims(g *graph.Graph) Claims {
	cs := Claims{byName: map[[2]string][]*Claim{}}
	add := func(c *Claim) {
		if c.Name == "" {
			return
		}
		if c.Kind == "" {
			c.Kind = "Secret"
		}
		if c.Namespace == "" {
			c.Namespace = c.Object.Namespace
		}
		cs.all = append(cs.all, c)
		k := [2]string{c.Kind, c.Name}
		cs.byName[k] = append(cs.byName[k], c)
	}
	for _, p := range producers {
		for _, o := range g.Kind(p.kind) {
			p.claim(o, add)
		}
	}
	for _, p := range namedProducers {
		for _, o := range g.Kind(p.kind) {
			if at := o.Body.At(p.path...); at.Text() != "" {
				add(&Claim{Object: o, At: at, Name: at.Text(), Open: true})
			}
		}
	}
	return cs
}

// producers are the kinds whose claims take more than one field to read.
var producers = []struct {
	kind  string
	claim func(o *graph.Object, add func(*Claim))
}{
	{"ExternalSecret", externalSecret},
	{"ClusterExternalSecret", clusterExternalSecret},
	{"SealedSecret", sealedSecret},
	{"SopsSecret", sopsSecret},
	{"Certificate", certificate},
	{"SecretProviderClass", secretProviderClass},
	{"Ingress", edgeCertificates},
	{"Gateway", edgeCertificates},
	{"Service", servingCertificate},
	{"Secret", mirrored},
	{"ConfigMap", mirrored},
	{"Bundle", trustBundle},
	{"ClusterPolicy", generated},
	{"Policy", generated},
}

// namedProducers are the kinds that name the Secret they make in one field.
var namedProducers = []struct {
	kind string
	path []string
}{
	{"VaultStaticSecret", []string{"spec", "destination", "name"}},
	{"VaultDynamicSecret", []string{"spec", "destination", "name"}},
	{"VaultPKISecret", []string{"spec", "destination", "name"}},
	{"HCPVaultSecretsApp", []string{"spec", "destination", "name"}},
	{"VaultSecret", []string{"metadata", "name"}},
	{"OnePasswordItem", []string{"metadata", "name"}},
	{"DopplerSecret", []string{"spec", "managedSecret", "name"}},
	{"InfisicalSecret", []string{"spec", "managedSecretReference", "secretName"}},
	{"AzureKeyVaultSecret", []string{"spec", "output", "secret", "name"}},
	{"BitwardenSecret", []string{"spec", "secretName"}},
	{"ServiceBinding", []string{"spec", "secretName"}},
	{"KafkaUser", []string{"metadata", "name"}},
	{"ObjectBucketClaim", []string{"metadata", "name"}},
	{"StringSecret", []string{"metadata", "name"}},
	{"BasicAuth", []string{"metadata", "name"}},
	{"RSAKeyPair", []string{"metadata", "name"}},
	{"SSHKeyPair", []string{"metadata", "name"}},
}

// externalSecret reads what an External Secrets Operator's ExternalSecret
// writes: the entries of its template alone, unless these are merged with the
// fetched ones.
func externalSecret(o *graph.Object, add func(*Claim)) {
	target := o.Spec().Get("target")
	c := &Claim{Object: o, At: target.Get("name"), Name: target.Get("name").Text()}
	if c.Name == "" {
		c.At, c.Name = o.Body.At("metadata", "name"), o.Name
	}
	if target.At("manifest", "kind").Text() == "ConfigMap" {
		c.Kind = "ConfigMap"
	}
	externalKeys(c, o.Spec())
	add(c)
}

func externalKeys(c *Claim, spec tree.Node) {
	t := spec.At("target", "template")
	c.Open = t.Get("templateFrom").Len() > 0
	keys := t.Get("data")
	for k := range keys.Fields() {
		c.Keys = append(c.Keys, k.Text())
	}
	if keys.Len() > 0 && t.Get("mergePolicy").Text() != "Merge" {
		return
	}
	c.Open = c.Open || spec.Get("dataFrom").Len() > 0 || spec.At("target", "creationPolicy").Text() == "Merge"
	for _, d := range spec.Get("data").Items() {
		c.Keys = append(c.Keys, d.Get("secretKey").Text())
	}
}

func clusterExternalSecret(o *graph.Object, add func(*Claim)) {
	spec := o.Spec().Get("externalSecretSpec")
	c := &Claim{Object: o, At: spec, Namespace: "*"}
	for _, n := range []tree.Node{spec.At("target", "name"), o.Spec().Get("externalSecretName"), o.Body.At("metadata", "name")} {
		if c.Name == "" {
			c.Name = n.Text()
		}
	}
	externalKeys(c, spec)
	add(c)
}

func sealedSecret(o *graph.Object, add func(*Claim)) {
	t := o.Spec().Get("template")
	c := &Claim{Object: o, At: o.Spec().Get("encryptedData"), Name: t.At("metadata", "name").Text()}
	if c.Name == "" {
		c.Name = o.Name
	}
	for _, m := range [...]tree.Node{o.Spec().Get("encryptedData"), t.Get("data")} {
		for k := range m.Fields() {
			c.Keys = append(c.Keys, k.Text())
		}
	}
	c.Open = len(c.Keys) == 0
	add(c)
}

func sopsSecret(o *graph.Object, add func(*Claim)) {
	for _, t := range o.Spec().Get("secretTemplates").Items() {
		c := &Claim{Object: o, At: t, Name: t.Get("name").Text()}
		for _, m := range [...]tree.Node{t.Get("data"), t.Get("stringData")} {
			for k := range m.Fields() {
				c.Keys = append(c.Keys, k.Text())
			}
		}
		add(c)
	}
}

func certificate(o *graph.Object, add func(*Claim)) {
	at := o.Spec().Get("secretName")
	c := &Claim{Object: o, At: at, Name: at.Text(), Keys: []string{"tls.crt", "tls.key", "ca.crt"}}
	c.Open = o.Spec().Get("keystores").Len()+o.Spec().Get("additionalOutputFormats").Len() > 0
	add(c)
}

func secretProviderClass(o *graph.Object, add func(*Claim)) {
	for _, s := range o.Spec().Get("secretObjects").Items() {
		c := &Claim{Object: o, At: s.Get("secretName"), Name: s.Get("secretName").Text()}
		for _, d := range s.Get("data").Items() {
			c.Keys = append(c.Keys, d.Get("key").Text())
		}
		add(c)
	}
}

// edgeCertificates reads the Secrets that cert-manager makes for an Ingress or
// Gateway that asks for it by an annotation.
func edgeCertificates(o *graph.Object, add func(*Claim)) {
	asks := o.Annotation("kubernetes.io/tls-acme") == "true"
	for _, a := range [...]string{"cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "certmanager.k8s.io/issuer", "certmanager.k8s.io/cluster-issuer", "cert.gardener.cloud/purpose"} {
		asks = asks || o.Annotation(a) != ""
	}
	if !asks {
		return
	}
	keys := []string{"tls.crt", "tls.key", "ca.crt"}
	for _, t := range o.Spec().Get("tls").Items() {
		add(&Claim{Object: o, At: t.Get("secretName"), Name: t.Get("secretName").Text(), Keys: keys})
	}
	for _, l := range o.Spec().Get("listeners").Items() {
		for _, r := range l.At("tls", "certificateRefs").Items() {
			add(&Claim{Object: o, At: r.Get("name"), Namespace: r.Get("namespace").Text(), Name: r.Get("name").Text(), Keys: keys})
		}
	}
}

func servingCertificate(o *graph.Object, add func(*Claim)) {
	for _, a := range [...]string{"service.beta.openshift.io/serving-cert-secret-name", "service.alpha.openshift.io/serving-cert-secret-name"} {
		if at := o.Body.At("metadata", "annotations", a); at.Exists() {
			add(&Claim{Object: o, At: at, Name: at.Text(), Keys: []string{"tls.crt", "tls.key"}})
		}
	}
}

// mirrored reads the annotations by which the usual controllers copy a
// ConfigMap or Secret into other namespaces.
func mirrored(o *graph.Object, add func(*Claim)) {
	for _, a := range [...]string{"reflector.v1.k8s.emberstack.com/reflection-auto-enabled", "replicator.v1.mittwald.de/replicate-to", "replicator.v1.mittwald.de/replicate-to-matching", "kubed.appscode.com/sync"} {
		if at := o.Body.At("metadata", "annotations", a); at.Exists() && at.Text() != "false" {
			add(&Claim{Object: o, At: at, Kind: o.Kind, Namespace: "*", Name: o.Name, Open: true})
			return
		}
	}
}

// trustBundle reads a Bundle of cert-manager's trust-manager.
func trustBundle(o *graph.Object, add func(*Claim)) {
	for _, field := range [...]string{"configMap", "secret"} {
		if t := o.Spec().At("target", field); t.IsMap() {
			kind := "ConfigMap"
			if field == "secret" {
				kind = "Secret"
			}
			add(&Claim{Object: o, At: t, Kind: kind, Namespace: "*", Name: o.Name, Open: true})
		}
	}
}

// generated reads the generate rules of Kyverno policies.
func generated(o *graph.Object, add func(*Claim)) {
	for _, r := range o.Spec().Get("rules").Items() {
		gen := r.Get("generate")
		if kind := gen.Get("kind").Text(); kind == "Secret" || kind == "ConfigMap" {
			add(&Claim{Object: o, At: gen, Kind: kind, Namespace: "*", Name: gen.Get("name").Text(), Open: true})
		}
	}
}
