package observed

import (
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Origin is where an observed application has its objects from, as far as it
// can be rendered here too.
type Origin struct {
	Source v1alpha1.Source
	// Namespace is where namespaced objects go that name none.
	Namespace string
	// Substitute fills variables in the rendered text; nil for none.
	Substitute *v1alpha1.Substitution
	// Values are a chart's values as YAML, which stand in for those of
	// Source.Helm; "" for none.
	Values string
	// Repository names the Flux GitRepository that Source.Git is to be taken
	// from, with Complete; zero if Source is complete.
	Repository Repository
	// Elsewhere tells that the objects go to another cluster than this one.
	Elsewhere bool

	layout layout
}

// Repository names a Flux GitRepository.
type Repository struct{ Namespace, Name string }

// layout is what a tool makes of the files, where that differs from ours.
type layout struct {
	// kind is that of the object, with its group.
	kind string
	// folder tells that the files are manifests whatever else is among them,
	// recursive that those of folders below count too.
	folder, recursive bool
	// chart tells that the folder is a chart.
	chart bool
	// overrides are files that would change what is rendered.
	overrides []string
	// moves tells that objects go to Namespace whatever they say themselves.
	moves bool
}

// OriginOf returns where an object has its objects from. The error says in
// words what of it cannot be rendered here; then nothing is known of them.
func OriginOf(body map[string]any) (Origin, error) {
	apiVersion, _ := body["apiVersion"].(string)
	group, _, _ := strings.Cut(apiVersion, "/")
	kind, _ := body["kind"].(string)
	switch group + "/" + kind {
	case argo:
		return argoOrigin(body)
	case kustomize:
		return kustomizationOrigin(body)
	case helm:
		return helmOrigin(body)
	}
	return Origin{}, errors.New("its kind is not known")
}

// setting is a field that changes what is rendered in a way of a tool's own.
type setting struct{ path, what string }

// foreign returns what is said of the first of the fields that is set: a value
// that is not there, empty or false changes nothing.
func foreign(body map[string]any, settings []setting) error {
	for _, s := range settings {
		if !blank(field(body, strings.Split(s.path, ".")...)) {
			return errors.New(s.what)
		}
	}
	return nil
}

func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !blank(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// argoSettings are those of the source of an Argo CD Application.
var argoSettings = []setting{
	{"plugin.name", "a plugin renders it"},
	{"plugin.env", "a plugin renders it"},
	{"plugin.parameters", "a plugin renders it"},
	{"chart", "its chart comes from a Helm repository"},
	{"ref", "other sources refer to its source"},
	{"directory.jsonnet", "it is written in Jsonnet"},
	{"directory.include", "it chooses files by a pattern"},
	{"directory.exclude", "it leaves out files by a pattern"},
	{"helm.parameters", "it sets single parameters of the chart"},
	{"helm.fileParameters", "it sets single parameters of the chart"},
	{"helm.skipCrds", "it leaves out the definitions of the chart"},
	{"helm.kubeVersion", "it tells the chart of another version of Kubernetes"},
	{"helm.apiVersions", "it tells the chart of other APIs"},
	{"helm.ignoreMissingValueFiles", "its values files may be missing"},
	{"kustomize", "it changes the kustomization"},
}

func argoOrigin(body map[string]any) (Origin, error) {
	if err := foreign(body, []setting{
		{"spec.sources", "it has several sources"},
		{"spec.sourceHydrator", "its manifests are written to another branch first"},
	}); err != nil {
		return Origin{}, err
	}
	src, ok := field(body, "spec", "source").(map[string]any)
	if !ok {
		return Origin{}, errors.New("it names no source")
	}
	if src["plugin"] != nil { // even an empty one makes Argo CD look for a plugin
		return Origin{}, errors.New("a plugin renders it")
	}
	if err := foreign(src, argoSettings); err != nil {
		return Origin{}, err
	}
	name, namespace := text(body, "metadata", "name"), text(body, "metadata", "namespace")
	server, cluster := text(body, "spec", "destination", "server"), text(body, "spec", "destination", "name")
	o := Origin{
		Namespace: text(body, "spec", "destination", "namespace"),
		Elsewhere: server != "https://kubernetes.default.svc" && cluster != "in-cluster",
		layout:    layout{kind: argo, folder: src["directory"] != nil, recursive: truth(src, "directory", "recurse")},
	}
	var err error
	if o.Source.Git, err = argoGit(text(src, "repoURL"), text(src, "targetRevision")); err != nil {
		return Origin{}, err
	}
	if o.Source.Path, err = below("", text(src, "path")); err != nil {
		return Origin{}, err
	}
	for _, f := range []string{"", "-" + name, "-" + namespace + "_" + name} {
		o.layout.overrides = append(o.layout.overrides, path.Join(o.Source.Path, ".argocd-source"+f+".yaml"))
	}
	h, _ := src["helm"].(map[string]any)
	o.layout.chart = h != nil
	if o.Source.Helm, o.Values, err = argoHelm(h, o.Source.Path, name); err != nil {
		return Origin{}, err
	}
	if n := text(h, "namespace"); n != "" {
		o.Namespace = n
	}
	return o, nil
}

// argoHelm reads how a chart is rendered. Argo CD calls the release like the
// Application.
func argoHelm(h map[string]any, folder, name string) (out *v1alpha1.HelmOptions, values string, err error) {
	out = &v1alpha1.HelmOptions{ReleaseName: text(h, "releaseName")}
	if out.ReleaseName == "" {
		out.ReleaseName = name
	}
	for _, f := range texts(h, "valueFiles") {
		if strings.Contains(f, "://") || strings.ContainsAny(f, "$*?[{") {
			return nil, "", errors.New("its values come from another place, or from files that are chosen by a pattern")
		}
		p, err := below(folder, f)
		if err != nil {
			return nil, "", err
		}
		out.ValuesFiles = append(out.ValuesFiles, p)
	}
	if v, ok := h["valuesObject"].(map[string]any); ok {
		return out, "", setValues(out, v)
	}
	return out, text(h, "values"), nil
}

// setValues gives a chart values. They are JSON in a type that knows how to
// read itself.
func setValues(h *v1alpha1.HelmOptions, values map[string]any) error {
	raw, err := json.Marshal(map[string]any{"values": values})
	if err == nil {
		err = json.Unmarshal(raw, h)
	}
	if err != nil {
		return errors.New("its values cannot be read")
	}
	return nil
}

func kustomizationOrigin(body map[string]any) (Origin, error) {
	if err := foreign(body, []setting{
		{"spec.patches", "it patches the kustomization"},
		{"spec.patchesStrategicMerge", "it patches the kustomization"},
		{"spec.patchesJson6902", "it patches the kustomization"},
		{"spec.images", "it changes images"},
		{"spec.components", "it adds components"},
		{"spec.namePrefix", "it changes names"},
		{"spec.nameSuffix", "it changes names"},
		{"spec.commonMetadata", "it adds labels or annotations"},
	}); err != nil {
		return Origin{}, err
	}
	o, err := fluxRepository(body, kustomize, "spec", "sourceRef")
	if err != nil {
		return Origin{}, err
	}
	if o.Source.Path, err = below("", strings.TrimLeft(text(body, "spec", "path"), "/")); err != nil {
		return Origin{}, err
	}
	o.layout.recursive, o.layout.overrides = true, ignoreFiles(o.Source.Path)
	o.layout.moves = text(body, "spec", "targetNamespace") != ""
	if o.layout.moves {
		o.Namespace = text(body, "spec", "targetNamespace")
	}
	o.Substitute = substitution(body)
	return o, nil
}

// substitution reads postBuild; like Flux, it leaves unknown variables empty.
func substitution(body map[string]any) *v1alpha1.Substitution {
	s := &v1alpha1.Substitution{Lenient: true}
	if vars, ok := field(body, "spec", "postBuild", "substitute").(map[string]any); ok {
		s.Variables = map[string]string{}
		for name, v := range vars {
			if value, ok := v.(string); ok {
				s.Variables[name] = value
			}
		}
	}
	for _, from := range maps(body, "spec", "postBuild", "substituteFrom") {
		s.From = append(s.From, v1alpha1.VariableSource{Kind: text(from, "kind"), Name: text(from, "name"), Optional: truth(from, "optional")})
	}
	if len(s.Variables) == 0 && len(s.From) == 0 {
		return nil
	}
	return s
}

func helmOrigin(body map[string]any) (Origin, error) {
	if err := foreign(body, []setting{
		{"spec.chartRef", "its chart is an object of its own"},
		{"spec.postRenderers", "it changes what the chart renders"},
		{"spec.commonMetadata", "it adds labels or annotations"},
		{"spec.valuesFrom", "its values come from another place"},
		{"spec.chart.spec.valuesFile", "its values file replaces that of the chart"},
		{"spec.chart.spec.ignoreMissingValuesFiles", "its values files may be missing"},
	}); err != nil {
		return Origin{}, err
	}
	o, err := fluxRepository(body, helm, "spec", "chart", "spec", "sourceRef")
	if err != nil {
		return Origin{}, err
	}
	if o.Source.Path, err = below("", strings.TrimLeft(text(body, "spec", "chart", "spec", "chart"), "/")); err != nil {
		return Origin{}, err
	}
	o.layout.overrides = ignoreFiles(o.Source.Path)
	o.Source.Helm = &v1alpha1.HelmOptions{ReleaseName: text(body, "spec", "releaseName")}
	target := text(body, "spec", "targetNamespace")
	if target != "" {
		o.Namespace = target
	}
	if o.Source.Helm.ReleaseName == "" {
		o.Source.Helm.ReleaseName = strings.TrimLeft(target+"-"+text(body, "metadata", "name"), "-")
	}
	for i, f := range texts(body, "spec", "chart", "spec", "valuesFiles") {
		p, err := below("", f)
		if err != nil {
			return Origin{}, err
		}
		// Flux leaves the chart's own values out unless they are in the list.
		if i == 0 && p != path.Join(o.Source.Path, "values.yaml") {
			return Origin{}, errors.New("its values files replace that of the chart")
		}
		o.Source.Helm.ValuesFiles = append(o.Source.Helm.ValuesFiles, p)
	}
	if v, ok := field(body, "spec", "values").(map[string]any); ok {
		return o, setValues(o.Source.Helm, v)
	}
	return o, nil
}

// fluxRepository reads a reference to a source of Flux.
func fluxRepository(body map[string]any, kind string, where ...string) (Origin, error) {
	ref, _ := field(body, where...).(map[string]any)
	if kind := text(ref, "kind"); kind != "GitRepository" {
		return Origin{}, errors.New("its source is of kind " + word(kind) + ", not a GitRepository")
	}
	namespace := text(body, "metadata", "namespace")
	r := Repository{Namespace: text(ref, "namespace"), Name: text(ref, "name")}
	if r.Namespace == "" {
		r.Namespace = namespace
	}
	if r.Name == "" {
		return Origin{}, errors.New("it names no source")
	}
	return Origin{
		Repository: r, Namespace: namespace, Elsewhere: !blank(field(body, "spec", "kubeConfig")),
		layout: layout{kind: kind},
	}, nil
}

// ignoreFiles are the files by which a repository leaves files out, for Flux,
// in the folders on the way to one.
func ignoreFiles(folder string) []string {
	out := []string{".sourceignore"}
	for ; folder != "" && folder != "."; folder = path.Dir(folder) {
		out = append(out, path.Join(folder, ".sourceignore"))
	}
	return out
}

// below returns a path within a repository, seen from a folder of it; one that
// begins with a slash is seen from the top.
func below(folder, p string) (string, error) {
	joined := path.Join(folder, p)
	if strings.HasPrefix(p, "/") {
		joined = path.Clean(strings.TrimLeft(p, "/"))
	}
	switch {
	case joined == ".." || strings.HasPrefix(joined, "../"):
		return "", errors.New("a path of it leaves the repository")
	case joined == ".":
		return "", nil
	}
	return joined, nil
}
