package substitute_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/substitute"
)

func TestText(t *testing.T) {
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
		"a: {x: ${a}}\n---\nautoecoops.io/substitute: disabled\ny: ${a}\n---\nz: ${a}": "a: {x: 1}\n---\nautoecoops.io/substitute: disabled\ny: ${a}\n---\nz: 1",
		"autoecoops.io/substitute: enabled\ny: ${a}":                                   "autoecoops.io/substitute: enabled\ny: 1",
	} {
		got, err := substitute.Text([]byte(in), substitute.Options{Values: values})
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
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
