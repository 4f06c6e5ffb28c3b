package report

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

func sarifValidator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIFSchema(t *testing.T) {
	schema := sarifValidator(t)
	unplaced := sample()
	for i := range unplaced.Findings {
		unplaced.Findings[i].Position = ops.Position{}
	}
	for name, rep := range map[string]*assess.Report{"sample": sample(), "empty": {}, "unplaced": unplaced, "many": many(500)} {
		for _, o := range []Options{{}, options()} {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(render(t, "sarif", rep, o)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// sarifLog is as much of a log as the tests look at.
type sarifLog struct {
	Runs []struct {
		Tool struct {
			Driver struct{ Rules []sarifRule }
		}
		Invocations []sarifInvocation
		Results     []sarifResult
	}
}

func readSARIF(t *testing.T, rep *assess.Report, o Options) sarifLog {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(render(t, "sarif", rep, o)), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

// TestSARIFForGitHub holds what GitHub asks beyond the schema.
func TestSARIFForGitHub(t *testing.T) {
	run := readSARIF(t, sample(), options()).Runs[0]
	seen := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if seen[r.ID] {
			t.Errorf("rule %s is there twice", r.ID)
		}
		seen[r.ID] = true
		if len(r.Properties.Tags) > 20 {
			t.Errorf("rule %s has %d tags", r.ID, len(r.Properties.Tags))
		}
	}
	for _, r := range run.Results {
		if r.RuleIndex == nil || run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("result of %s does not point at its rule", r.RuleID)
		}
		if len(r.Locations) == 0 || r.Fingerprints["aeo/v1"] == "" {
			t.Errorf("result of %s has no location or no fingerprint", r.RuleID)
		}
		if r.Kind != "fail" && r.Level != "none" {
			t.Errorf("result of %s: kind %s with level %s", r.RuleID, r.Kind, r.Level)
		}
		rule := run.Tool.Driver.Rules[*r.RuleIndex]
		if unknown := r.Kind == "open"; unknown != (rule.Properties.Security == "") {
			t.Errorf("result of %s has kind %s and its rule the security-severity %q", r.RuleID, r.Kind, rule.Properties.Security)
		}
	}
}

func TestSARIFTruncates(t *testing.T) {
	rep := many(maxSARIFResults + 500)
	run := readSARIF(t, rep, Options{}).Runs[0]
	if len(run.Results) != maxSARIFResults {
		t.Fatalf("%d results", len(run.Results))
	}
	for _, r := range run.Results[:rep.Summary.Findings.Critical] {
		if r.Properties.Severity != "critical" {
			t.Fatalf("a %s result among the first", r.Properties.Severity)
		}
	}
	if n := run.Invocations[0].Execution[0]; n.Descriptor.ID != "results-left-out" || !strings.Contains(n.Message.Text, "500 results") {
		t.Errorf("nothing says what is left out: %+v", n)
	}
}

func TestRelativeURI(t *testing.T) {
	for file, want := range map[string]string{
		"a/b.yaml": "a/b.yaml", "a b/ü#?.yaml": "a%20b/%C3%BC%23%3F.yaml", "c:/x": "c%3A/x", "a:b:c": "a%3Ab%3Ac", "x/../../y": "y", "//host/x": "host/x", "%41": "%2541", "": "",
	} {
		got := relativeURI(file)
		if got != want {
			t.Errorf("relativeURI(%q) = %q, want %q", file, got, want)
		}
		if u, err := url.Parse(got); err != nil || u.IsAbs() || u.Host != "" {
			t.Errorf("relativeURI(%q) = %q is not a relative reference: %v", file, got, err)
		}
	}
}

func TestReplacement(t *testing.T) {
	for _, c := range []struct {
		edit ops.Edit
		want string
	}{
		{ops.Edit{Line: 3, EndLine: 4, Text: "a\nb\n"}, `{"deletedRegion":{"startLine":3,"startColumn":1,"endLine":4},"insertedContent":{"text":"a\nb"}}`},
		{ops.Edit{Line: 3, EndLine: 2, Text: "a"}, `{"deletedRegion":{"startLine":3,"startColumn":1,"endLine":3,"endColumn":1},"insertedContent":{"text":"a\n"}}`},
		{ops.Edit{Line: 3, EndLine: 3}, `{"deletedRegion":{"startLine":3,"startColumn":1,"endLine":4,"endColumn":1}}`},
	} {
		if got, _ := json.Marshal(replacementOf(c.edit)); string(got) != c.want {
			t.Errorf("replacementOf(%+v) = %s, want %s", c.edit, got, c.want)
		}
	}
}

func TestSARIFPlain(t *testing.T) {
	for in, want := range map[string]string{
		"{0} {12} {x} {{ .Values }}": "{{0}} {{12}} {x} {{ .Values }}",
		"[a](b) c[0]":                "[a] (b) c[0]",
		"{":                          "{",
	} {
		if got := sarifPlain(in); got != want {
			t.Errorf("sarifPlain(%q) = %q, want %q", in, got, want)
		}
	}
}

func ExampleFormats() {
	fmt.Println(Formats())
	// Output: [table json sarif junit markdown github html]
}
