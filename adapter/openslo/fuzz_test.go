package openslo_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/openslo"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// FuzzRead holds that whatever is read can be followed and written as rules,
// and that what is refused is refused with a line.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"openslo.yaml", "sloth.yaml", "objective.yaml"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		for part := range strings.SplitSeq(string(text), "\n---\n") {
			f.Add([]byte(part))
		}
	}
	f.Add([]byte(sloWith()))
	f.Fuzz(func(t *testing.T, text []byte) {
		docs := yamldoc.Parse(text)
		found, problems := openslo.Read([]openslo.File{{Name: "x.yaml", Docs: docs}}, openslo.Options{})
		for _, p := range problems {
			if p.Position.File != "x.yaml" || p.Message == "" || p.Position.Line < 1 && len(docs) > 0 {
				t.Errorf("a problem without a place or words: %+v", p)
			}
		}
		for _, l := range found {
			if ps := l.Objective.Validate(); len(ps) > 0 {
				t.Errorf("%v", ps)
			}
			groups, _, err := slo.Rules(l.Objective, slo.RuleOptions{})
			if err != nil {
				t.Error(err)
			}
			var b strings.Builder
			if err := slo.WriteRules(&b, groups); err != nil {
				t.Error(err)
			}
			if docs := yamldoc.Parse([]byte(b.String())); len(docs) != 1 || docs[0].Err != nil {
				t.Errorf("the rules are no YAML: %s", b.String())
			}
			if _, err := slo.New(l.Objective, slo.Options{Interval: 100 * time.Millisecond, Start: time.Unix(0, 0)}); err != nil {
				t.Error(err)
			}
		}
	})
}
