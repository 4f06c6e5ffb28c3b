package scorecard

import "testing"

func TestDecide(t *testing.T) {
	tests := []struct {
		name string
		c    balance
		want Status
	}{
		{"good", balance{good: true}, Implemented},
		{"good though absent", balance{good: true, absent: true}, Implemented},
		{"good and bad", balance{good: true, bad: true}, Partly},
		{"good and unknown", balance{good: true, unknown: true}, Partly},
		{"good and a gap", balance{good: true, gaps: true}, Partly},
		{"good, the rest unlooked", balance{good: true, unlooked: true}, Partly},
		{"good, but elsewhere", balance{good: true, elsewhere: true}, Unknown},
		{"good and bad, but elsewhere", balance{good: true, bad: true, elsewhere: true}, Unknown},
		{"bad", balance{bad: true}, Missing},
		{"bad though absent", balance{bad: true, absent: true}, Missing},
		{"bad, unlooked", balance{bad: true, unlooked: true}, Missing},
		{"bad and unknown", balance{bad: true, unknown: true}, Missing},
		{"bad, but elsewhere", balance{bad: true, elsewhere: true}, Unknown},
		{"nothing", balance{}, Missing},
		{"a gap only", balance{gaps: true}, Missing},
		{"absent", balance{absent: true}, NotApplicable},
		{"absent, elsewhere", balance{absent: true, elsewhere: true}, NotApplicable},
		{"absent, unlooked", balance{absent: true, unlooked: true}, NotApplicable},
		{"unknown", balance{unknown: true}, Unknown},
		{"elsewhere", balance{elsewhere: true}, Unknown},
		{"unlooked", balance{unlooked: true}, NotEvaluated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(tt.c); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestRulesAndPractices(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range practices {
		if _, ok := rules[p.ID]; !ok {
			t.Errorf("no rule for %s", p.ID)
		}
		if seen[p.ID] {
			t.Errorf("practice %s stands twice", p.ID)
		}
		seen[p.ID] = true
	}
	for id := range rules {
		if !seen[id] {
			t.Errorf("rule %s has no practice", id)
		}
	}
}

func TestKindOfRef(t *testing.T) {
	for ref, want := range map[string]refKind{
		"": noRef, "HEAD": movingRef, "main": movingRef, "release-1.2": movingRef, "v1.2.3": fixedRef, "1.2": fixedRef, "web/v1.2.3": fixedRef,
		"5dfb5a0": fixedRef, "deadbeef": movingRef, "sha256:aa": fixedRef, "1.x": rangeRef, "^1.0": rangeRef, "*": rangeRef, "{{.rev}}": templateRef, "v2": movingRef,
	} {
		if got := kindOfRef(ref); got != want {
			t.Errorf("kindOfRef(%q) = %d, want %d", ref, got, want)
		}
	}
}

func TestUncomment(t *testing.T) {
	for in, want := range map[string]string{
		"a # b": "a ", "# b": "", "a#b": "a#b", "'a # b' # c": "'a # b' ", `echo don't # x`: "echo don't ", `x: "a # b`: `x: "a `,
	} {
		if got := string(uncomment([]byte(in), "#")); got != want {
			t.Errorf("uncomment(%q) = %q, want %q", in, got, want)
		}
	}
	if got := string(uncomment([]byte("x https://a // b"), "//")); got != "x https://a " {
		t.Errorf("got %q", got)
	}
}
