package control

import (
	"slices"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	all := All()
	if len(all) != 45 {
		t.Fatalf("%d facts, want 45", len(all))
	}
	for i, f := range all {
		if f.N != i+1 {
			t.Errorf("fact at place %d has number %d: numbers must be unique and in order", i, f.N)
		}
		if got, ok := ByNumber(f.N); !ok || got.Label != f.Label {
			t.Errorf("ByNumber(%d) = %q, %v", f.N, got.Label, ok)
		}
		if f.Label == "" || f.Rationale == "" || len(f.Refs) == 0 {
			t.Errorf("fact %d lacks a label, a rationale or refs", f.N)
		}
		if strings.Count(f.Rationale, ". ") > 0 || !strings.HasSuffix(f.Rationale, ".") {
			t.Errorf("fact %d: the rationale is not one sentence: %q", f.N, f.Rationale)
		}
	}
	for _, n := range []int{-1, 0, 46} {
		if f, ok := ByNumber(n); ok {
			t.Errorf("ByNumber(%d) = %+v, want none", n, f)
		}
	}
}

func TestRefs(t *testing.T) {
	used := map[string]bool{}
	for _, f := range All() {
		seen := map[string]bool{}
		last := 0
		for _, r := range f.Refs {
			if seen[r.String()] {
				t.Errorf("fact %d names %s twice", f.N, r)
			}
			seen[r.String()], used[r.String()] = true, true
			if r.Label() == "" {
				t.Errorf("fact %d: %s has no label", f.N, r)
			}
			if prefix := map[Framework]string{ISO27001: "A.", HIPAA: "164."}[r.Framework]; !strings.HasPrefix(r.ID, prefix) {
				t.Errorf("fact %d: %s does not start with %s", f.N, r, prefix)
			}
			place := slices.Index(Frameworks(), r.Framework)
			if place < last {
				t.Errorf("fact %d: %s is not in the order of Frameworks", f.N, r)
			}
			last = place
		}
	}
	for id := range labels {
		if !used[id] {
			t.Errorf("label %s belongs to no fact", id)
		}
	}
}

func TestNames(t *testing.T) {
	for _, f := range Frameworks() {
		if f.Name() == string(f) {
			t.Errorf("%s has no name", f)
		}
	}
	if got := (Ref{Framework: SOC2, ID: "CC6.1"}).String(); got != "soc2:CC6.1" {
		t.Errorf("Ref.String() = %q", got)
	}
	if got := Framework("other").Name(); got != "other" {
		t.Errorf("Name() of an unknown framework = %q", got)
	}
}
