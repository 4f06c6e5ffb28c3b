package ops_test

import (
	"encoding/json"
	"testing"

	"github.com/autoecoops/autoecoops/ops"
)

func TestSeverities(t *testing.T) {
	all := ops.Severities()
	if len(all) != 4 {
		t.Fatalf("%v", all)
	}
	for i, s := range all {
		if i > 0 && all[i-1] <= s {
			t.Errorf("%s is not below %s", s, all[i-1])
		}
		text, err := json.Marshal(s)
		var back ops.Severity
		if err != nil || json.Unmarshal(text, &back) != nil || back != s {
			t.Errorf("%s → %s → %s", s, text, back)
		}
	}
	for name, want := range map[string]ops.Severity{"HIGH": ops.High, "Low": ops.Low, "critical": ops.Critical, "medium": ops.Medium} {
		if got, err := ops.ParseSeverity(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "never", "severity(0)", "hig"} {
		var s ops.Severity
		if err := s.UnmarshalText([]byte(name)); err == nil {
			t.Errorf("%q is %s", name, s)
		}
	}
	if s := ops.Severity(9).String(); s != "severity(9)" {
		t.Error(s)
	}
}

func TestRef(t *testing.T) {
	for ref, want := range map[ops.Ref][3]string{
		{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "a", Name: "b"}: {"apps", "v1", "Deployment a/b"},
		{APIVersion: "v1", Kind: "Node", Name: "n"}:                            {"", "v1", "Node n"},
		{APIVersion: "a.b/v1/x", Kind: "K"}:                                    {"a.b", "v1/x", "K "},
	} {
		if got := [3]string{ref.Group(), ref.Version(), ref.String()}; got != want || ref.IsZero() {
			t.Errorf("%+v: %q, want %q", ref, got, want)
		}
	}
	if !(ops.Ref{}).IsZero() {
		t.Error("nothing is something")
	}
}

func TestPosition(t *testing.T) {
	for p, want := range map[ops.Position]string{
		{File: "a", Line: 1, Column: 2, EndLine: 3}: "a:1:2", {File: "a", Line: 1}: "a:1", {File: "a", Column: 2}: "a", {}: "",
	} {
		if p.String() != want {
			t.Errorf("%s, want %s", p, want)
		}
	}
	rising := []ops.Position{{}, {File: "a"}, {File: "a", Line: 1}, {File: "a", Line: 1, Column: 5}, {File: "a", Line: 2, Column: 1}, {File: "b", Line: 1}}
	for i, p := range rising {
		for j, q := range rising {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(q); got != want {
				t.Errorf("%v and %v: %d, want %d", p, q, got, want)
			}
		}
	}
}
