package helm

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/autoecoops/autoecoops/assess"
)

// maxVariants bounds how many values files of one chart are rendered.
const maxVariants = 200

// variant is one values file to be used on top of a chart's defaults.
type variant struct {
	file     string
	data     []byte
	values   map[string]any // nil if the file cannot be read
	problems []assess.Problem
}

// findVariants lists the values files of a chart folder beside values.yaml,
// sorted by path. Files that .helmignore leaves out of the package count too:
// that is where they usually are kept out. The ci folder is not looked at: its
// values are inputs for tests of the chart, and nobody deploys them.
func findVariants(files fs.FS, s *sources) ([]*variant, []assess.Problem) {
	var names []string
	for dir, match := range map[string]func(string) bool{
		".":      isBesideValues,
		"values": func(string) bool { return true },
	} {
		entries, err := fs.ReadDir(files, s.at(dir))
		if err != nil {
			continue // a missing folder is the usual case; the chart's own was read before
		}
		for _, e := range entries {
			stem, ok := yamlStem(e.Name())
			if ok && !e.IsDir() && match(stem) {
				names = append(names, path.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(names)
	var problems []assess.Problem
	if len(names) > maxVariants {
		p := problemAt(s.at(names[maxVariants]), 0, 0, "more values files than are rendered: this one and those after it were left out")
		p.Partial = true
		problems, names = append(problems, p), names[:maxVariants]
	}
	var out []*variant
	for _, n := range names {
		if v := readVariant(files, s, n); v != nil {
			out = append(out, v)
		}
	}
	return out, problems
}

func yamlStem(name string) (stem string, ok bool) {
	if stem, ok = strings.CutSuffix(name, ".yaml"); ok {
		return stem, true
	}
	return strings.CutSuffix(name, ".yml")
}

func isBesideValues(stem string) bool {
	return strings.HasPrefix(stem, "values-") || strings.HasPrefix(stem, "values.") ||
		strings.HasSuffix(stem, "-values") || strings.HasSuffix(stem, ".values")
}

// readVariant reads one values file; nil if it is none.
func readVariant(files fs.FS, s *sources, name string) *variant {
	v := &variant{file: s.at(name)}
	if info, err := fs.Lstat(files, v.file); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		r := &reader{sources: s}
		if _, err := r.link(name); err != nil {
			v.problems = append(v.problems, problemAt(v.file, 0, 0, err.Error()))
			return v
		}
	}
	info, err := fs.Stat(files, v.file)
	if err == nil && info.Size() > maxChartBytes {
		err = errors.New("the file is larger than a chart may be")
	}
	if err == nil {
		v.data, err = fs.ReadFile(files, v.file)
	}
	if err != nil {
		v.problems = append(v.problems, problemAt(v.file, 0, 0, "the values file cannot be read: "+err.Error()))
		return v
	}
	values, err := loader.LoadValues(bytes.NewReader(v.data))
	if err != nil {
		v.problems = append(v.problems, problemAt(v.file, yamlErrorLine(err), 0, "the values file is not valid YAML: "+err.Error()))
		return v
	}
	if isSchema(values) {
		return nil
	}
	v.values = values
	return v
}

// isSchema tells a JSON schema that is written in YAML (values.schema.yaml)
// from values.
func isSchema(values map[string]any) bool {
	_, schema := values["$schema"]
	_, properties := values["properties"].(map[string]any)
	return properties && (schema || values["type"] == "object")
}
