package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/bench/record"
)

// TestAsShipped takes the way of a few services: all their signals are judged, or it is an
// error, and no figure can be taken for one of the detector alone.
func TestAsShipped(t *testing.T) {
	r := record.New()
	if err := asShipped(r, 3); err != nil {
		t.Fatal(err)
	}
	if err := remoteWrite(r, 20, 150); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.json")
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if ours, watched := strings.Count(string(text), "as aeod ships: "), strings.Count(string(text), "samples watched"); ours != 4 || watched != 10 {
		t.Errorf("%d figures of what the store is asked for, %d of what is watched: %s", ours, watched, text)
	}
}
