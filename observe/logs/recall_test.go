package logs

import "testing"

// TestRecallIsBounded has what is too much to keep be read anew.
func TestRecallIsBounded(t *testing.T) {
	var r Recall
	if known := r.Begin("shop", 0); known != 0 {
		t.Fatalf("it knows lines up to %d", known)
	}
	text := make([]byte, 1<<20) // the same for all: it counts as often
	for i := range recallBytes >> 20 {
		r.Add("a", Line{At: int64(i), Text: text})
	}
	r.Until(1000)
	if known := r.Begin("shop", 10); known != 1000 || r.bytes != recallBytes-10<<20 {
		t.Fatalf("it knows lines up to %d, in %d bytes", known, r.bytes)
	}
	for i := range 11 {
		r.Add("a", Line{At: int64(1000 + i), Text: text})
	}
	r.Until(2000)
	if known := r.Begin("shop", 10); known != 10 || len(r.lines) != 0 || r.bytes != 0 {
		t.Errorf("it knows lines up to %d, %d of them", known, len(r.lines))
	}
}
