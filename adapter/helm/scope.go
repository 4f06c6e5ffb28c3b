package helm

import (
	"encoding/base64"
	"path"
	"reflect"
	"strings"

	"github.com/gobwas/glob"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// metadata is .Chart: Chart.yaml with Go's field names, nested ones too, as
// templates have come to expect.
func metadata(c *chart.Chart) map[string]any {
	m, _ := fields(reflect.ValueOf(c.Metadata)).(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m["IsRoot"] = c.IsRoot()
	return m
}

// fields turns structs into maps, down through pointers and slices.
func fields(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return fields(v.Elem())
	case reflect.Struct:
		m := make(map[string]any, v.NumField())
		for i := range v.NumField() {
			m[v.Type().Field(i).Name] = fields(v.Field(i))
		}
		return m
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = fields(v.Index(i))
		}
		return list
	}
	return v.Interface()
}

// chartFiles is .Files: the files of a chart that are not templates.
type chartFiles map[string][]byte

func newFiles(from []*common.File) chartFiles {
	f := make(chartFiles, len(from))
	for _, e := range from {
		f[e.Name] = e.Data
	}
	return f
}

// GetBytes returns a file's content, empty if there is no such file.
func (f chartFiles) GetBytes(name string) []byte {
	if v, ok := f[name]; ok {
		return v
	}
	return []byte{}
}

// Get returns a file's content as text, "" if there is no such file.
func (f chartFiles) Get(name string) string { return string(f[name]) }

// Glob returns the files whose path matches pattern; all of them if the
// pattern is malformed, as in Helm.
func (f chartFiles) Glob(pattern string) chartFiles {
	out := chartFiles{}
	g, err := glob.Compile(pattern, '/')
	for name, data := range f {
		if err != nil || g.Match(name) {
			out[name] = data
		}
	}
	return out
}

// AsConfig returns the files as the YAML of a ConfigMap's data.
func (f chartFiles) AsConfig() string {
	return f.asYAML(func(b []byte) string { return string(b) })
}

// AsSecrets returns the files as the YAML of a Secret's data.
func (f chartFiles) AsSecrets() string { return f.asYAML(base64.StdEncoding.EncodeToString) }

func (f chartFiles) asYAML(encode func([]byte) string) string {
	if f == nil {
		return ""
	}
	m := make(map[string]string, len(f))
	for _, name := range sortedKeys(f) {
		m[path.Base(name)] = encode(f[name])
	}
	return toYAML(m)
}

// Lines returns a file's lines.
func (f chartFiles) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
