package resources

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/autoecoops/autoecoops/assess/check/checktest"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }

func TestRobust(t *testing.T) { checktest.Robust(t, Checks()) }

func TestQuantitiesMeanWhatTheyMeanToTheAPIServer(t *testing.T) {
	suffixes := []string{"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E2", "e-1", "K", "mi", "B", " ", "MB", "e"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		number := fmt.Sprint(r.IntN(3000))
		switch r.IntN(4) {
		case 0:
			number += fmt.Sprintf(".%d", r.IntN(100))
		case 1:
			number = "." + number
		}
		if r.IntN(10) == 0 {
			number = []string{"-", "+", "", "0x"}[r.IntN(4)] + number
		}
		text := number + suffixes[r.IntN(len(suffixes))]
		want, err := resource.ParseQuantity(text)
		got, ok := parseQuantity(text)
		if ok != (err == nil) {
			t.Fatalf("parseQuantity(%q) = %v, %v; the API server says %v", text, got, ok, err)
		}
		if w := want.AsApproximateFloat64(); ok && math.Abs(w) < 1e18 && math.Abs(got-w) > 1e-6*math.Abs(w)+2e-9 {
			t.Fatalf("parseQuantity(%q) = %v, want %v", text, got, w)
		}
	}
}
