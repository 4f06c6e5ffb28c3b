package slo_test

import (
	"fmt"
	"testing"

	"github.com/autoecoops/autoecoops/observe/slo"
)

// TestMatchers takes selectors apart, however they are written.
func TestMatchers(t *testing.T) {
	for text, want := range map[string]string{
		`up`:                              `up []`,
		` up { } `:                        `up []`,
		`up{a="b"}`:                       `up [a="b"]`,
		"up{ a = 'b\\'\"' , c=~`x\\d`, }": `up [a="b'\"" c=~"x\\d"]`,
		`{__name__="up",b!="",c!~"d|e"}`:  ` [__name__="up" b!="" c!~"d|e"]`,
		"up{a=\"é}\"}":                    "up [a=\"é}\"]",
	} {
		metric, all, err := slo.Matchers(text)
		if got := fmt.Sprint(metric, " ", all); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "up{", "up offset 5m", `up{a="b"}[5m]`, `up{a=~"("}`, `{}`} {
		if _, _, err := slo.Matchers(text); err == nil {
			t.Errorf("%s is no selector", text)
		}
	}
}
