package substitute_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/substitute"
	"github.com/autoecoops/autoecoops/fault"
)

func TestText(t *testing.T) {
	const optOut = "metadata:\n  annotations:\n    autoecoops.io/substitute: disabled\n"
	values := map[string]string{"a": "1", "empty": "", "tricky": "${a} $$ \\1", "Long_Name2": "x"}
	for in, want := range map[string]string{
		"plain":                        "plain",
		"${a}":                         "1",
		"x ${a} y ${a}z":               "x 1 y 1z",
		"${nope:=b}":                   "b",
		"${nope:-b c}":                 "b c",
		"${empty:=b}":                  "b",
		"${empty}":                     "",
		"${a:=b}":                      "1",
		"${nope:=}":                    "",
		"$${a}":                        "${a}",
		"$$${a}":                       "$${a}",
		"${tricky}":                    "${a} $$ \\1",
		"${Long_Name2}":                "x",
		"$a ${1} ${a%b} ${ a} ${} ${a": "$a ${1} ${a%b} ${ a} ${} ${a",
		"${nope:=b\n}":                 "${nope:=b\n}",
		"${nope:?b}":                   "${nope:?b}",
		"p: ${a}\n---\nq: ${a}\n":      "p: 1\n---\nq: 1\n",
		"${nope:=${a}}":                "1",
		"${nope:=x${nope:-${a}y}z}":    "x1yz",
		"${nope:=$${a}}":               "${a}",
		"${a:=${nope}}":                "1",
		"${nope:={}}":                  "{}",
		"${nope:=${a}":                 "${nope:=1",
		"a: {x: ${a}}\n---\n" + optOut + "y: ${a}\n---\nz: ${a}": "a: {x: 1}\n---\n" + optOut + "y: ${a}\n---\nz: 1",
		"autoecoops.io/substitute: enabled\ny: ${a}":             "autoecoops.io/substitute: enabled\ny: 1",
	} {
		got, err := substitute.Text([]byte(in), substitute.Options{Values: values})
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestOptOut(t *testing.T) {
	o := substitute.Options{Values: map[string]string{"a": "1"}}
	for doc, keeps := range map[string]bool{
		"metadata:\n  annotations:\n    autoecoops.io/substitute: disabled\ny: ${a}\n":                                                     true,
		"---\nkind: X\nmetadata:\n    annotations:\n        # why\n        \"autoecoops.io/substitute\": 'disabled' # so\ny: ${a}\n":       true,
		"y: ${a}\nmetadata:\n  name: x\n  labels:\n    a: b\n  annotations:\n    x: |\n      text\n    autoecoops.io/substitute: disabled": true,
		`{"y":"${a}","metadata":{"annotations":{"autoecoops.io/substitute":"disabled"}}}`:                                                  true,
		`{"y":"${a}","metadata":{"annotations":{"autoecoops.io/substitute":"enabled"}}}`:                                                   false,
		`{"y":"${a}","metadata":{"labels":{"autoecoops.io/substitute":"disabled"}}}`:                                                       false,
		`{"y":${a},"metadata":{"annotations":{"autoecoops.io/substitute":"disabled"}}}`:                                                    false,
		"metadata:\n  annotations:\n    autoecoops.io/substitute: enabled\ny: ${a}\n":                                                      false,
		"metadata:\n  labels:\n    autoecoops.io/substitute: disabled\ny: ${a}\n":                                                          false,
		"spec:\n  metadata:\n    annotations:\n      autoecoops.io/substitute: disabled\ny: ${a}\n":                                        false,
		"autoecoops.io/substitute: disabled\ny: ${a}\n":                                                                                    false,
		"y: ${a}\ndata:\n  x: |\n    metadata:\n      annotations:\n        autoecoops.io/substitute: disabled\n":                          false,
		"y: ${a}\n# autoecoops.io/substitute: disabled\n":                                                                                  false,
		"y: ${a}\ntext autoecoops.io/substitute\n":                                                                                         false,
	} {
		got, err := substitute.Text([]byte(doc), o)
		if err != nil || strings.Contains(string(got), "${a}") != keeps {
			t.Errorf("%s\n%s, %v", doc, got, err)
		}
	}
}

func TestSecretValues(t *testing.T) {
	o := substitute.Options{Values: map[string]string{"a": "hunter2", "b": "hunter2", "c": "abc", "d": "public", "e": "zzzz"}, Secret: map[string]bool{"a": true, "b": true, "c": true, "e": true, "gone": true}}
	if got := o.SecretValues(); !slices.Equal(got, []string{"hunter2", "zzzz"}) {
		t.Error(got)
	}
}

func TestNestingIsBounded(t *testing.T) {
	text := strings.Repeat("${x:=", 1000) + strings.Repeat("}", 1000)
	if _, err := substitute.Text([]byte(text), substitute.Options{}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestMissing(t *testing.T) {
	text := []byte("${b} ${a:=x} ${c} ${b}")
	if _, err := substitute.Text(text, substitute.Options{}); err == nil || !strings.Contains(err.Error(), "no value for b, c") {
		t.Errorf("%v", err)
	}
	if got, err := substitute.Text(text, substitute.Options{Lenient: true}); err != nil || string(got) != " x  " {
		t.Errorf("%q %v", got, err)
	}
}

func TestGrowthIsBounded(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	if _, err := substitute.Text([]byte(strings.Repeat("${a}", 100)), substitute.Options{Values: map[string]string{"a": big}}); err == nil {
		t.Error("100 MiB of it")
	}
}

func FuzzText(f *testing.F) {
	f.Add("a: ${a} $${b} ${c:=d}\n---\n${", "v")
	f.Fuzz(func(t *testing.T, text, value string) {
		got, err := substitute.Text([]byte(text), substitute.Options{Values: map[string]string{"a": value}, Lenient: true})
		if err == nil && !strings.Contains(text, "${") && string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
