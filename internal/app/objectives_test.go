package app

import (
	"strings"
	"testing"
	"time"
)

// TestObjectivesOfStandardInput are told as such, and not as a file that is not there.
func TestObjectivesOfStandardInput(t *testing.T) {
	b := backend{stdin: strings.NewReader("")}
	got, err := b.Objectives(t.Context(), []string{"-"}, 30*24*time.Hour)
	if err != nil || len(got.Problems) != 1 || got.Problems[0].Position.String() != "standard input" {
		t.Errorf("%+v, %v", got, err)
	}
}
