package yamldoc_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// value turns a tree into what encoding/json would make of the document.
func value(t *testing.T, n tree.Node) any {
	t.Helper()
	switch n.Kind() {
	case tree.Null:
		return nil
	case tree.Bool:
		v, ok := n.Bool()
		if !ok {
			t.Errorf("%q is no boolean", n.Text())
		}
		return v
	case tree.Int, tree.Float:
		v, ok := n.Float()
		if !ok {
			t.Errorf("%q is a %s without a value", n.Text(), n.Kind())
		}
		return v
	case tree.String:
		return n.Text()
	case tree.List:
		out := []any{}
		for i, e := range n.Items() {
			if e != n.Index(i) {
				t.Errorf("entry %d is not at its index", i)
			}
			out = append(out, value(t, e))
		}
		return out
	case tree.Map:
		out := map[string]any{}
		for k, v := range n.Fields() {
			if _, twice := out[k.Text()]; twice {
				t.Errorf("key %q stands twice in the tree", k.Text())
			}
			if n.Get(k.Text()) != v {
				t.Errorf("Get(%q) finds another value", k.Text())
			}
			out[k.Text()] = value(t, v)
		}
		return out
	}
	t.Errorf("a value of kind %s", n.Kind())
	return nil
}

// server decodes a document as the Kubernetes clients do: YAML → JSON.
func server(text string) (v any, err error) {
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	return v, json.Unmarshal(b, &v)
}

// same compares the only document of text with the clients' decoding.
func same(t *testing.T, text string) {
	t.Helper()
	want, err := server(text)
	docs := yamldoc.Parse([]byte(text))
	if err != nil {
		if len(docs) == 1 && docs[0].Err == nil {
			t.Errorf("%q: read, but the clients refuse it: %v", text, err)
		}
		return
	}
	if want == nil && len(docs) == 0 {
		return
	}
	if len(docs) != 1 || docs[0].Err != nil {
		t.Errorf("%q: %+v, the clients read %v", text, docs, want)
		return
	}
	if got := value(t, docs[0].Doc.Root()); !reflect.DeepEqual(got, want) {
		t.Errorf("%q:\n got %#v\nwant %#v", text, got, want)
	}
}

func TestScalarsMeanWhatTheClientsTakeThemFor(t *testing.T) {
	words := strings.Fields(`y Y yes Yes YES yES n N no No NO on On ON oN off Off OFF true True TRUE tRUE false False FALSE
		~ null Null NULL nULL 0 1 -1 +1 007 0644 0888 08 0o17 0O17 0x1F 0X1f 0b101 -0b101 1_000 1__000 1_ _1 1_000.5 0x 0b
		1.0 1. .5 -.5 1e3 1E3 1e+3 1.5e-3 1e .e1 . .. - + -- 1.2.3 12:30:45 190:20:30 2001-12-14 2001-12-14T21:59:43.10-05:00
		9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809
		1e400 0.1 100m 128Mi v1 1e3m = << & 0777777777777777777777777 1e1_0 0.0_1 .1_0 -0 +0 -0.0 0_1 0x_1
		yess nope offf trues nulls NaN inf .infx +.5 -.5e1 +1e3 0e0 1,000 1%`)
	for _, w := range words {
		same(t, "v: "+w+"\n")
		same(t, "- "+w+"\n")
		same(t, "v: '"+w+"'\n")
		same(t, "v: \""+w+"\"\n")
		same(t, "v: !!str "+w+"\n")
		same(t, "v: |\n  "+w+"\n")
		same(t, "v: ["+w+", x]\n")
	}
	for _, w := range []string{".nan", ".NaN", ".inf", "-.INF", "+.Inf"} {
		docs := yamldoc.Parse([]byte("v: " + w))
		if len(docs) != 1 || docs[0].Doc.Root().Get("v").Kind() != tree.Float {
			t.Errorf("%s is no number", w)
		}
	}
}

