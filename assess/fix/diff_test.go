package fix

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestHunks replays random differences.
func TestHunks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func() (out []string) {
		for range rnd.IntN(30) {
			out = append(out, string(rune('a'+rnd.IntN(5)))+"\n")
		}
		return out
	}
	for range 5000 {
		a, b := text(), text()
		edits := []int{2, 5, maxEdits}[rnd.IntN(3)]
		var got []string
		at := 0
		for _, h := range hunksWithin(a, b, edits) {
			if h.a0 < at || h.a1 < h.a0 || h.b1 < h.b0 {
				t.Fatalf("hunk %v of %q and %q", h, a, b)
			}
			got = append(append(got, a[at:h.a0]...), b[h.b0:h.b1]...)
			at = h.a1
		}
		got = append(got, a[at:]...)
		if strings.Join(got, "") != strings.Join(b, "") {
			t.Fatalf("%q to %q became %q", a, b, got)
		}
	}
}

func TestDiff(t *testing.T) {
	a := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12"
	b := "1\n2\nx\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n"
	want := `--- a/f
+++ b/f
@@ -1,6 +1,6 @@
 1
 2
-3
+x
 4
 5
 6
@@ -9,4 +9,5 @@
 9
 10
 11
-12
\ No newline at end of file
+12
+13
`
	if got := Diff("f", []byte(a), []byte(b)); got != want {
		t.Errorf("got\n%s", got)
	}
	if Diff("f", []byte(a), []byte(a)) != "" {
		t.Error("a difference between a text and itself")
	}
	if got := Diff("f", nil, []byte("a\n")); got != "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n" {
		t.Error(got)
	}
}
