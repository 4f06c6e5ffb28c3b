package checktest

import (
	"bytes"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/ops"
)

// Robust holds checks to answering sensibly whatever an object looks like: it
// breaks each sample in many small ways, and fails the test if a check panics
// or reports without a message or a place.
func Robust(t *testing.T, checks []*check.Check) {
	t.Helper()
	for _, c := range checks {
		t.Run(string(c.ID), func(t *testing.T) {
			all, err := c.Samples()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				for i := range s.Files {
					robust(t, c, s, i)
				}
			}
		})
	}
}

// wrong are values that a field may be given by mistake.
var wrong = []string{"", " []", " {}", " null", " x", " -1", " [null, 1, [], {}]", " {name: [x], type: 1}"}

// robust breaks file i of a sample line by line.
func robust(t *testing.T, c *check.Check, s check.Sample, i int) {
	lines := bytes.Split(s.Files[i].Text, []byte("\n"))
	files := make([]check.SampleFile, len(s.Files))
	copy(files, s.Files)
	for n, line := range lines {
		colon := bytes.Index(line, []byte(": "))
		if colon < 0 && bytes.HasSuffix(line, []byte(":")) {
			colon = len(line) - 1
		}
		for _, value := range wrong {
			broken := append([][]byte{}, lines...)
			broken[n] = nil
			if value != "" {
				if colon < 0 {
					break
				}
				broken[n] = append(append([]byte{}, line[:colon+1]...), value...)
			}
			files[i] = check.SampleFile{Name: s.Files[i].Name, Text: bytes.Join(broken, []byte("\n"))}
			g, err := Graph(files)
			if err != nil {
				continue // no YAML any more
			}
			for _, r := range Evaluate(c, g) {
				line, _ := r.At.Position()
				if r.Status != ops.Pass && (r.Message == "" || line == 0) {
					t.Errorf("%s without line %d (%q): a result at line %d says %q", s.Name, n+1, value, line, r.Message)
				}
			}
		}
	}
}