func TestTrickyDocuments(t *testing.T) {
	for name, text := range map[string]string{
		"merge":                 "base: &b {a: 1, c: 2}\nuse:\n  <<: *b\n  c: 3\n",
		"merge first wins":      "x: &x {a: 1}\nz: &z {a: 2, b: 3}\nuse:\n  <<: [*x, *z]\n",
		"merge nested":          "x: &x {a: 1, b: 1}\nz: &z\n  <<: *x\n  b: 2\nuse:\n  <<: *z\n  c: 3\n",
		"merge before the key":  "x: &x {a: 1}\nuse: {<<: *x, a: 2}\n",
		"merge twice":           "x: &x {a: 1, q: 1}\nz: &z {a: 2, p: 2}\nuse:\n  <<: *x\n  w: 0\n  <<: *z\n",
		"merge inline":          "use:\n  <<: {a: 1}\n  b: 2\n",
		"quoted merge key":      "'<<': 1\na: 2\n",
		"quoted merge map":      "a: {\"<<\": {b: 1}, c: 2}\n",
		"merge of a scalar":     "a: {<<: 1}\n",
		"anchor and alias":      "a: &x [1, 2]\nb: *x\nc: {d: *x}\n",
		"anchor redefined":      "a: &x 1\nb: *x\nc: &x 2\nd: *x\n",
		"alias as key":          "a: &x key\nb:\n  *x : 1\n",
		"unknown alias":         "a: *x\n",
		"alias to itself":       "a: &x [*x]\n",
		"literal":               "a: |\n  one\n   two\n\n  three\nb: 1\n",
		"literal strip":         "a: |-\n  one\n  two\n\n\nb: 1\n",
		"literal keep":          "a: |+\n  one\n\n\nb: 1\n",
		"literal indent":        "a: |2\n    one\n   two\n",
		"folded":                "a: >\n  one\n  two\n\n  three\n    four\n  five\n",
		"folded strip":          "a: >-\n  one\n  two\n",
		"block in list":         "- |\n  x: 1\n- >\n  y\n",
		"CRLF":                  "a: 1\r\nb:\r\n  - x\r\n  - |\r\n    one\r\n    two\r\n",
		"BOM":                   "\ufeffa: 1\n",
		"BOM and marker":        "\ufeff---\na: 1\n",
		"comment":               "# c\na: 1 # d\n# e\n",
		"directive":             "%YAML 1.1\n---\na: yes\n",
		"tag directive":         "%TAG ! tag:x,2000:\n---\na: 1\n",
		"document end":          "a: 1\n...\n",
		"explicit key":          "? a\n: 1\n? b\n",
		"empty values":          "a:\nb: \nc: ''\nd: ~\n",
		"empty collections":     "a: {}\nb: []\n",
		"flow":                  "{a: [1, {b: c}], \"d\":1, e}\n",
		"flow over lines":       "a: {b: 1,\n  c: [x,\n q]}\n",
		"escapes":               `a: "\x41\u00e9\U0001F600\n\t\"\\\/\0\e\_"` + "\n",
		"single quotes":         "a: 'it''s'\n",
		"quoted over lines":     "a: \"one\n  two\n\n  three\\\n  four\"\n",
		"plain over lines":      "a: one\n  two\n\n  three\n",
		"tab after value":       "a:\t1\t\nb: 2\n",
		"tab indentation":       "a:\n\tb: 1\n",
		"json":                  "{\"a\": {\"b\": [1, 2.5, true, null, \"x\"]}}",
		"json with tabs":        "{\n\t\"a\": \"x\\ty\",\n\t\"b\": [\n\t\t1\n\t]\n}\n",
		"json tab in a string":  "{\"a\":\t\"x\\\"y\"}",
		"binary":                "a: !!binary aGVsbG8=\n",
		"tagged int":            "a: !!int 12\nb: !!float 3\nc: !!bool yes\nd: !!null ''\ne: !!str yes\n",
		"quoted and tagged":     "a: !!int '12'\nb: !!bool \"true\"\nc: !!float \"1.5\"\n",
		"custom tag":            "a: !mine x\nb: !mine {c: 1}\n",
		"non-ASCII":             "ä: ü\n日本: 語\n",
		"colon in plain":        "a: http://x:1/y\nb: 12:30\n",
		"hash in plain":         "a: b#c\n",
		"question in plain":     "a: ?x\nb: -x\n",
		"long key":              strings.Repeat("k", 900) + ": 1\n",
		"duplicate":             "a: 1\nb: 2\na: 3\n",
		"duplicate nested":      "x:\n  a: {q: 1}\n  a: {r: 2}\n",
		"no final newline":      "a: 1",
		"only a string":         "hello\n",
		"only a list":           "- 1\n- [a]\n",
		"list at key's column":  "a:\n- 1\n- b: 2\n  c: 3\nd: 4\n",
		"unclosed":              "a: [1, 2\n",
		"unclosed quote":        "a: \"x\n",
		"bad indentation":       "a:\n   b: 1\n  c: 2\n",
		"reserved at":           "a: @x\n",
		"backtick":              "a: `x`\n",
		"percent":               "a: %x\n",
		"two values":            "a: b: c\n",
		"control character":     "a: \x01\n",
		"invalid UTF-8":         "a: \xff\n",
		"invalid UTF-8 comment": "# \xff\na: 1\n",
	} {
		t.Run(name, func(t *testing.T) { same(t, text) })
	}
}

