package observed

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/giturl"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return body
}

// argoOf is an Argo CD Application with fields of its source.
func argoOf(source string) string {
	return `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"shop","namespace":"argocd"},"spec":{"destination":{"server":"https://kubernetes.default.svc","namespace":"prod"},"source":{` + source + `}}}`
}

func kustomizationOf(spec string) string {
	return `{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"name":"shop","namespace":"flux"},"spec":{"sourceRef":{"kind":"GitRepository","name":"repo"},` + spec + `}}`
}

func releaseOf(chart, spec string) string {
	return `{"apiVersion":"helm.toolkit.fluxcd.io/v2","kind":"HelmRelease","metadata":{"name":"shop","namespace":"flux"},"spec":{"chart":{"spec":{"chart":"./charts/shop","sourceRef":{"kind":"GitRepository","name":"repo","namespace":"sources"}` + chart + `}}` + spec + `}}`
}

const repoURL = `"repoURL":"https://git.example.com/team/shop.git"`

// written writes what was read of an origin in a line.
func written(o Origin) string {
	raw, err := json.Marshal(o.Source)
	if err != nil {
		return err.Error()
	}
	out := string(raw) + " in " + o.Namespace
	if o.Repository != (Repository{}) {
		out += " from " + o.Repository.Namespace + "/" + o.Repository.Name
	}
	if o.Substitute != nil {
		raw, err := json.Marshal(o.Substitute)
		if err != nil {
			return err.Error()
		}
		out += " with " + string(raw)
	}
	if o.Values != "" {
		out += " values " + o.Values
	}
	if o.Elsewhere {
		out += " elsewhere"
	}
	return out
}

