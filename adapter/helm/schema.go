package helm

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// maxViolations bounds how many violations of one schema are reported.
const maxViolations = 20

// offline refuses every schema that is not in the chart: Helm would fetch it.
type offline struct{ refused string }

// Load implements jsonschema.URLLoader.
func (o *offline) Load(address string) (any, error) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "urn" {
		return true, nil // Helm accepts everything that it cannot look up by name
	}
	o.refused = address
	return nil, errors.New("a schema outside of the chart is not read")
}

// validate checks the values of c and its subcharts against their schemas.
// prefix leads from the top chart's values to c's.
func (d *rendering) validate(c *chart.Chart, values map[string]any, prefix []string) {
	if c.Schema != nil {
		d.validateOne(c, values, prefix)
	}
	for _, sub := range c.Dependencies() {
		if v, ok := values[sub.Name()].(map[string]any); ok {
			d.validate(sub, v, append(append([]string(nil), prefix...), sub.Name()))
		}
	}
}

func (d *rendering) validateOne(c *chart.Chart, values map[string]any, prefix []string) {
	defer func() {
		if p := recover(); p != nil {
			d.partly(problemAt(d.schemaFile(c), 0, 0, fmt.Sprintf("the values schema cannot be used: %v", p)))
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema))
	if err != nil {
		d.partly(problemAt(d.schemaFile(c), 0, 0, "the values schema is not valid JSON: "+err.Error()))
		return
	}
	loader := &offline{}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(loader)
	const name = "file:///values.schema.json"
	if err = compiler.AddResource(name, doc); err == nil {
		var s *jsonschema.Schema
		if s, err = compiler.Compile(name); err == nil {
			err = s.Validate(map[string]any(values))
		}
	}
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
	case errors.As(err, &invalid):
		d.violations(c, invalid, prefix)
	case loader.refused != "":
		p := problemAt(d.schemaFile(c), 0, 0, "the values schema refers to "+loader.refused+", which is not read; the values were not checked against it")
		p.Missing = loader.refused
		d.partly(p)
	default:
		d.partly(problemAt(d.schemaFile(c), 0, 0, "the values schema cannot be used: "+strings.ReplaceAll(err.Error(), "\n", " ")))
	}
}

func (d *rendering) schemaFile(c *chart.Chart) string {
	if o, ok := d.set.src.originOf(rawFile(c, "values.schema.json")); ok {
		return o.file
	}
	return d.set.src.at("values.schema.json")
}

// violations reports the innermost causes, each at the value's own line.
func (d *rendering) violations(c *chart.Chart, v *jsonschema.ValidationError, prefix []string) {
	printer := message.NewPrinter(language.English)
	left := maxViolations
	var walk func(v *jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		for _, cause := range v.Causes {
			walk(cause)
		}
		if len(v.Causes) > 0 || left == 0 {
			return
		}
		left--
		path := make(tree.Path, 0, len(prefix)+len(v.InstanceLocation))
		for _, k := range append(append([]string(nil), prefix...), v.InstanceLocation...) {
			path = append(path, tree.Step{Key: k, Index: -1})
		}
		what := "the values"
		if len(path) > 0 {
			what = path.String()
		}
		p := assess.Problem{Position: d.files().nearest(c, path), Partial: true}
		p.Reason = fmt.Sprintf("%s: %s (values schema of chart %s; helm refuses to render)", what, v.ErrorKind.LocalizedString(printer), c.Name())
		d.problem(p)
	}
	walk(v)
}