// random writes a random document in a random style.
type random struct {
	*rand.Rand
	b strings.Builder
}

func (r *random) pick(from ...string) string { return from[r.IntN(len(from))] }

func (r *random) word() string {
	return r.pick("a", "web", "x-1", "app.kubernetes.io/name", "no-way", "onion", "yesterday", "nullable", "k_1", "é", "t0", "of")
}

func (r *random) scalar(flow bool) string {
	switch r.IntN(8) {
	case 0:
		return r.pick("yes", "No", "on", "OFF", "true", "False", "~", "null", "Y", "n")
	case 1:
		return fmt.Sprint(r.Int64N(math.MaxInt32) - 1000)
	case 2:
		return r.pick("0644", "0x1f", "1e3", "1.50", "1_000", "2001-01-01", "12:30", "0b11", ".5", "089")
	case 3:
		return "'" + r.word() + " " + r.pick("it''s", ": #", "{}", "yes") + "'"
	case 4:
		return `"` + r.word() + r.pick(`\n`, `\t`, ` : # `, `\"`, `\\`, "true") + `"`
	case 5:
		return r.pick("''", `""`, `"null"`, "'1'", "!!str 1")
	}
	return r.word()
}

func (r *random) flow(depth int) string {
	var parts []string
	n := r.IntN(4)
	if depth > 0 && r.IntN(3) == 0 {
		for i := range n {
			parts = append(parts, fmt.Sprintf("%s%d: %s", r.word(), i, r.flow(depth-1)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if depth > 0 && r.IntN(3) == 0 {
		for range n {
			parts = append(parts, r.flow(depth-1))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return r.scalar(true)
}

// block writes the value of "key:" or "-", from behind the indicator on.
func (r *random) block(indent, depth int) {
	pad := strings.Repeat(" ", indent)
	switch k := r.IntN(8); {
	case depth == 0 || k < 2:
		r.b.WriteString(" " + r.scalar(false) + r.pick("\n", " # why\n", "\n\n"))
	case k == 2:
		r.b.WriteString(" " + r.flow(depth) + "\n")
	case k == 3:
		r.b.WriteString(" " + r.pick("|", ">", "|-", ">-", "|+") + "\n")
		for range 1 + r.IntN(4) {
			r.b.WriteString(pad + r.pick("text", "  more", "k: v", "# no comment", "- x") + "\n")
			if r.IntN(4) == 0 {
				r.b.WriteByte('\n')
			}
		}
	case k == 4 || k == 5:
		r.b.WriteByte('\n')
		for range 1 + r.IntN(3) {
			r.b.WriteString(pad + "-")
			r.block(indent+2, depth-1)
		}
	default:
		r.b.WriteByte('\n')
		r.fields(indent, depth)
	}
}

func (r *random) fields(indent, depth int) {
	pad := strings.Repeat(" ", indent)
	for i := range 1 + r.IntN(4) {
		if r.IntN(6) == 0 {
			r.b.WriteString(pad + "# about it\n")
		}
		r.b.WriteString(fmt.Sprintf("%s%s%d:", pad, r.word(), r.IntN(1+4*i)))
		r.block(indent+2, depth-1)
	}
}

func TestRandomDocumentsDecodeAlike(t *testing.T) {
	rounds := 20000
	if testing.Short() {
		rounds = 3000
	}
	read := 0
	for seed := range rounds {
		r := &random{Rand: rand.New(rand.NewPCG(uint64(seed), 7))}
		r.fields(0, 1+r.IntN(5))
		text := r.b.String()
		if seed%5 == 0 {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		same(t, text)
		if docs := yamldoc.Parse([]byte(text)); len(docs) == 1 && docs[0].Err == nil {
			read++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if read < rounds*9/10 {
		t.Errorf("only %d of %d documents could be read: the generator is broken", read, rounds)
	}
}
