package cli

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/observe"
)

// unprinted are characters that a terminal obeys, or that nobody sees.
const unprinted = "a\x1b\x7f\u0085\u00ad\u061c\u200b\u202e\u2066\ufeff\u2028\u2029\u034f\u3164\U000e0041b"

// TestHiddenCharacters are ? in text, and written out in JSON, where the value stays what it is.
func TestHiddenCharacters(t *testing.T) {
	if got := clean(unprinted); got != "a??????????????b" {
		t.Errorf("%q", got)
	}
	if got := tame(unprinted); got != "a??????????????b" {
		t.Errorf("%q", got)
	}
	const said = "👩\u200d💻 می\u200cخواهم" // joined signs, and words that want no joining
	if got := clean(said); got != said {
		t.Errorf("%q", got)
	}
	b := slowOrders()
	s := &b.told.Report.Signals[0]
	s.Signal.Labels["app"] = unprinted
	s.Anomalies = []observe.Anomaly{s.Anomalies[0]}
	s.Anomalies[0].Signal = s.Signal
	b.told.Notes = []string{unprinted}
	for _, args := range [][]string{{"anomalies"}, {"top"}, {"explain", s.Signal.ID()}} {
		for _, form := range []string{"table", "json"} {
			out, errs, _ := surveyOf(t, b, append(args, "-o", form)...)
			if i := strings.IndexFunc(out+errs, func(r rune) bool { return r != '\n' && unseen(r) }); i >= 0 {
				t.Errorf("%v as %s: %q", args, form, (out + errs)[i:])
			}
			if form == "table" {
				continue
			}
			var any any
			if err := json.Unmarshal([]byte(out), &any); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(any)
			if err != nil || !strings.Contains(string(again), strings.NewReplacer("\x1b", `\u001b`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(unprinted)) {
				t.Errorf("%v: the value is another: %s", args, again)
			}
		}
	}
}

// TestHiddenCharactersInYAML are escapes, and every value stays what it is.
func TestHiddenCharactersInYAML(t *testing.T) {
	want := map[string]any{
		"plain": "no need of quotes", unprinted: unprinted, "lines": "a\u202e\nb: '\"\\\n", "long": strings.Repeat("word\u2066 ", 60),
		"list": []any{"x", unprinted, "true", "12", true, 12.5, nil, map[string]any{"k": "\u200b"}}, "said": "👩\u200d💻",
	}
	var out bytes.Buffer
	if err := structured(&out, "yaml", want); err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r != '\n' && layout(r) }); i >= 0 {
		t.Errorf("%q", out.Bytes()[i:])
	}
	var got map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %q\nis not %q", err, got, want)
	}
	if !strings.Contains(out.String(), "\nplain: no need of quotes\n") {
		t.Errorf("%s", out.String())
	}
}
