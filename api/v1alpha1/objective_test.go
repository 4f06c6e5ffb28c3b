package v1alpha1_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// definition reads the definition of Objective as the API server would get it.
func definition(t *testing.T) *apiextensions.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile("../../deploy/crds/autoecoops.io_objectives.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		t.Fatal(err)
	}
	v1.SetDefaults_CustomResourceDefinition(&crd)
	v1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	crd.Status.StoredVersions = []string{"v1alpha1"}
	var internal apiextensions.CustomResourceDefinition
	if err := v1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&crd, &internal, nil); err != nil {
		t.Fatal(err)
	}
	return &internal
}

// TestObjectiveDefinition has the API server's own code accept the definition,
// with the estimated cost of its rules.
func TestObjectiveDefinition(t *testing.T) {
	if errs := validation.ValidateCustomResourceDefinition(context.Background(), definition(t)); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
}

const objective = `
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: availability, namespace: shop}
spec:
  service: shop
  target: 99.9%
  period: {rolling: 30d}
  indicator: {total: requests, bad: errors}
`

// TestObjectiveValidation has the API server's own code judge Objectives.
func TestObjectiveValidation(t *testing.T) {
	crd := definition(t)
	props := crd.Spec.Validation
	if props == nil {
		props = crd.Spec.Versions[0].Schema
	}
	structural, err := schema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	byShape, _, err := schemavalidation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	rules := cel.NewValidator(structural, true, 10_000_000)
	for name, c := range map[string]struct{ from, to, want string }{
		"as it is":            {"", "", ""},
		"good instead of bad": {"bad: errors", "good: fine", ""},
		"a gauge":             {"{total: requests, bad: errors}", "{gauge: {query: q, op: lte, value: '-1.5e3'}}", ""},
		"a month":             {"{rolling: 30d}", "{calendar: Month, timeZone: Europe/Berlin}", ""},
		"slices":              {"  service: shop", "  service: shop\n  budgeting: TimeSlices\n  slice: {width: 5m, target: 95%}", ""},
		"own tiers":           {"  service: shop", "  service: shop\n  alerting: {tiers: [{name: a, severity: Page, long: 1h, short: 5m, factor: '14.4', for: 2m}]}", ""},
		"a night":             {"  service: shop", "  service: shop\n  exclusions: [{name: night, weekly: {days: [Monday], at: '22:00', for: 8h}}]", ""},
		"an upgrade":          {"  service: shop", "  service: shop\n  exclusions: [{name: night, start: '2026-01-01T00:00:00Z', end: '2026-01-01T02:00:00Z'}]", ""},

		"good and bad":          {"bad: errors", "bad: errors, good: fine", "set total with one of good and bad"},
		"neither":               {", bad: errors", "", "set total with one of good and bad"},
		"no total":              {"total: requests, ", "", "set total with one of good and bad"},
		"a gauge and a total":   {"bad: errors", "gauge: {query: q, op: lte, value: '1'}", "or gauge alone"},
		"another op":            {"{total: requests, bad: errors}", "{gauge: {query: q, op: eq, value: '1'}}", "Unsupported value"},
		"a value that is none":  {"{total: requests, bad: errors}", "{gauge: {query: q, op: lt, value: many}}", "should match"},
		"two periods":           {"{rolling: 30d}", "{rolling: 30d, calendar: Month}", "not both"},
		"no period":             {"{rolling: 30d}", "{}", "not both"},
		"a zone without days":   {"{rolling: 30d}", "{rolling: 30d, timeZone: UTC}", "timeZone belongs to calendar"},
		"a strange period":      {"30d", "30 days", "should match"},
		"slices without a size": {"  service: shop", "  service: shop\n  budgeting: TimeSlices", "slice belongs to"},
		"a size without slices": {"  service: shop", "  service: shop\n  slice: {width: 5m, target: 95%}", "slice belongs to"},
		"a target of 100":       {"99.9%", "100%", "should match"},
		"a target of 49":        {"99.9%", "49%", "should match"},
		"a share as target":     {"99.9%", "'0.999'", "should match"},
		"tiers and catalogue":   {"  service: shop", "  service: shop\n  alerting: {catalogue: Pyrra, tiers: [{name: a, severity: Page, long: 1h, short: 5m, factor: '2'}]}", "not both"},
		"an unknown catalogue":  {"  service: shop", "  service: shop\n  alerting: {catalogue: Nagios}", "Unsupported value"},
		"an end before start":   {"  service: shop", "  service: shop\n  exclusions: [{name: night, start: '2026-01-01T03:00:00Z', end: '2026-01-01T02:00:00Z'}]", "set start before end"},
		"never":                 {"  service: shop", "  service: shop\n  exclusions: [{name: night}]", "set start before end"},
		"25 o'clock":            {"  service: shop", "  service: shop\n  exclusions: [{name: night, weekly: {days: [Monday], at: '25:00', for: 8h}}]", "should match"},
		"a day that is none":    {"  service: shop", "  service: shop\n  exclusions: [{name: night, weekly: {days: [Someday], at: '22:00', for: 8h}}]", "Unsupported value"},
		"an empty service":      {"  service: shop", "  service: ''", "should match"},
	} {
		t.Run(name, func(t *testing.T) {
			text := objective
			if c.from != "" {
				if text = strings.Replace(objective, c.from, c.to, 1); text == objective {
					t.Fatal("nothing was changed")
				}
			}
			var o map[string]any
			if err := yaml.Unmarshal([]byte(text), &o); err != nil {
				t.Fatal(err)
			}
			errs := schemavalidation.ValidateCustomResource(nil, o, byShape)
			if len(errs) == 0 { // as the server does, rules are asked of what has the right shape
				more, _ := rules.Validate(context.Background(), field.NewPath(""), structural, o, nil, 10_000_000)
				errs = append(errs, more...)
			}
			switch {
			case c.want == "" && len(errs) > 0:
				t.Error(errs.ToAggregate())
			case c.want != "" && len(errs) == 0:
				t.Error("it is accepted")
			case c.want != "" && !strings.Contains(errs.ToAggregate().Error(), c.want):
				t.Errorf("%v lacks %q", errs.ToAggregate(), c.want)
			}
		})
	}
}
