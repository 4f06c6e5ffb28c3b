package helm

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	sigsyaml "sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// newFuncs returns what templates can call: Sprig without the environment,
// Helm's additions, bounded versions of those that can blow up, and stable
// versions of those that are random. include, tpl and the hooks are added for
// each execution (execution.bind); x is nil for parsing, where only the names
// matter.
func newFuncs(x *execution, now func() time.Time) template.FuncMap {
	f := sprig.TxtFuncMap()
	delete(f, "env")
	delete(f, "expandenv")
	maps.Copy(f, boundedFuncs(f))
	maps.Copy(f, stableFuncs(now))
	maps.Copy(f, durationFuncs())
	maps.Copy(f, template.FuncMap{
		"toYaml":        whole(toYAML),
		"mustToYaml":    whole(mustToYAML),
		"toYamlPretty":  whole(toYAMLPretty),
		"fromYaml":      fromYAML,
		"fromYamlArray": fromYAMLArray,
		"toToml":        whole(toTOML),
		"mustToToml":    whole(mustToTOML),
		"fromToml":      fromTOML,
		"toJson":        whole(toJSON),
		"mustToJson":    whole(mustToJSON),
		"fromJson":      fromJSON,
		"fromJsonArray": fromJSONArray,
		"required":      required,
		"fail":          fail,
		"lookup":        func(string, string, string, string) (map[string]any, error) { return map[string]any{}, nil },
		"getHostByName": func(string) string { return "" },
		"include":       func(string, any) (string, error) { return "", nil },
		"tpl":           func(string, any) (string, error) { return "", nil },
	})
	if x != nil {
		f[hookAt], f[hookEnter], f[hookLeave], f[hookIter] = x.rec.at, x.rec.enter, x.rec.leave, x.rec.iter
	}
	return f
}

// refusal is what a chart says when it refuses to render.
type refusal struct {
	// required is true for required, false for fail.
	required bool
	text     string
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

func required(text string, v any) (any, error) {
	if v == nil || v == "" {
		return v, &refusal{required: true, text: text}
	}
	return v, nil
}

func fail(text string) (string, error) { return "", &refusal{text: text} }

// whole guards a function that writes out a whole value: templates can build
// values that share parts so often that their text would never end.
func whole(f func(any) string) func(any) (string, error) {
	return func(v any) (string, error) {
		if !weighs(v, maxValues) {
			return "", &errBound{"a value is too large to be written out"}
		}
		return checked(f(v))
	}
}

func toYAML(v any) string {
	b, err := sigsyaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

func mustToYAML(v any) string {
	b, err := sigsyaml.Marshal(v)
	if err != nil {
		panic(err) // text/template turns it into the template's error
	}
	return strings.TrimSuffix(string(b), "\n")
}

func toYAMLPretty(v any) string {
	var b strings.Builder
	e := goyaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// The functions that read text never fail: what is wrong is put in their
// result, where templates look for it.

func fromYAML(s string) map[string]any {
	m := map[string]any{}
	if err := sigsyaml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromYAMLArray(s string) []any {
	a := []any{}
	if err := sigsyaml.Unmarshal([]byte(s), &a); err != nil {
		return []any{err.Error()}
	}
	return a
}

func fromJSON(s string) map[string]any {
	m := map[string]any{}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromJSONArray(s string) []any {
	a := []any{}
	if err := json.Unmarshal([]byte(s), &a); err != nil {
		return []any{err.Error()}
	}
	return a
}

func fromTOML(s string) map[string]any {
	m := map[string]any{}
	if err := toml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func tomlText(v any) (string, error) {
	var b strings.Builder
	err := toml.NewEncoder(&b).Encode(v)
	return b.String(), err
}

func toTOML(v any) string {
	s, err := tomlText(v)
	if err != nil {
		return err.Error()
	}
	return s
}

func mustToTOML(v any) string {
	s, err := tomlText(v)
	if err != nil {
		panic(err)
	}
	return s
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func mustToJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// execution is one rendering's template set and its recorder.
type execution struct {
	rec *recorder
	set *template.Template
	// names counts the unfinished includes of each name, as Helm does.
	names map[string]int
	// texts caches the templates made of strings that tpl executes.
	texts map[string]string
	tpls  int
}

const maxSameInclude = 1000

// bind gives set an include and a tpl that see its templates.
func (x *execution) bind(set *template.Template) {
	set.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) { return x.include(set, name, data) },
		"tpl":     func(text string, data any) (string, error) { return x.tpl(set, text, data) },
	})
}

func (x *execution) include(set *template.Template, name string, data any) (string, error) {
	if x.names[name] > maxSameInclude {
		return "", errTooNested
	}
	x.names[name]++
	defer func() { x.names[name]-- }()
	return x.rec.capture(func() error { return set.ExecuteTemplate(x.rec, name, data) })
}

// tpl executes text as a template in set's context.
func (x *execution) tpl(set *template.Template, text string, data any) (string, error) {
	if !strings.Contains(text, "{{") {
		return strings.ReplaceAll(text, "<no value>", ""), nil
	}
	if x.tpls++; x.tpls > maxTpl {
		return "", errTooNested
	}
	defer func() { x.tpls-- }()
	t, err := x.textTemplate(set, text)
	if err != nil {
		return "", err
	}
	out, err := x.rec.capture(func() error { return t.Execute(x.rec, data) })
	return strings.ReplaceAll(out, "<no value>", ""), err
}

// textTemplate makes a template of a string. One that defines templates gets
// a copy of the set, because its defines must not be seen outside of it.
func (x *execution) textTemplate(set *template.Template, text string) (*template.Template, error) {
	if name, ok := x.texts[text]; ok && set == x.set {
		return set.Lookup(name), nil
	}
	name := "tpl()"
	trees, err := x.rec.prog.trees(name, text)
	if err != nil {
		return nil, errors.New("cannot parse the text given to tpl: " + err.Error())
	}
	for _, t := range trees {
		bound(t)
	}
	if len(trees) == 1 && trees[0].Name == name && set == x.set {
		name = "tpl()#" + itoa(len(x.texts))
		t, err := set.AddParseTree(name, trees[0])
		if err == nil {
			x.texts[text] = name
		}
		return t, err
	}
	copied, err := set.Clone()
	if err != nil {
		return nil, err
	}
	copied.Option("missingkey=zero") // Clone loses it
	x.bind(copied)
	main := copied.New(name)
	for _, t := range trees {
		added, err := copied.AddParseTree(t.Name, t)
		if err != nil {
			return nil, err
		}
		if t.Name == name {
			main = added
		}
	}
	return main, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
