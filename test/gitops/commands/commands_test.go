package commands

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/test/cluster"
)

const home = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: autoecoops}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: shop}]
---
apiVersion: v1
kind: Secret
metadata: {name: variables, namespace: shop}
stringData: {CODE: tomorrow-at-noon}`

const application = `apiVersion: autoecoops.io/v1alpha1
kind: Application
metadata: {name: web, namespace: shop}
spec:
  source: {git: {url: "file://REPO", branch: main}, path: app}
  serviceAccountName: deployer
  gate: {failOn: critical}
  health: {watch: 0s}
  substitute: {from: [{kind: Secret, name: variables}]}`

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.0
        ports: [{containerPort: 80}]
`

const rest1 = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {word: hunter2hunter2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue, code: "${CODE}"}
`

const old = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"

// next changes an image, a Secret and a ConfigMap, drops one object and makes
// others; the API server and the gate refuse some of it.
const next = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}], clusterIP: 10.9.9.9}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {word: other-other}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green, code: "${CODE}!"}
---
apiVersion: v1
kind: Namespace
metadata: {name: annex}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: there, namespace: annex}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lost, namespace: nowhere}
---
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec:
  automountServiceAccountToken: false
  containers:
  - {name: c, image: i, securityContext: {privileged: true}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {autoecoops.io/hook: before}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: m:1}]}}}
`

func TestCommands(t *testing.T) {
	w := newWorld(t)
	w.apply(home)
	w.commit("main", map[string]string{"app/web.yaml": deployment, "app/rest.yaml": rest1 + old})
	w.apply(strings.ReplaceAll(application, "REPO", w.repo()))
	w.wants("app diff web -n shop --exit-code", 1, "against a cluster that has nothing of it yet", "5 to create", "+ Secret shop/token", "lacks:hunter2", "lacks:tomorrow")
	w.operate()
	w.await("the first sync", func() string {
		_, out, errs := w.run("app get web -n shop")
		if strings.Contains(out, "Last good") && !strings.Contains(out, "Last good    -") {
			return ""
		}
		return out + errs
	})
	t.Run("look", func(t *testing.T) { w.T = t; look(w) })
	t.Run("nothing to change", func(t *testing.T) {
		w.T = t
		w.wants("app diff web -n shop --exit-code", 0, "no difference in 5 objects", "the gate would let it pass")
	})
	w.commit("feature/cart", map[string]string{"app/rest.yaml": next, "app/web.yaml": strings.ReplaceAll(deployment, "web:1.0", "web:1.1")})
	t.Run("a branch", func(t *testing.T) { w.T = t; branch(w) })
	t.Run("a working tree", func(t *testing.T) { w.T = t; folder(w) })
	t.Run("encrypted files", func(t *testing.T) { w.T = t; encrypted(w) })
	t.Run("few rights", func(t *testing.T) { w.T = t; fewRights(w) })
	t.Run("posture", func(t *testing.T) { w.T = t; posture(w) })
	t.Run("refused commands", func(t *testing.T) {
		w.T = t
		w.wants("app diff web -n shop --revision nix", 2, "has no branch, tag or known commit of that name")
		w.wants("app diff web -n shop --path /nix", 2, "there is no such folder")
		w.wants("app diff web -n shop --path . --revision main", 2, "exclude each other")
		w.wants("app diff wep -n shop", 2, "did you mean web?")
		w.wants("app trace web -n shop configmap/settinks", 2, "did you mean ConfigMap/settings?")
		w.wants("app trace web -n shop settings", 2, "this is not KIND/NAME")
		w.wants("app get web -n nowhere", 2, "there is no application of that name")
	})
}

// look tries the commands that only read what is recorded.
func look(w *world) {
	w.wants("app list -n shop", 0, "web", "True", "healthy")
	w.wants("app list -A -o wide", 0, "shop", "file://"+w.repo()+"//app@main")
	w.wants("app list -n shop -o name", 0, "application.autoecoops.io/web")
	w.wants("app get web -n shop", 0, "Deployment/web", "Secret/token", "Objects: 5", "lacks:hunter2")
	w.wants("app history web -n shop -o wide", 0, "Good", "Ann", "change on main")
	name := strings.TrimPrefix(strings.TrimSpace(w.wants("release list -n shop -o name", 0, "release.autoecoops.io/web-")), "release.autoecoops.io/")
	w.wants("release get "+name+" -n shop", 0, "change on main, Ann", "Applied", "Healthy")
	w.wants("app trace web -n shop", 0, "Trace id", name, "committed", "change on main, Ann", "applied", "healthy", "ended", "good", "lacks:never")
	w.wants("app trace web -n shop deploy/web", 0, "Written at    app/web.yaml:1", "release "+name, "Health        healthy")
	w.wants("app trace web -n shop configmaps/shop/settings", 0, "Written at    app/rest.yaml:11")
	out := w.wants("app trace web -n shop secret/token -o json", 0, "lacks:hunter2")
	var trace struct {
		TraceID string
		Steps   []struct {
			Step             string
			AfterNanoseconds int64
		}
		Object    struct{ Written, Health string }
		ChangedBy string
	}
	if err := json.Unmarshal([]byte(out), &trace); err != nil || len(trace.TraceID) != 32 || len(trace.Steps) != 7 || trace.Object.Written != "app/rest.yaml:6" || !strings.Contains(trace.ChangedBy, name) {
		w.Errorf("%v, %+v", err, trace)
	}
}

