package scorecard

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// gitopsRules judge how the repository drives what runs.
var gitopsRules = map[string]rule{
	"declarative-everything": {subject: hasKubernetes, absent: noKubernetes, collect: declarative},
	"manifests-separated":    {subject: hasKubernetes, absent: noKubernetes, collect: separated},
	"environments-separated": {subject: hasKubernetes, absent: noKubernetes, collect: environments,
		missing: "no overlay or values file belongs to one environment"},
	"immutable-references": {subject: hasReferences, absent: "nothing here refers to a repository, chart or remote base", collect: references},
	"overlays": {subject: hasKubernetes, absent: noKubernetes, collect: overlays,
		missing: "the manifests are plain: neither Kustomize nor Helm is used"},
	"pull-based-operator": {subject: hasKubernetes, absent: noKubernetes, collect: operator,
		missing: "no Argo CD, Flux or AutoEcoOps application is declared" + notHere,
		beyond:  "who else may write can only be seen in the cluster"},
	"automated-sync-and-self-heal": {subject: hasKubernetes, absent: noKubernetes, collect: automatedSync,
		missing: "no Argo CD, Flux or AutoEcoOps application is declared" + notHere},
	"promotion-by-pull-request": {elsewhere: "the Git host's pull requests and the ledger show it: connect a forge"},
	"rollback-by-git":           {elsewhere: "the Git host's history and the ledger show it: connect a forge"},
	"protected-repository":      {elsewhere: "the Git host's branch protection settings show it: connect a forge"},
	"pipeline-observability":    {collect: syncAlerts},
}

// declarative: what is here is in Git; what is not, a cluster would show.
func declarative(j *judge, t *tally) {
	for _, w := range j.workloads {
		o := w.renderings[0]
		j.good(t, o, o.Body, "declared")
	}
	if t.good == 0 {
		for _, g := range j.Graphs {
			for _, o := range g.Objects[:min(len(g.Objects), MaxEvidence)] {
				j.good(t, o, o.Body, "declared")
			}
		}
	}
	t.lead = are(len(j.workloads), "workload") + " declared here"
	if len(j.workloads) == 0 {
		t.lead = are(j.objects, "object") + " declared here"
	}
	t.gap(false, "whether the cluster runs anything else can only be seen there")
}

