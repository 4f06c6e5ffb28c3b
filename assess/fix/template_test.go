package fix

import (
	"errors"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/fix/edit"
	"github.com/autoecoops/autoecoops/graph/tree"
)

const chartTemplate = `{{- if .Values.on }}
kind: Pod
spec:
  hostPID: true   # why
  dns: {{ .Values.dns }}
  pull: 'Never'
  empty: {} # nothing yet
  made:
    {{- toYaml .Values.made | nindent 4 }}
  containers:
  - name: a
    image: {{ .Values.image }}
  - env:
    - name: b
{{- end }}
`

// at makes an Op on the template's line that begins with text after its
// indentation and dash.
func at(line, col int, key string, path ...string) Op {
	op := Op{Template: true, Line: line, Column: col, Key: key}
	for _, k := range path {
		op.Path = append(op.Path, tree.Step{Key: k, Index: -1})
	}
	return op
}

func (op Op) to(value string) Op {
	op.Value = value
	return op
}

func (op Op) was(value string) Op {
	op.Was = value
	return op
}

func TestEditTemplate(t *testing.T) {
	out, err := editTemplate(yamldoc.Parse, []byte(chartTemplate), []Op{
		at(4, 3, "hostPID").was("true").to("false"),
		at(6, 3, "pull").was("Never").to("Always"),
		at(7, 3, "empty", "a", "b").to("[x]"),
		at(7, 3, "empty", "a", "c").to("1"),
		at(8, 3, "made", "d").to("true"),
		at(11, 5, "", "securityContext", "privileged").to("false"),
		at(11, 5, "", "securityContext", "capabilities", "drop").to("[ALL]"),
		at(3, 1, "spec", "hostUsers").to("false"),
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{{- if .Values.on }}
kind: Pod
spec:
  hostUsers: false
  hostPID: false   # why
  dns: {{ .Values.dns }}
  pull: 'Always'
  empty: # nothing yet
    a:
      b:
      - x
      c: 1
  made:
    d: true
    {{- toYaml .Values.made | nindent 4 }}
  containers:
  - name: a
    securityContext:
      privileged: false
      capabilities:
        drop:
        - ALL
    image: {{ .Values.image }}
  - env:
    - name: b
{{- end }}
`
	if string(out) != want {
		t.Errorf("got\n%s", out)
	}
	out, err = editTemplate(yamldoc.Parse, []byte("spec:\r\n  a: b\r\n  c: {{ .x }}"), []Op{
		{Template: true, Line: 2, Column: 3, Key: "a", Was: "b", Remove: true}, at(1, 1, "spec", "d").to("e"),
	})
	if err != nil || string(out) != "spec:\r\n  d: e\r\n  c: {{ .x }}" {
		t.Errorf("%q %v", out, err)
	}
}

func TestEditTemplateRefuses(t *testing.T) {
	for name, op := range map[string]Op{
		"computed":      at(5, 3, "dns").was("x").to("y"),
		"below":         at(5, 3, "dns", "x").to("y"),
		"another value": at(4, 3, "hostPID").was("false").to("true"),
		"another key":   at(4, 3, "hostIPC").was("true").to("false"),
		"a block":       at(13, 5, "", "x").to("y"),
		"an action":     at(9, 5, "", "x").to("y"),
		"no such line":  at(99, 1, "", "x").to("y"),
		"a bad value":   at(3, 1, "spec", "x").to("{"),
		"a collection":  at(4, 3, "hostPID").was("true").to("[a]"),
	} {
		out, err := editTemplate(yamldoc.Parse, []byte(chartTemplate), []Op{op})
		if _, ok := errors.AsType[edit.Refusal](err); !ok {
			t.Errorf("%s is not refused: %v\n%s", name, err, out)
		}
	}
}