// branch tries what a branch would change, and be refused for.
func branch(w *world) {
	line := "app diff web -n shop --revision feature/cart"
	w.wants(line, 0)
	out := w.wants(line+" --exit-code", 1,
		"(feature/cart) against the cluster, which is at", "~ Deployment shop/web (apps/v1): 1 change, app/web.yaml:1", "image: registry.example.com/web:1.0 → registry.example.com/web:1.1",
		"~ Secret shop/token (v1): 1 change, app/rest.yaml:6", "data.word: changed (hidden)", "~ ConfigMap shop/settings (v1): 2 changes", "data.colour: blue → green", "data.code: changed (hidden)",
		"! Service shop/web (v1): refused, app/rest.yaml:1", "the API server would refuse this: Service \"web\" is invalid", "may not change once set",
		"+ Namespace annex (v1): to be created", "? ConfigMap annex/there (v1): unknown", "namespace annex) comes with the same revision",
		"! ConfigMap nowhere/lost (v1): refused", "+ Pod shop/bad", "- ConfigMap shop/old (v1): to be deleted",
		"2 to create, 3 to change, 1 to delete, 2 refused, 1 unknown", "runs at the release (before): Job shop/migrate, app/rest.yaml:36",
		"the gate would refuse this revision", "app/rest.yaml:34: container \"c\" is privileged", "lacks:hunter2", "lacks:other-other", "lacks:tomorrow", "lacks:note:")
	if _, again, _ := w.run(line + " --exit-code"); again != out {
		w.Errorf("the second time it is\n%s\nnot\n%s", again, out)
	}
	w.wants(line+" -o markdown", 0, "### shop/web: revision", "<details><summary>change <code>Deployment shop/web (apps/v1)</code>: 1 change, <code>app/web.yaml:1</code>", "**the gate would refuse this revision**", "lacks:other-other", "lacks:tomorrow")
	var p struct {
		TriedAs string
		Objects []struct{ Action string }
		Gate    struct{ Refused bool }
	}
	if err := json.Unmarshal([]byte(w.wants(line+" -o json", 0, "lacks:other-other", "lacks:b3RoZXIt", "lacks:tomorrow")), &p); err != nil || p.TriedAs != "system:serviceaccount:shop:deployer" || len(p.Objects) != 9 || !p.Gate.Refused {
		w.Errorf("%v, %+v", err, p)
	}
	// Nothing of it happened.
	w.wants("app diff web -n shop --exit-code", 0, "no difference in 5 objects")
}

// folder tries a working tree, from a folder in it, with objects that need more
// than an apply.
func folder(w *world) {
	dir := filepath.Join(w.dir, "copy")
	w.git("", "clone", "-q", w.repo(), dir)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, "app", name), []byte(text), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	write("rest.yaml", strings.ReplaceAll(rest1, "blue", "red"))
	w.wants("app diff web -n shop --exit-code --path "+filepath.Join(dir, "app"), 1, "the working tree in "+dir, "data.colour: blue → red", "- ConfigMap shop/old", "1 to change, 1 to delete, 3 unchanged")
	write("rest.yaml", "")
	w.wants("app diff web -n shop --path "+dir, 0, "only after somebody confirms: 4 of 5 objects left Git", "4 to delete, 1 unchanged")
	write("rest.yaml", rest1+old)
	write("web.yaml", strings.ReplaceAll(deployment, "app: web", "app: new"))
	w.wants("app diff web -n shop --path "+dir, 0, "! Deployment shop/web (apps/v1): refused", "field is immutable")
	write("web.yaml", strings.ReplaceAll(strings.ReplaceAll(deployment, "app: web", "app: new"), "  name: web\nspec", "  name: web\n  annotations: {autoecoops.io/recreate: allowed}\nspec"))
	w.wants("app diff web -n shop --path "+dir, 0, "~ Deployment shop/web (apps/v1)", "it is deleted and made anew", "spec.selector.matchLabels.app: web → new")
	write("web.yaml", "kind: [")
	w.wants("app diff web -n shop --path "+dir, 2, "app/web.yaml")
}