func TestOriginOf(t *testing.T) {
	git := func(ref string) string {
		return `{"git":{"url":"https://git.example.com/team/shop.git"` + ref + `},"path":"apps/shop","helm":{"releaseName":"shop"}} in prod`
	}
	at := func(revision string) string {
		return argoOf(repoURL + `,"path":"apps/shop","targetRevision":"` + revision + `"`)
	}
	for name, c := range map[string]struct{ body, want string }{
		"argo":                        {argoOf(repoURL + `,"path":"apps/shop"`), git("")},
		"argo, HEAD":                  {at("HEAD"), git("")},
		"argo, branch":                {at("feature/x"), git(`,"branch":"feature/x"`)},
		"argo, branch in full":        {at("refs/heads/v1.0.0"), git(`,"branch":"v1.0.0"`)},
		"argo, tag":                   {at("v1.2.3"), git(`,"tag":"v1.2.3"`)},
		"argo, tag of a candidate":    {at("1.2.3-rc.1+b"), git(`,"tag":"1.2.3-rc.1+b"`)},
		"argo, tag in full":           {at("refs/tags/stable"), git(`,"tag":"stable"`)},
		"argo, range":                 {at("1.2.*"), git(`,"semver":"1.2.*"`)},
		"argo, wildcard":              {at("v1.x"), git(`,"semver":"v1.x"`)},
		"argo, commit":                {at(strings.Repeat("ab", 20)), git(`,"commit":"` + strings.Repeat("ab", 20) + `"`)},
		"argo, the top":               {argoOf(repoURL + `,"path":"."`), `{"git":{"url":"https://git.example.com/team/shop.git"},"helm":{"releaseName":"shop"}} in prod`},
		"argo, nothing that matters":  {argoOf(repoURL + `,"path":"/apps/shop/","directory":{"jsonnet":{"tlas":[]},"recurse":true},"kustomize":{},"helm":{"skipCrds":false}`), git("")},
		"argo, over ssh":              {argoOf(`"repoURL":"git@git.example.com:team/shop","path":"a"`), `{"git":{"url":"git@git.example.com:team/shop"},"path":"a","helm":{"releaseName":"shop"}} in prod`},
		"argo, a chart":               {argoOf(repoURL + `,"path":"c","helm":{"releaseName":"web","namespace":"web","valueFiles":["values-prod.yaml","../v/a.yaml","/top.yaml"],"values":"a: 1"}`), `{"git":{"url":"https://git.example.com/team/shop.git"},"path":"c","helm":{"releaseName":"web","valuesFiles":["c/values-prod.yaml","v/a.yaml","top.yaml"]}} in web values a: 1`},
		"argo, values":                {argoOf(repoURL + `,"path":"c","helm":{"values":"a: 1","valuesObject":{"b":2}}`), `{"git":{"url":"https://git.example.com/team/shop.git"},"path":"c","helm":{"releaseName":"shop","values":{"b":2}}} in prod`},
		"argo, empty list of sources": {strings.Replace(argoOf(repoURL), `"source":`, `"sources":[],"source":`, 1), `{"git":{"url":"https://git.example.com/team/shop.git"},"helm":{"releaseName":"shop"}} in prod`},
		"argo, by the cluster's name": {strings.Replace(argoOf(repoURL), `"server":"https://kubernetes.default.svc"`, `"name":"in-cluster"`, 1), `{"git":{"url":"https://git.example.com/team/shop.git"},"helm":{"releaseName":"shop"}} in prod`},
		"argo, another cluster":       {strings.Replace(argoOf(repoURL), `kubernetes.default.svc`, `10.1.1.1`, 1), `{"git":{"url":"https://git.example.com/team/shop.git"},"helm":{"releaseName":"shop"}} in prod elsewhere`},

		"argo, plugin":              {argoOf(repoURL + `,"plugin":{"name":"x"}`), "!a plugin renders it"},
		"argo, any plugin":          {argoOf(repoURL + `,"plugin":{}`), "!a plugin renders it"},
		"argo, sources":             {strings.Replace(argoOf(repoURL), `"source":`, `"sources":[{}],"source":`, 1), "!it has several sources"},
		"argo, hydrated":            {strings.Replace(argoOf(repoURL), `"source":`, `"sourceHydrator":{"drySource":{"path":"a"}},"source":`, 1), "!its manifests are written to another branch first"},
		"argo, no source":           {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application"}`, "!it names no source"},
		"argo, no repository":       {argoOf(`"path":"a"`), "!it names no repository"},
		"argo, a registry":          {argoOf(`"repoURL":"oci://r.example.com/a"`), "!it comes from a registry"},
		"argo, a strange address":   {argoOf(`"repoURL":"ext::sh -c x"`), "!the address of its repository is none that is followed here"},
		"argo, Helm repository":     {argoOf(repoURL + `,"chart":"web"`), "!its chart comes from a Helm repository"},
		"argo, ref":                 {argoOf(repoURL + `,"ref":"values"`), "!other sources refer to its source"},
		"argo, jsonnet":             {argoOf(repoURL + `,"directory":{"jsonnet":{"tlas":[{"name":"a"}]}}`), "!it is written in Jsonnet"},
		"argo, include":             {argoOf(repoURL + `,"directory":{"include":"*.yaml"}`), "!it chooses files by a pattern"},
		"argo, exclude":             {argoOf(repoURL + `,"directory":{"exclude":"*.yaml"}`), "!it leaves out files by a pattern"},
		"argo, parameters":          {argoOf(repoURL + `,"helm":{"parameters":[{"name":"a"}]}`), "!it sets single parameters of the chart"},
		"argo, file parameters":     {argoOf(repoURL + `,"helm":{"fileParameters":[{"name":"a"}]}`), "!it sets single parameters of the chart"},
		"argo, no CRDs":             {argoOf(repoURL + `,"helm":{"skipCrds":true}`), "!it leaves out the definitions of the chart"},
		"argo, images":              {argoOf(repoURL + `,"kustomize":{"images":["a:b"]}`), "!it changes the kustomization"},
		"argo, number":              {argoOf(repoURL + `,"kustomize":{"forceCommonLabels":7}`), "!it changes the kustomization"},
		"argo, path out":            {argoOf(repoURL + `,"path":"../x"`), "!a path of it leaves the repository"},
		"argo, values out":          {argoOf(repoURL + `,"helm":{"valueFiles":["../x.yaml"]}`), "!a path of it leaves the repository"},
		"argo, values afar":         {argoOf(repoURL + `,"helm":{"valueFiles":["https://x/y"]}`), "!its values come from another place, or from files that are chosen by a pattern"},
		"argo, values of a ref":     {argoOf(repoURL + `,"helm":{"valueFiles":["$values/y"]}`), "!its values come from another place, or from files that are chosen by a pattern"},
		"argo, half a version":      {at("v2"), "!its revision may be a branch or a tag: refs/heads/… or refs/tags/… would say which"},
		"argo, half a commit":       {at("abcdef1"), "!its revision is the beginning of a commit's id only"},
		"argo, a pull request":      {at("refs/pull/7/head"), "!it follows a reference that is neither a branch nor a tag"},
		"another kind":              {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout"}`, "!its kind is not known"},
		"kustomization":             {kustomizationOf(`"path":"./apps/shop"`), `{"path":"apps/shop"} in flux from flux/repo`},
		"kustomization, moved":      {kustomizationOf(`"path":"/apps","targetNamespace":"prod","kubeConfig":{"secretRef":{"name":"x"}}`), `{"path":"apps"} in prod from flux/repo elsewhere`},
		"kustomization, variables":  {kustomizationOf(`"postBuild":{"substitute":{"a":"b","c":7},"substituteFrom":[{"kind":"Secret","name":"s","optional":true}]}`), `{} in flux from flux/repo with {"variables":{"a":"b"},"from":[{"kind":"Secret","name":"s","optional":true}],"lenient":true}`},
		"kustomization, none":       {kustomizationOf(`"postBuild":{}`), `{} in flux from flux/repo`},
		"kustomization, patches":    {kustomizationOf(`"patches":[{}]`), "!it patches the kustomization"},
		"kustomization, old patch":  {kustomizationOf(`"patchesJson6902":[{}]`), "!it patches the kustomization"},
		"kustomization, images":     {kustomizationOf(`"images":[{}]`), "!it changes images"},
		"kustomization, components": {kustomizationOf(`"components":["a"]`), "!it adds components"},
		"kustomization, prefix":     {kustomizationOf(`"namePrefix":"a"`), "!it changes names"},
		"kustomization, labels":     {kustomizationOf(`"commonMetadata":{"labels":{"a":"b"}}`), "!it adds labels or annotations"},
		"kustomization, path out":   {kustomizationOf(`"path":"../x"`), "!a path of it leaves the repository"},
		"kustomization, a bucket":   {strings.Replace(kustomizationOf(`"path":"x"`), "GitRepository", "Bucket", 1), "!its source is of kind Bucket, not a GitRepository"},
		"kustomization, no name":    {strings.Replace(kustomizationOf(`"path":"x"`), `"name":"repo"`, `"name":""`, 1), "!it names no source"},

		"helm":                   {releaseOf("", ""), `{"path":"charts/shop","helm":{"releaseName":"shop"}} in flux from sources/repo`},
		"helm, elsewhere":        {releaseOf("", `,"targetNamespace":"prod","values":{"a":{"b":1}},"kubeConfig":{"secretRef":{"name":"x"}}`), `{"path":"charts/shop","helm":{"releaseName":"prod-shop","values":{"a":{"b":1}}}} in prod from sources/repo elsewhere`},
		"helm, named":            {releaseOf(`,"valuesFiles":["charts/shop/values.yaml","./prod.yaml"]`, `,"releaseName":"web"`), `{"path":"charts/shop","helm":{"releaseName":"web","valuesFiles":["charts/shop/values.yaml","prod.yaml"]}} in flux from sources/repo`},
		"helm, other values":     {releaseOf(`,"valuesFiles":["prod.yaml"]`, ""), "!its values files replace that of the chart"},
		"helm, values out":       {releaseOf(`,"valuesFiles":["charts/shop/values.yaml","../x"]`, ""), "!a path of it leaves the repository"},
		"helm, old values":       {releaseOf(`,"valuesFile":"x"`, ""), "!its values file replaces that of the chart"},
		"helm, missing values":   {releaseOf(`,"ignoreMissingValuesFiles":true`, ""), "!its values files may be missing"},
		"helm, chartRef":         {releaseOf("", `,"chartRef":{"kind":"OCIRepository","name":"x"}`), "!its chart is an object of its own"},
		"helm, valuesFrom":       {releaseOf("", `,"valuesFrom":[{"kind":"Secret"}]`), "!its values come from another place"},
		"helm, post renderers":   {releaseOf("", `,"postRenderers":[{}]`), "!it changes what the chart renders"},
		"helm, labels":           {releaseOf("", `,"commonMetadata":{"labels":{"a":"b"}}`), "!it adds labels or annotations"},
		"helm, chart out":        {strings.Replace(releaseOf("", ""), "./charts", "../..", 1), "!a path of it leaves the repository"},
		"helm, Helm repository":  {strings.Replace(releaseOf("", ""), "GitRepository", "HelmRepository", 1), "!its source is of kind HelmRepository, not a GitRepository"},
		"helm, nothing":          {`{"apiVersion":"helm.toolkit.fluxcd.io/v2","kind":"HelmRelease"}`, "!its source is of kind Unknown, not a GitRepository"},
		"nonsense in its fields": {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","spec":{"source":[1]}}`, "!it names no source"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := OriginOf(object(t, c.body))
			got := ""
			if err != nil {
				got = "!" + err.Error()
			} else {
				got = written(o)
			}
			if got != c.want {
				t.Errorf("\n%s, want\n%s", got, c.want)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	repo := func(spec string) string { return `{"spec":{"url":"https://git.example.com/a/b"` + spec + `}}` }
	at := func(ref string) string { return `{"git":{"url":"https://git.example.com/a/b",` + ref + `}}` }
	sha := strings.Repeat("ab", 20)
	for name, c := range map[string]struct{ body, home, want string }{
		"default":          {repo(""), "", at(`"branch":"master"`)},
		"branch":           {repo(`,"ref":{"branch":"main"}`), "", at(`"branch":"main"`)},
		"tag":              {repo(`,"ref":{"branch":"main","tag":"v1"}`), "", at(`"tag":"v1"`)},
		"semver":           {repo(`,"ref":{"branch":"main","tag":"v1","semver":">=1"}`), "", at(`"semver":"\u003e=1"`)},
		"name":             {repo(`,"ref":{"semver":">=1","name":"refs/heads/x"}`), "", at(`"branch":"x"`)},
		"commit":           {repo(`,"ref":{"branch":"main","name":"refs/pull/1/head","commit":"` + sha + `"}`), "", at(`"commit":"` + sha + `"`)},
		"credentials":      {repo(`,"provider":"generic","secretRef":{"name":"s"}`), "flux", at(`"branch":"master","secret":{"name":"s"}`)},
		"of another":       {repo(`,"secretRef":{"name":"s"}`), "prod", "!the credentials of its GitRepository are in another namespace"},
		"a pull request":   {repo(`,"ref":{"name":"refs/pull/1/head"}`), "", "!it follows a reference that is neither a branch nor a tag"},
		"half a commit":    {repo(`,"ref":{"commit":"abc"}`), "", "!the commit of its GitRepository is no commit's id"},
		"ignore":           {repo(`,"ignore":"/*"`), "", "!its GitRepository leaves out files by a pattern"},
		"include":          {repo(`,"include":[{}]`), "", "!its GitRepository includes others"},
		"submodules":       {repo(`,"recurseSubmodules":true`), "", "!its GitRepository has submodules"},
		"sparse":           {repo(`,"sparseCheckout":["a"]`), "", "!its GitRepository takes some folders only"},
		"proxy":            {repo(`,"proxySecretRef":{"name":"a"}`), "", "!its GitRepository is reached through a proxy"},
		"provider":         {repo(`,"provider":"azure"`), "", "!its GitRepository has its credentials from azure"},
		"nothing":          {`{}`, "", "!it names no repository"},
		"a wild address":   {`{"spec":{"url":"ext::sh"}}`, "", "!the address of its repository is none that is followed here"},
		"ssh with its key": {`{"spec":{"url":"ssh://git@git.example.com/a/b","secretRef":{"name":"k"}}}`, "flux", `{"git":{"url":"ssh://git@git.example.com/a/b","branch":"master","secret":{"name":"k"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			o := Origin{Repository: Repository{"flux", "repo"}}
			err := o.Complete(object(t, c.body), c.home)
			got := ""
			if err != nil {
				got = "!" + err.Error()
			} else if raw, err := json.Marshal(o.Source); err == nil {
				got = string(raw)
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if err == nil && o.Repository != (Repository{}) {
				t.Error("it is not complete")
			}
		})
	}
}

// TestLend sends the credentials of a forge to no other place.
func TestLend(t *testing.T) {
	request := func(forge, api string) *v1alpha1.RevertRequest {
		return &v1alpha1.RevertRequest{Forge: forge, URL: api, Repository: "team/shop", Secret: v1alpha1.LocalReference{Name: "forge"}}
	}
	for name, c := range map[string]struct {
		url  string
		r    *v1alpha1.RevertRequest
		lent bool
	}{
		"the public one":     {"https://github.com/team/shop.git", request("github", ""), true},
		"by its API":         {"https://github.com/Team/shop", request("github", "https://api.github.com"), true},
		"one's own":          {"https://git.example.com/team/shop", request("gitlab", "https://git.example.com:8443/api/v4"), true},
		"over ssh":           {"git@github.com:team/shop.git", request("github", ""), true},
		"another repository": {"https://github.com/team/other", request("github", ""), false},
		"another host":       {"https://evil.example.com/team/shop", request("github", ""), false},
		"a broken address":   {"https://git.example.com/team/shop", request("github", "http://%zz"), false},
		"none":               {"https://github.com/team/shop", nil, false},
		"a file":             {"file:///team/shop", request("github", ""), false},
	} {
		o, err := OriginOf(object(t, argoOf(`"repoURL":"`+c.url+`"`)))
		if err != nil {
			t.Fatal(err)
		}
		o.Lend(c.r)
		if got := o.Source.Git.Secret != nil && o.Source.Git.Secret.Name == "forge"; got != c.lent {
			t.Errorf("%s: lent %v", name, got)
		}
	}
	flux, err := OriginOf(object(t, kustomizationOf(`"path":"a"`)))
	if err != nil {
		t.Fatal(err)
	}
	flux.Lend(request("github", ""))
	if err := flux.Complete(object(t, `{"spec":{"url":"https://github.com/team/shop"}}`), "flux"); err != nil {
		t.Fatal(err)
	}
	if flux.Lend(request("github", "")); flux.Source.Git.Secret != nil {
		t.Error("Flux has credentials of its own")
	}
}

func TestOutOfReach(t *testing.T) {
	o, err := OriginOf(object(t, kustomizationOf(`"postBuild":{"substituteFrom":[{"kind":"Secret","name":"s"}]}`)))
	if err != nil || o.OutOfReach("flux", "flux") != "" || o.OutOfReach("flux", "prod") == "" || (Origin{}).OutOfReach("a", "b") != "" {
		t.Errorf("%v %+v", err, o)
	}
}

// FuzzOriginOf has objects of any content give an origin that may be followed,
// or none.
func FuzzOriginOf(f *testing.F) {
	for _, body := range []string{
		argoOf(repoURL + `,"path":"a","targetRevision":"1.x","helm":{"valueFiles":["../v.yaml"],"valuesObject":{"a":1}}`),
		kustomizationOf(`"path":"/../a","targetNamespace":"b","postBuild":{"substitute":{"a":"b"}}`),
		releaseOf(`,"valuesFiles":["charts/shop/values.yaml"]`, `,"values":{"a":null}`), `{"apiVersion":7,"spec":[]}`,
	} {
		f.Add(body, `{"spec":{"url":"https://git.example.com/a/b","ref":{"name":"refs/heads/x"}}}`)
	}
	f.Fuzz(func(t *testing.T, text, repository string) {
		var body, repo map[string]any
		if json.Unmarshal([]byte(text), &body) != nil || json.Unmarshal([]byte(repository), &repo) != nil {
			return
		}
		o, err := OriginOf(body)
		if err == nil && o.Repository != (Repository{}) {
			err = o.Complete(repo, o.Repository.Namespace)
		}
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		g := o.Source.Git
		if _, err := giturl.Parse(g.URL); err != nil {
			t.Errorf("follows %q", g.URL)
		}
		chosen := 0
		for _, s := range []string{g.Branch, g.Tag, g.Semver, g.Commit} {
			if s != "" {
				chosen++
			}
		}
		if chosen > 1 {
			t.Errorf("follows %+v", g)
		}
		paths := []string{o.Source.Path}
		if o.Source.Helm != nil {
			paths = append(paths, o.Source.Helm.ValuesFiles...)
		}
		for _, p := range paths {
			if p != "" && !fs.ValidPath(p) {
				t.Errorf("reads %q", p)
			}
		}
		if _, err := json.Marshal(o.Source); err != nil {
			t.Error(err)
		}
	})
}