// separated: do manifests and source code share folders?
func separated(j *judge, t *tally) {
	dirs := map[string]bool{}
	for _, g := range j.Graphs {
		for _, o := range g.Objects {
			dir := o.Source
			if ext := path.Ext(dir); ext == ".yaml" || ext == ".yml" || ext == ".json" {
				dir = path.Dir(dir)
			}
			dirs[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if file := j.scan.code.dirs[dir]; file != "" {
			t.note(Evidence{File: file, Status: ops.Fail, Note: "source code lies in the same folder as manifests"})
			continue
		}
		t.note(Evidence{File: dir, Status: ops.Pass, Note: "a folder of manifests only"})
	}
	switch {
	case t.bad > 0:
		t.lead = fmt.Sprintf("%d of %s of manifests hold source code too", t.bad, count(t.good+t.bad, "folder"))
	case j.scan.code.files == 0:
		t.lead = "the repository holds manifests and no source code"
	default:
		t.lead = "manifests lie in " + count(t.good, "folder") + " of their own"
	}
}

func environments(j *judge, t *tally) {
	names := slices.Sorted(maps.Keys(j.scan.environments))
	for _, n := range names {
		t.note(j.scan.environments[n])
	}
	if len(names) == 0 {
		return
	}
	t.lead = "files are kept apart for " + strings.Join(names, ", ")
	t.gap(len(names) > 1, "only one environment has files of its own")
	if t.bad > 0 {
		t.gaps = append(t.gaps, fmt.Sprintf("%s away a guard that the base sets", map[bool]string{true: "1 patch takes", false: fmt.Sprint(t.bad, " patches take")}[t.bad == 1]))
	}
}

// source is a place that names what is to be deployed from where.
type source struct {
	object                *graph.Object
	at                    tree.Node // the source's own block
	chart, revision, span tree.Node
	// branch is set where the revision is said to be a branch.
	branch bool
}

// sources lists what Argo CD and Flux are told to deploy.
func (j *judge) sources() []source {
	var out []source
	argo := func(o *graph.Object, spec tree.Node) {
		add := func(s tree.Node) {
			if s.IsMap() {
				out = append(out, source{object: o, at: s, chart: s.Get("chart"), revision: s.Get("targetRevision")})
			}
		}
		add(spec.Get("source"))
		for _, s := range spec.Get("sources").Items() {
			add(s)
		}
	}
	j.each("Application", func(o *graph.Object) { argo(o, o.Spec()) }, "argoproj.io")
	j.each("ApplicationSet", func(o *graph.Object) { argo(o, o.Spec().At("template", "spec")) }, "argoproj.io")
	for _, kind := range []string{"GitRepository", "OCIRepository"} {
		j.each(kind, func(o *graph.Object) {
			ref := o.Spec().Get("ref")
			s := source{object: o, at: ref, span: ref.Get("semver")}
			for _, k := range []string{"digest", "commit", "tag", "name"} {
				if n := ref.Get(k); n.Text() != "" {
					s.revision = n
					break
				}
			}
			if !s.revision.Exists() && ref.Get("branch").Exists() {
				s.revision, s.branch = ref.Get("branch"), true
			}
			out = append(out, s)
		}, "source.toolkit.fluxcd.io")
	}
	j.each("HelmRelease", func(o *graph.Object) {
		if c := o.Spec().At("chart", "spec"); c.Exists() {
			out = append(out, source{object: o, at: c, chart: c.Get("chart"), revision: c.Get("version")})
		}
	}, "helm.toolkit.fluxcd.io")
	return out
}

func hasReferences(j *judge) bool {
	return len(j.sources()) > 0 || len(j.scan.charts) > 0 || len(j.scan.signals["immutable-references"]) > 0 || len(j.outcomes["immutable-references"]) > 0 && hasKubernetes(j)
}

// references judges what sources, charts and remote bases are pinned to.
func references(j *judge, t *tally) {
	for _, s := range j.sources() {
		if s.chart.Exists() && strings.HasPrefix(s.chart.Text(), ".") {
			continue // a folder of the repository that is pinned elsewhere
		}
		if s.span.Exists() {
			j.bad(t, s.object, s.span, "follows the newest version in %s", s.span.Text())
			continue
		}
		at := s.revision
		if !at.Exists() {
			at = s.at
		}
		ref := s.revision.Text()
		kind := kindOfRef(ref)
		switch {
		case kind == templateRef:
			j.unclear(t, s.object, at, "the revision is filled in later: %s", ref)
		case kind == fixedRef && !s.branch:
			j.good(t, s.object, at, "pinned to %s", ref)
		case kind == noRef:
			j.bad(t, s.object, at, "names no revision, so it follows the newest")
		case kind == rangeRef:
			j.bad(t, s.object, at, "follows the newest version in %s", ref)
		default:
			j.bad(t, s.object, at, "follows %s, which moves", ref)
		}
	}
	for _, d := range j.scan.charts {
		e := Evidence{File: d.file, Line: max(d.versionLine, d.line), Status: ops.Pass, Note: "chart " + d.name + " is pinned to " + d.version}
		switch kind := kindOfRef(d.version); {
		case j.scan.locked[path.Dir(d.file)]:
			e.Note = "chart " + d.name + " is pinned by Chart.lock"
		case kind == rangeRef || kind == noRef || kind == movingRef:
			e.Status, e.Note = ops.Fail, "chart "+d.name+" has no exact version and no Chart.lock"
		}
		t.note(e)
	}
	if n := t.good + t.bad + t.unknown; n > 0 {
		t.lead = fmt.Sprintf("%d of %s name a commit, digest or exact version", t.good, count(n, "reference"))
		if n == 1 {
			t.lead = map[bool]string{true: "the one reference names a commit, digest or exact version", false: "the one reference names no commit, digest or exact version"}[t.good == 1]
		}
	}
}

func overlays(j *judge, t *tally) {
	for _, f := range j.scan.code.kustomizations {
		t.note(Evidence{File: f, Line: 1, Status: ops.Pass, Note: map[bool]string{true: "a chart", false: "a kustomization"}[path.Base(f) == "Chart.yaml"]})
	}
	if t.good > 0 {
		t.lead = fmt.Sprintf("%s and %s are used; what did not render is listed with the inputs", count(j.Kustomizations, "kustomization root"), count(j.Charts, "chart"))
	}
}

// operator looks for what pulls from Git, and for projects that allow all.
func operator(j *judge, t *tally) {
	for _, kind := range []string{"Application", "ApplicationSet"} {
		j.each(kind, func(o *graph.Object) {
			spec := o.Spec()
			if kind == "ApplicationSet" {
				spec = spec.At("template", "spec")
			}
			j.good(t, o, o.Body, "is pulled from Git")
			if p := spec.Get("project"); p.Text() == "default" {
				j.bad(t, o, p, "the default project allows any source and destination")
			}
		}, "argoproj.io", "autoecoops.io")
	}
	j.each("Kustomization", func(o *graph.Object) { j.good(t, o, o.Body, "is pulled from Git") }, "kustomize.toolkit.fluxcd.io")
	j.each("HelmRelease", func(o *graph.Object) { j.good(t, o, o.Body, "is pulled by Flux") }, "helm.toolkit.fluxcd.io")
	j.each("AppProject", func(o *graph.Object) {
		for _, r := range o.Spec().Get("sourceRepos").Items() {
			if r.Text() == "*" {
				j.bad(t, o, r, "the project allows any source")
			}
		}
		for _, d := range o.Spec().Get("destinations").Items() {
			if d.Get("namespace").Text() == "*" && (d.Get("server").Text() == "*" || d.Get("name").Text() == "*") {
				j.bad(t, o, d, "the project allows any destination")
			}
		}
	}, "argoproj.io")
}

// automatedSync judges how applications are synced.
func automatedSync(j *judge, t *tally) {
	apps, whole := 0, 0
	argo := func(o *graph.Object, spec tree.Node) {
		apps++
		policy := spec.Get("syncPolicy")
		auto := policy.Get("automated")
		if !auto.Exists() || auto.Get("enabled").False() {
			j.bad(t, o, policy, "is synced by hand")
			return
		}
		prune, heal := auto.Get("prune"), auto.Get("selfHeal")
		if prune.True() && heal.True() {
			whole++
			j.good(t, o, auto, "syncs, prunes and heals by itself")
			return
		}
		j.good(t, o, auto, "syncs by itself")
		if !prune.True() {
			j.bad(t, o, orElse(prune, auto), "does not prune what is gone from Git")
		}
		if !heal.True() {
			j.bad(t, o, orElse(heal, auto), "does not undo changes made by hand")
		}
	}
	j.each("Application", func(o *graph.Object) { argo(o, o.Spec()) }, "argoproj.io")
	j.each("ApplicationSet", func(o *graph.Object) { argo(o, o.Spec().At("template", "spec")) }, "argoproj.io")
	flux := func(o *graph.Object, ok bool, at tree.Node, ifBad string) {
		apps++
		if suspended := o.Spec().Get("suspend"); suspended.True() {
			j.bad(t, o, suspended, "is suspended")
			return
		}
		if ok {
			whole++
		}
		j.verdict(t, ok, o, at, "syncs and heals by itself", ifBad)
	}
	j.each("Kustomization", func(o *graph.Object) {
		p := o.Spec().Get("prune")
		flux(o, p.True(), p, "does not prune what is gone from Git")
	}, "kustomize.toolkit.fluxcd.io")
	j.each("HelmRelease", func(o *graph.Object) {
		m := o.Spec().At("driftDetection", "mode")
		flux(o, m.Text() == "enabled", m, "does not undo changes made by hand: drift detection is not enabled")
	}, "helm.toolkit.fluxcd.io")
	if apps > 0 {
		t.lead = fmt.Sprintf("%d of %s sync, prune and heal by themselves", whole, count(apps, "application"))
		if apps == 1 {
			t.lead = map[bool]string{true: "the one application syncs, prunes and heals by itself", false: "the one application does not sync, prune and heal by itself"}[whole == 1]
		}
	}
}

func orElse(n, or tree.Node) tree.Node {
	if n.Exists() {
		return n
	}
	return or
}

// syncAlerts looks for what tells somebody of failed syncs.
func syncAlerts(j *judge, t *tally) {
	j.each("ConfigMap", func(o *graph.Object) {
		if o.Name != "argocd-notifications-cm" {
			return
		}
		for k, v := range o.Body.Get("data").Fields() {
			if strings.HasPrefix(k.Text(), "trigger.") {
				j.good(t, o, v, "Argo CD notifies (%s)", k.Text())
			}
		}
	})
	j.each("Alert", func(o *graph.Object) { j.good(t, o, o.Body, "Flux notifies") }, "notification.toolkit.fluxcd.io")
	j.alerts(func(o *graph.Object, r tree.Node) {
		if e := r.Get("expr").Text(); strings.Contains(e, "argocd_app") || strings.Contains(e, "gotk_") || strings.Contains(e, "aeo_deliver") {
			j.good(t, o, r, "alert %s watches syncs", r.Get("alert").Text())
		}
	})
	where := "whether sync failures and drift are measured can only be seen in the cluster: connect one"
	if t.good > 0 {
		t.lead = count(t.good, "notification or alert") + " about syncs declared"
		t.gap(false, where)
	} else {
		unknownPart(t, where)
	}
}