// encrypted tries files that SOPS encrypted, without a key, with one of this
// machine and with one in the cluster; and an object that another application
// has.
func encrypted(w *world) {
	text, err := os.ReadFile("../../../adapter/sops/testdata/data.yaml")
	if err != nil {
		w.Fatal(err)
	}
	key, err := filepath.Abs("../../../adapter/sops/testdata/key.txt")
	if err != nil {
		w.Fatal(err)
	}
	w.commit("main", map[string]string{
		"enc/data.yaml":          string(text),
		"enc/other.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
		"enc/kustomization.yaml": "resources: [other.yaml]\nsecretGenerator: [{name: s, files: [data.yaml], options: {disableNameSuffixHash: true}}]\nconfigMapGenerator: [{name: c, files: [data.yaml], options: {disableNameSuffixHash: true}}]\n",
	})
	w.apply(strings.NewReplacer("REPO", w.repo(), "name: web", "name: enc", "path: app", "path: enc", "  substitute: {from: [{kind: Secret, name: variables}]}", "  suspend: true\n  decryption: {name: age}").Replace(application))
	line := "app diff enc -n shop --exit-code"
	w.wants(line, 1, "? Secret shop/s (v1): unknown", "? ConfigMap shop/c (v1): unknown", "it is encrypted, and the key cannot be had", "! ConfigMap shop/settings (v1): refused", "application shop/web has it", "lacks:ENC[")
	code, out, errs := w.as(w.config, []string{"SOPS_AGE_KEY_FILE=" + key}, line)
	w.judge(line+" with a local key", code, 1, out, errs, "+ Secret shop/s", "+ ConfigMap shop/c", "data.yaml: (hidden)", "2 to create, 1 refused", "lacks:orders", "lacks:ENC[")
	identity, err := os.ReadFile(key)
	if err != nil {
		w.Fatal(err)
	}
	secret, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "age", "namespace": "shop"}, "stringData": map[string]any{"age.agekey": string(identity)}})
	if err != nil {
		w.Fatal(err)
	}
	w.apply(string(secret))
	w.wants(line, 1, "data.yaml: (hidden)", "2 to create, 1 refused", "lacks:orders", "lacks:ENC[", "lacks:AGE-SECRET")
}

// fewRights tries somebody who may look at applications and little else.
func fewRights(w *world) {
	w.apply(`apiVersion: v1
kind: ServiceAccount
metadata: {name: viewer, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: viewer}
rules:
- {apiGroups: [autoecoops.io], resources: ["*"], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [configmaps, services], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer}
subjects: [{kind: ServiceAccount, name: viewer, namespace: shop}]`)
	request := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}}
	made, err := w.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace("shop").Create(w.Context(), named(request, "viewer"), metav1.CreateOptions{}, "token")
	if err != nil {
		w.Fatal(err)
	}
	token, _, err := unstructured.NestedString(made.Object, "status", "token")
	if err != nil || token == "" {
		w.Fatalf("no token: %v", err)
	}
	viewer := rest.AnonymousClientConfig(w.rest)
	viewer.BearerToken = token
	config := filepath.Join(w.dir, "viewer")
	if err := cluster.WriteKubeconfig(config, viewer); err != nil {
		w.Fatal(err)
	}
	code, out, errs := w.as(config, nil, "app diff web -n shop --revision feature/cart --exit-code")
	w.judge("app diff as viewer", code, 1, out, errs,
		"? ConfigMap shop/settings (v1): unknown", "it has variables, and not all values can be had", "? Secret shop/token (v1): unknown", "you may not get it, so the API server cannot be asked", "you may not patch it",
		"note: tried with your rights: you may not act as system:serviceaccount:shop:deployer", "lacks:to change", "lacks:hunter2", "lacks:tomorrow")
	code, out, errs = w.as(config, nil, "app trace web -n shop secret/token")
	w.judge("app trace as viewer", code, 0, out, errs, "Written at    app/rest.yaml:6", "Health        unknown:", "unknown: the object cannot be read")
}

func named(o *unstructured.Unstructured, name string) *unstructured.Unstructured {
	o.SetName(name)
	return o
}

// posture tries a live assessment: findings lead to the line in Git.
func posture(w *world) {
	out := w.wants("assess -n shop -o json --fail-on medium", 1, "lacks:hunter2")
	var rep struct {
		Findings []struct {
			Check, File string
			Via         []string
		}
	}
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		w.Fatal(err)
	}
	found := 0
	for _, f := range rep.Findings {
		if f.File != "cluster:shop/Deployment.apps/web.json" {
			continue
		}
		if via := strings.Join(f.Via, " "); !strings.Contains(via, "application shop/web, revision ") || !strings.Contains(via, " of file://"+w.repo()+"//app@main, written at app/web.yaml:") {
			w.Errorf("%s leads to %q", f.Check, via)
		}
		if f.Check == "k8s-run-as-root" && strings.HasSuffix(f.Via[0], ":10") {
			found++
		}
	}
	if found != 1 {
		w.Errorf("no finding at the pod's line: %s", out)
	}
	if err := os.Rename(w.repo(), w.repo()+".away"); err != nil {
		w.Fatal(err)
	}
	defer func() {
		if err := os.Rename(w.repo()+".away", w.repo()); err != nil {
			w.Fatal(err)
		}
	}()
	// A new machine has no mirror yet.
	code, out, errs := w.as(w.config, []string{"XDG_CACHE_HOME=" + filepath.Join(w.dir, "other")}, "assess -n shop --fail-on medium")
	w.judge("assess without the repository", code, 1, out, errs, "application shop/web, revision ", "line unknown: ")
}
