package scorecard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/scorecard"
)

// BenchmarkLook is what the look costs for 2,000 files with 10 MB of
// manifests, of which it wants to know little.
func BenchmarkLook(b *testing.B) {
	_, body, _ := strings.Cut(web, " --\n")
	text := []byte(strings.Repeat(body+"---\n", 15))
	b.SetBytes(int64(len(text)) * 2000)
	for b.Loop() {
		s := scorecard.NewScan()
		for i := range 2000 {
			s.Look(fmt.Sprintf("apps/team-%d/service-%d.yaml", i%50, i), text)
		}
	}
}
