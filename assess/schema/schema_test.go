package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph/tree"
)

func node(t testing.TB, text string) tree.Node {
	t.Helper()
	docs := yamldoc.Parse([]byte(text))
	if len(docs) != 1 || docs[0].Err != nil {
		t.Fatalf("%q: %v", text, docs)
	}
	return docs[0].Doc.Root()
}

func TestValue(t *testing.T) {
	for _, c := range []struct{ name, schema, value, want string }{
		{"string", `{type: string}`, `a`, ""},
		{"number for string", `{type: string}`, `1`, "invalid: must be a string, is an integer"},
		{"quoted number", `{type: string}`, `"1"`, ""},
		{"integer", `{type: integer}`, `1`, ""},
		{"whole float", `{type: integer}`, `1.0`, ""},
		{"fraction", `{type: integer}`, `1.5`, "invalid: must be an integer"},
		{"integer for number", `{type: number}`, `3`, ""},
		{"string for integer", `{type: integer}`, `"3"`, "invalid"},
		{"placeholder for integer", `{type: integer}`, `"${N}"`, "unsettled"},
		{"placeholder for string", `{type: string, pattern: "^[a-z]+$"}`, `${N}`, ""},
		{"boolean", `{type: boolean}`, `yes`, ""},
		{"int or string", `{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}`, `50%`, ""},
		{"int or string, bool", `{x-kubernetes-int-or-string: true}`, `true`, "invalid"},
		{"unknown field", `{type: object, properties: {replicas: {type: integer}}}`, `{replica: 1}`, `dropped: the definition knows no field "replica" here (did you mean "replicas"?)`},
		{"no hint", `{type: object, properties: {replicas: {type: integer}}}`, `{colour: red}`, `dropped`},
		{"preserved", `{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{colour: red}`, ""},
		{"preserved but known", `{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {n: {type: integer}}}`, `{n: a, m: 1}`, "invalid"},
		{"additional", `{type: object, additionalProperties: {type: string}}`, `{a: b, c: 1}`, "invalid"},
		{"any additional", `{type: object, additionalProperties: true}`, `{a: b, c: 1}`, ""},
		{"required", `{type: object, required: [a], properties: {a: {type: string}}}`, `{}`, `invalid: the required field "a" is missing`},
		{"required with default", `{type: object, required: [a], properties: {a: {type: string, default: x}}}`, `{}`, ""},
		{"required null", `{type: object, required: [a], properties: {a: {type: string}}}`, `{a: null}`, "invalid"},
		{"required nullable", `{type: object, required: [a], properties: {a: {type: string, nullable: true}}}`, `{a: null}`, ""},
		{"null is dropped", `{type: object, properties: {a: {type: string}}}`, `{a: null}`, ""},
		{"enum", `{type: string, enum: [A, B]}`, `C`, `invalid: "C" is none of A, B`},
		{"enum hit", `{type: string, enum: [A, B]}`, `B`, ""},
		{"enum of numbers", `{type: integer, enum: [1, 2]}`, `2`, ""},
		{"pattern", `{type: string, pattern: "^a+$"}`, `aab`, "invalid"},
		{"pattern is not anchored", `{type: string, pattern: "a"}`, `xay`, ""},
		{"broken pattern", `{type: string, pattern: "("}`, `xay`, ""},
		{"length", `{type: string, maxLength: 3}`, `äöüß`, "invalid: has 4 characters"},
		{"length in characters", `{type: string, maxLength: 4}`, `äöüß`, ""},
		{"items", `{type: array, items: {type: integer}, minItems: 1}`, `[1, a]`, "invalid"},
		{"too few items", `{type: array, items: {type: integer}, minItems: 1}`, `[]`, "invalid: has 0 entries"},
		{"null entry", `{type: array, items: {type: string}}`, `[null]`, "invalid"},
		{"minimum", `{type: integer, minimum: 1}`, `0`, "invalid"},
		{"exclusive", `{type: integer, minimum: 1, exclusiveMinimum: true}`, `1`, "invalid"},
		{"maximum", `{type: number, maximum: 1}`, `1`, ""},
		{"multiple", `{type: integer, multipleOf: 5}`, `12`, "invalid"},
		{"one of", `{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}`, `{a: x}`, ""},
		{"one of both", `{type: object, properties: {a: {type: string}, b: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}`, `{a: x, b: z}`, "invalid: fits 2 forms of which the definition wants exactly one (a, b)"},
		{"one of none", `{type: object, properties: {a: {type: string}}, oneOf: [{required: [a]}, {required: [b]}]}`, `{}`, "invalid"},
		{"any of", `{type: object, properties: {a: {type: string}, b: {type: string}}, anyOf: [{required: [a]}, {required: [b]}]}`, `{a: x, b: z}`, ""},
		{"all of", `{type: string, allOf: [{minLength: 2}, {maxLength: 3}]}`, `abcd`, "invalid"},
		{"not", `{type: object, properties: {a: {type: string}}, not: {required: [a]}}`, `{a: x}`, "invalid"},
		{"forms do not drop", `{type: object, properties: {a: {type: string}}, anyOf: [{properties: {b: {type: string}}}]}`, `{a: x}`, ""},
		{"map list", `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, properties: {name: {type: string}}}}`, `[{name: a}, {name: a}]`, "invalid"},
		{"set list", `{type: array, x-kubernetes-list-type: set, items: {type: string}}`, `[a, b, a]`, "invalid"},
		{"embedded", `{type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}`, `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {x: 1}}`, ""},
		{"list for map", `{type: object, properties: {}}`, `[]`, "invalid: must be a map, is a list"},
		{"no schema", `{}`, `[1, {a: b}]`, ""},
		{"deep", `{type: object, properties: {a: {type: object, properties: {b: {type: array, items: {type: object, properties: {c: {type: boolean}}}}}}}}`, `{a: {b: [{c: "true"}]}}`, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v Validator
			var got []string
			for _, p := range v.Value(node(t, "s: "+c.schema).Get("s"), node(t, "v: "+c.value).Get("v")) {
				got = append(got, fmt.Sprintf("%s: %s", [...]string{"invalid", "dropped", "unsettled"}[p.Kind], p.Message))
			}
			text := strings.Join(got, "\n")
			if c.want == "" && text != "" || !strings.HasPrefix(text, c.want) || len(got) > 1 {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func FuzzValue(f *testing.F) {
	f.Add("s: {type: object, properties: {a: {type: array}}}\nv: {a: [1]}")
	f.Add("s: {oneOf: [{not: {}}], pattern: '(', x-kubernetes-list-type: set}\nv: [a, a]")
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range yamldoc.Parse([]byte(text)) {
			if d.Err == nil && d.Doc != nil {
				var v Validator
				v.Value(d.Doc.Root().Get("s"), d.Doc.Root().Get("v"))
				v.Resource(d.Doc.Root().Get("s"), d.Doc.Root().Get("v"))
			}
		}
	})
}
